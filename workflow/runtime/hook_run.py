"""Calling a hook or its probe: the only place where the application's code runs, and where its errors are caught."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple, TypeVar

from workflow.definition.definition import HookUse
from workflow.errors import HookNotRegisteredError
from workflow.runtime.changes import Change
from workflow.runtime.declared import Note, get_function
from workflow.runtime.effect import Effect
from workflow.runtime.hooks import refuse_awaitable
from workflow.runtime.ledger_entry import Outcome
from workflow.runtime.redact import bare_trace, redacted_error, redacted_trace
from workflow.runtime.runtime import Runtime
from workflow.runtime.tracing import Span, ran_along, running

log = logging.getLogger("workflow")

_MILLISECOND = timedelta(milliseconds=1)
_Answer = TypeVar("_Answer")


class Failure(NamedTuple):
    """An error that the application's code raised: itself, in one line, and with its trace; neither text quotes a
    sensitive value."""

    raised: BaseException
    error: str
    trace: str


class Ran(NamedTuple):
    """How one run of a hook ended; `payload` is what it returned for a `then`. `shared_by` is how many
    effects failed at once, where nobody knows whose doing it was; `trace` is what may go on from the run."""

    outcome: Outcome
    payload: Mapping[str, object]
    failure: Failure | None = None
    shared_by: int = 0
    trace: str = ""


class Company(NamedTuple):
    """What is the same for all effects that may run together; `rests` keeps who has to rest from those who have not."""

    function: str
    most: int
    rests: bool


class Claimed(NamedTuple):
    """An effect that is to run: the change that owes it, how its hook is asked for, how it stands, with how many
    others it may run at most, and after which rest."""

    change: Change
    use: HookUse
    outcome: Outcome
    most: int = 1
    rest_seconds: float = 0.0

    @property
    def company(self) -> Company:
        """With which others it may run."""
        return Company(self.use.function, self.most, self.rest_seconds > 0)


def run_hook(runtime: Runtime, change: Change, use: HookUse, outcome: Outcome) -> Ran:
    """Runs the hook once more and says how it ended; raises nothing but KeyboardInterrupt."""
    effect = Effect(change, use.hook, outcome.attempts + 1, runtime)
    started = runtime.clock.now()
    with running(runtime.tracer, [effect]) as span:
        teller = _Teller(runtime, [effect])
        payload, failure = _called(teller, lambda: _payload(use, get_function(runtime, use)(effect)))
        _tell(span, failure)
        ran = _ended(runtime, use, outcome, started, payload, failure)._replace(trace=span.trace)
        _log_run(effect, ran)
    return ran


def _tell(span: Span, *failures: Failure | None) -> None:
    """Marks the span of a run by what failed in it, which one error may have done for all."""
    failed = [failure for failure in failures if failure is not None]
    if failed:
        is_one = len({id(failure) for failure in failures}) == 1
        error = failed[0].error if is_one else f"{len(failed)} of {len(failures)} failed"
        span.fail(error, type(failed[0].raised).__name__)


def _log_run(effect: Effect, ran: Ran) -> None:
    """Tells of a run that ended well; of one that failed, its error was told."""
    if ran.failure is None:
        log.info("effect %s ran (attempt %d)", effect, effect.attempt, extra={"took_ms": ran.outcome.took_ms})


def _ended(
    runtime: Runtime,
    use: HookUse,
    outcome: Outcome,
    started: datetime,
    payload: Mapping[str, object] | Note | None,
    failure: Failure | None,
) -> Ran:
    ended = runtime.clock.now()
    took_ms = (ended - started) // _MILLISECOND
    if failure is not None:
        return Ran(outcome.ended("failed", ended, took_ms, failure.error), {}, failure)
    note, payload = (str(payload), None) if isinstance(payload, Note) else ("", payload)
    done = outcome.ended("done", ended, took_ms, note=note)
    if use.undo:
        done = done._replace(undo=use.undo.hook)
    return Ran(done, payload or {})


def run_batch(runtime: Runtime, together: Sequence[Claimed]) -> list[Ran]:
    """Runs one hook once for several effects and says how each ended; raises nothing but KeyboardInterrupt."""
    effects = [Effect(one.change, one.use.hook, one.outcome.attempts + 1, runtime) for one in together]
    with running(runtime.tracer, effects) as span:
        ran = _run_together(runtime, together, effects)
        _tell(span, *(one.failure for one in ran))
        _log_run(effects[0], ran[0])
        batch = span.trace
    first = ran[0]._replace(trace=batch)
    return [first, *(_ran_along(runtime, *one, len(ran), batch) for one in zip(effects[1:], ran[1:], strict=True))]


def _ran_along(runtime: Runtime, effect: Effect, ran: Ran, effects: int, batch: str) -> Ran:
    with ran_along(runtime.tracer, effect, effects, batch) as span:
        _tell(span, ran.failure)
        _log_run(effect, ran)
        return ran._replace(trace=span.trace)


def _run_together(runtime: Runtime, together: Sequence[Claimed], effects: Sequence[Effect]) -> list[Ran]:
    keys, started, teller = [effect.key for effect in effects], runtime.clock.now(), _Teller(runtime, effects)
    # A list of its own, for the hook may do with it what it likes.
    called, failure = _called(teller, lambda: (get_function(runtime, together[0].use)(list(effects)),))
    shared_by = len(together) if failure is not None and len(together) > 1 else 0
    if called is not None:
        answers, failure = _called(teller, lambda: _answers(keys, called[0]))
        if answers is not None:
            judged = _judged(teller, together, answers)
            return [
                _ended(runtime, one.use, one.outcome, started, *how) for one, how in zip(together, judged, strict=True)
            ]
    return [
        _ended(runtime, one.use, one.outcome, started, None, failure)._replace(shared_by=shared_by) for one in together
    ]


def _answers(keys: Sequence[str], answer: object) -> list[object]:
    """What a batched hook answered for each effect; raises TypeError for what is no answer."""
    refuse_awaitable(answer)
    if answer is not None and not isinstance(answer, Mapping):
        raise TypeError(f"a batched hook returns None or a map by the keys of effects, not {type(answer).__name__}")
    answers = dict(answer or {})
    strange = sorted(map(str, answers.keys() - set(keys)))
    if strange:
        raise TypeError(f"a batched hook answered for {strange[0]!r}, which is the key of no effect in its batch")
    return [answers.get(key) for key in keys]


def _judged(
    teller: _Teller, together: Sequence[Claimed], answers: Sequence[object]
) -> list[tuple[Mapping[str, object] | Note | None, Failure | None]]:
    # Often one error stands for many: it is told once.
    whose: dict[int, list[int]] = {}
    for place, answer in enumerate(answers):
        if isinstance(answer, BaseException):
            whose.setdefault(id(answer), []).append(place)
    failures = {}
    for places in whose.values():
        error = answers[places[0]]
        assert isinstance(error, BaseException)
        failures.update(dict.fromkeys(places, teller.tell(error, places)))
    return [
        (None, failures[place]) if place in failures else _called(teller, partial(_answered, one.use, answer), [place])
        for place, (one, answer) in enumerate(zip(together, answers, strict=True))
    ]


def _answered(use: HookUse, answer: object) -> Mapping[str, object] | Note:
    if answer is not None and not isinstance(answer, Mapping | Note):
        raise TypeError(f"a batched hook answers an effect with None, an error or a map, not {type(answer).__name__}")
    return _payload(use, answer)


def ask_probe(
    runtime: Runtime, change: Change, use: HookUse, outcome: Outcome
) -> tuple[Mapping[str, object] | None, Failure | None]:
    """What the hook's probe says: None if the run did not happen, else what it would have returned for a `then` (a
    probe that answers with a map says yes); or how the probe failed."""
    effect = Effect(change, use.hook, max(1, outcome.attempts), runtime)

    def asked() -> Mapping[str, object] | None:
        probe = runtime.hooks.probes.get(use.function)
        if probe is None:
            raise HookNotRegisteredError(f"no handler module registers a probe of {use.function!r}")
        happened = probe(effect)
        refuse_awaitable(happened)
        if isinstance(happened, Mapping):
            return happened
        return {} if happened else None

    return _called(_Teller(runtime, [effect]), asked)


class _Teller:
    """Tells what one call of the application's code raised, without the sensitive values of any effect that it was
    given: what fails for one may quote another."""

    def __init__(self, runtime: Runtime, effects: Sequence[Effect]) -> None:
        self._runtime, self._effects, self._started = runtime, effects, runtime.clock.now()
        self._found: list[set[str] | None] = []

    def tell(self, raised: BaseException, places: Sequence[int] = ()) -> Failure:
        """The error of the effects at those places; of all, if none are named."""
        known = self._secrets()
        if known is None:
            trace = error = bare_trace(raised)
        else:
            trace, error = redacted_trace(raised, known), redacted_error(raised, known)
        first = self._effects[places[0] if places else 0]
        others = (len(places) or len(self._effects)) - 1
        more = f" and {others} more" if others else ""
        took = {"took_ms": (self._runtime.clock.now() - self._started) // _MILLISECOND}
        log.error("effect %s%s failed (attempt %d): %s", first, more, first.attempt, trace, extra=took)
        return Failure(raised, error, trace)

    def _secrets(self) -> set[str] | None:
        """None: nobody can tell. Found once; no cached property, for until Python 3.12 all tellers would share its
        lock, and what is read here may be long in coming."""
        if not self._found:
            self._found.append(self._find_secrets())
        return self._found[0]

    def _find_secrets(self) -> set[str] | None:
        try:
            found = [effect.find_secrets() for effect in self._effects]
        except Exception:
            return None
        known = [texts for texts in found if texts is not None]
        return set().union(*known) if len(known) == len(found) else None


def _called(
    teller: _Teller, call: Callable[[], _Answer], places: Sequence[int] = ()
) -> tuple[_Answer | None, Failure | None]:
    try:
        return call(), None
    except KeyboardInterrupt:
        raise
    except BaseException as raised:
        # SystemExit and its like too: a hook that leaves must not take the batch with it.
        return None, teller.tell(raised, places)


def _payload(use: HookUse, returned: object) -> Mapping[str, object] | Note:
    """What a hook returned, where `then` fires with it; or what the framework's own notes."""
    if isinstance(returned, Note):
        return returned
    refuse_awaitable(returned)
    if not use.then or returned is None:
        return {}
    if not isinstance(returned, Mapping):
        raise TypeError(f"a hook with `then` returns a map for the payload, or None, not {type(returned).__name__}")
    # Here, while it still counts as the hook's own doing: a map may fail when it is read.
    return dict(returned)
