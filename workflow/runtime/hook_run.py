"""Calling a hook or its probe: the only place where the application's code runs, and where its errors are caught."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import NamedTuple, TypeVar

from workflow.definition.definition import HookUse
from workflow.errors import HookNotRegisteredError
from workflow.runtime.changes import Change
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


def run_hook(runtime: Runtime, change: Change, use: HookUse, outcome: Outcome) -> Ran:
    """Runs the hook once more and says how it ended; raises nothing but KeyboardInterrupt."""
    effect = Effect(change, use.hook, outcome.attempts + 1, runtime)
    started = runtime.clock.now()
    payload, failure = _called(runtime, effect, lambda: _payload(use, runtime.hooks[use.hook](effect)))
    ended = runtime.clock.now()
    took_ms = (ended - started) // _MILLISECOND
    if failure is not None:
        return Ran(outcome.ended("failed", ended, took_ms, failure.error), {}, failure)
    return Ran(outcome.ended("done", ended, took_ms), payload or {})


def ask_probe(
    runtime: Runtime, change: Change, use: HookUse, outcome: Outcome
) -> tuple[Mapping[str, object] | None, Failure | None]:
    """What the hook's probe says: None if the run did not happen, else what it would have returned for a `then` (a
    probe that answers with a map says yes); or how the probe failed."""
    effect = Effect(change, use.hook, max(1, outcome.attempts), runtime)

    def asked() -> Mapping[str, object] | None:
        probe = runtime.hooks.probes.get(use.hook)
        if probe is None:
            raise HookNotRegisteredError(f"no handler module registers a probe of {use.hook!r}")
        happened = probe(effect)
        refuse_awaitable(happened)
        if isinstance(happened, Mapping):
            return happened
        return {} if happened else None

    return _called(runtime, effect, asked)


def _called(runtime: Runtime, effect: Effect, call: Callable[[], _Answer]) -> tuple[_Answer | None, Failure | None]:
    try:
        return call(), None
    except KeyboardInterrupt:
        raise
    except BaseException as raised:
        # SystemExit and its like too: a hook that leaves must not take the batch with it.
        return None, _told(runtime, effect, raised)


def _told(runtime: Runtime, effect: Effect, raised: BaseException) -> Failure:
    try:
        secrets = runtime.secrets(effect.kind, *effect.values_read())
    except Exception:
        trace = error = bare_trace(raised)
    else:
        trace, error = redacted_trace(raised, secrets), redacted_error(raised, secrets)
    log.error("effect %s failed (attempt %d): %s", effect.key, effect.attempt, trace)
    return Failure(raised, error, trace)


def _payload(use: HookUse, returned: object) -> Mapping[str, object]:
    """What a hook returned, where `then` fires with it."""
    refuse_awaitable(returned)
    if not use.then or returned is None:
        return {}
    if not isinstance(returned, Mapping):
        raise TypeError(f"a hook with `then` returns a map for the payload, or None, not {type(returned).__name__}")
    # Here, while it still counts as the hook's own doing: a map may fail when it is read.
    return dict(returned)
