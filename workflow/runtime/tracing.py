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

    def refuse(self, kind: str) -> None:
        """Marks it as refused: nothing is wrong here, and who asked must act."""
        ...


class Tracer(Protocol):
    """Keeps what was done when, and what led to it. It never raises: what cannot be kept is lost, and the work goes
    on."""

    @property
    def is_on(self) -> bool:
        """Whether anything is kept or passed on: what only a trace needs is read only then."""
        ...

    def span(self, name: str, notes: Notes, *, follows: str = "", batch: str = "") -> AbstractContextManager[Span]:
        """A span until the block ends: within the tracer's own that is under way on this thread, else of the trace that
        `follows` names, which another process may have begun, else of a new trace. `batch` names a span that it was
        done together with. An error that leaves the block is marked by its class alone, since its words may quote
        anything, and goes on."""
        ...

    def current(self) -> str:
        """What others need to go on from where this thread is; '' outside of every span."""
        ...


class _Nothing:
    """A tracer, its spans and their blocks: all of them do nothing, as cheaply as can be."""

    is_on = False
    trace = ""

    def span(self, name: str, notes: Notes, *, follows: str = "", batch: str = "") -> _Nothing:
        return self

    def current(self) -> str:
        return ""

    def note(self, notes: Notes) -> None:
        pass

    def fail(self, error: str, kind: str) -> None:
        pass

    def refuse(self, kind: str) -> None:
        pass

    def __enter__(self) -> _Nothing:
        return self

    def __exit__(self, *raised: object) -> None:
        pass


_NOTHING = _Nothing()
NO_TRACER: Tracer = _NOTHING
"""Tracing that is switched off."""


def asking(tracer: Tracer, ask: Ask) -> AbstractContextManager[Span]:
    """The span of a request for a transition, and what the ask says led to it."""
    if not tracer.is_on:
        return _NOTHING
    notes = {"kind": ask.kind, "id": ask.entity_id, "trigger": ask.trigger}
    return tracer.span(f"{ask.trigger} {ask.kind}", notes, follows=ask.trace)


def running(tracer: Tracer, effects: Sequence[Effect]) -> AbstractContextManager[Span]:
    """The span of a run of a hook: it follows the event that owes it. Of several run at once, the first one's."""
    if not tracer.is_on:
        return _NOTHING
    first = effects[0]
    return tracer.span(first.hook, {**first.notes(), "effects": len(effects)}, follows=first.trace)


def ran_along(tracer: Tracer, effect: Effect, effects: int, batch: str) -> AbstractContextManager[Span]:
    """The span of one more effect that was run with others, which are in the span that `batch` names: in its own trace,
    where it can be found and gone on from."""
    if not tracer.is_on:
        return _NOTHING
    return tracer.span(effect.hook, {**effect.notes(), "effects": effects}, follows=effect.trace, batch=batch)


def judge(span: Span, status: int, outcome: str) -> None:
    """Keeps what a request was answered, by its HTTP status, and marks its span by it."""
    span.note({"outcome": outcome, "status": status})
    if status >= 500:
        span.fail("", outcome)
    elif status >= 400:
        span.refuse(outcome)
