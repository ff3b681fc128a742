"""The way of one entity through processes, as a story: the port that tracers implement, and what is traced here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from workflow.runtime.ask import Ask
    from workflow.runtime.effect import Effect

Notes = Mapping[str, str | int]
"""What a span can be found by: kind, id, state, trigger, hook, version, attempt. Never a value of data or payload."""


class Span(Protocol):
    """A stretch of work under way, on the thread that began it."""

    @property
    def trace(self) -> str:
        """What others need to go on from here: at most 256 characters that only the same tracer reads; '' if nothing
        is kept of it."""
        ...

    def note(self, notes: Notes) -> None:
        """Keeps more to find it by."""
        ...

    def fail(self, error: str, kind: str) -> None:
        """Marks it as failed; `error` quotes nothing sensitive, `kind` is the class of what was raised."""
        ...


class Tracer(Protocol):
    """Keeps what was done when, and what led to it. It never raises: what cannot be kept is lost, and the work goes
    on."""

    @property
    def is_on(self) -> bool:
        """Whether anything is kept: what only a trace needs is read only then."""
        ...

    def span(self, name: str, notes: Notes, *, follows: str = "") -> AbstractContextManager[Span]:
        """A span until the block ends: within the one under way on this thread, else of the trace that `follows` names,
        which another process may have begun, else of a new trace. An error that leaves the block is marked by its
        class alone, since its words may quote anything, and goes on."""
        ...

    def current(self) -> str:
        """What others need to go on from where this thread is; '' outside of every span."""
        ...


class _Nothing:
    """A tracer, its spans and their blocks: all of them do nothing, as cheaply as can be."""

    is_on = False
    trace = ""

    def span(self, name: str, notes: Notes, *, follows: str = "") -> _Nothing:
        return self

    def current(self) -> str:
        return ""

    def note(self, notes: Notes) -> None:
        pass

    def fail(self, error: str, kind: str) -> None:
        pass

    def __enter__(self) -> _Nothing:
        return self

    def __exit__(self, *raised: object) -> None:
        pass


_NOTHING = _Nothing()
NO_TRACER: Tracer = _NOTHING
"""Tracing that is switched off."""


def asking(tracer: Tracer, ask: Ask) -> AbstractContextManager[Span]:
    """The span of a request for a transition: within what this thread does, else after what the ask says led to it."""
    if not tracer.is_on:
        return _NOTHING
    notes = {"kind": ask.kind, "id": ask.entity_id, "trigger": ask.trigger}
    follows = "" if tracer.current() else ask.trace
    return tracer.span(f"{ask.trigger} {ask.kind}", notes, follows=follows)


def running(tracer: Tracer, effects: Sequence[Effect]) -> AbstractContextManager[Span]:
    """The span of a run of a hook: it follows the event that owes it. Of several run at once, the first one's."""
    if not tracer.is_on:
        return _NOTHING
    first = effects[0]
    return tracer.span(first.hook, {**first.notes(), "effects": len(effects)}, follows=first.trace)
