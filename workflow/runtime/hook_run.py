"""Calling a hook or its probe: the only place where the application's code runs, and where its errors are caught."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
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
    """How one run of a hook ended; `payload` is what it returned for a `then`."""

    outcome: Outcome
    payload: Mapping[str, object]
    failure: Failure | None = None


class Claimed(NamedTuple):
    """An effect that is to run: the change that owes it, how its hook is asked for, how it stands, and with how many
    others it may run at most."""

    change: Change
    use: HookUse
    outcome: Outcome
    most: int = 1


def run_hook(runtime: Runtime, change: Change, use: HookUse, outcome: Outcome) -> Ran:
    """Runs the hook once more and says how it ended; raises nothing but KeyboardInterrupt."""
    effect = Effect(change, use.hook, outcome.attempts + 1, runtime)
    started = runtime.clock.now()
    payload, failure = _called(runtime, [effect], lambda: _payload(use, get_function(runtime, use)(effect)))
    return _ended(runtime, use, outcome, started, payload, failure)


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
    return Ran(done._replace(undo=use.undo.hook if use.undo else done.undo), payload or {})


def run_batch(runtime: Runtime, together: Sequence[Claimed]) -> list[Ran]:
    """Runs one hook once for several effects and says how each ended; raises nothing but KeyboardInterrupt."""
    effects = [Effect(one.change, one.use.hook, one.outcome.attempts + 1, runtime) for one in together]
    started = runtime.clock.now()

    def call() -> list[object]:
        answer = get_function(runtime, together[0].use)(effects)
        return [_answer_for(effect, answer) for effect in _known(effects, answer)]

    answers, failure = _called(runtime, effects, call)
    if answers is None:
        return [_ended(runtime, one.use, one.outcome, started, None, failure) for one in together]
    return [
        _ended(runtime, one.use, one.outcome, started, *_judged(runtime, effect, one.use, answer))
        for one, effect, answer in zip(together, effects, answers, strict=True)
    ]


def _known(effects: Sequence[Effect], answer: object) -> Sequence[Effect]:
    """The effects, if the answer speaks of no others."""
    refuse_awaitable(answer)
    if answer is not None and not isinstance(answer, Mapping):
        raise TypeError(f"a batched hook returns None or a map by the keys of effects, not {type(answer).__name__}")
    strange = set(answer or ()) - {effect.key for effect in effects}
    if strange:
        raise TypeError(f"a batched hook answered for {sorted(map(str, strange))[0]!r}, which was not in its batch")
    return effects


def _answer_for(effect: Effect, answer: object) -> object:
    return answer.get(effect.key) if isinstance(answer, Mapping) else None


def _judged(
    runtime: Runtime, effect: Effect, use: HookUse, answer: object
) -> tuple[Mapping[str, object] | Note | None, Failure | None]:
    if isinstance(answer, BaseException):
        return None, _told(runtime, [effect], answer)
    return _called(runtime, [effect], lambda: _payload(use, answer))


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

    return _called(runtime, [effect], asked)


def _called(
    runtime: Runtime, effects: Sequence[Effect], call: Callable[[], _Answer]
) -> tuple[_Answer | None, Failure | None]:
    try:
        return call(), None
    except KeyboardInterrupt:
        raise
    except BaseException as raised:
        # SystemExit and its like too: a hook that leaves must not take the batch with it.
        return None, _told(runtime, effects, raised)


def _told(runtime: Runtime, effects: Sequence[Effect], raised: BaseException) -> Failure:
    try:
        secrets = [text for effect in effects for text in runtime.secrets(effect.kind, *effect.values_read())]
    except Exception:
        trace = error = bare_trace(raised)
    else:
        trace, error = redacted_trace(raised, secrets), redacted_error(raised, secrets)
    first, others = effects[0], len(effects) - 1
    log.error(
        "effect %s%s failed (attempt %d): %s", first.key, f" and {others} more" if others else "", first.attempt, trace
    )
    return Failure(raised, error, trace)


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
