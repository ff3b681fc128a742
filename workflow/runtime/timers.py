"""Timers: the trigger that a state fires by itself once the entity has stayed in it so long."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from workflow.definition.definition import Definition, Timer
from workflow.engine.events import Event
from workflow.errors import (
    GuardError,
    HomeRegionError,
    Refused,
    StoreAccessError,
    UnknownKindError,
    VersionPassedError,
    WorkflowError,
)
from workflow.runtime.ask import BY_TIMER, Ask
from workflow.runtime.ports import SetTimer
from workflow.runtime.runtime import Runtime

log = logging.getLogger("workflow")


def timer_after(definition: Definition, event: Event) -> SetTimer | None:
    """The timer that the event sets: the soonest of the state it leads to."""
    timers = _in_order(definition, event.target)
    return _set(event.kind, event.entity_id, event.version, event.at, timers[0]) if timers else None


def _in_order(definition: Definition, state: str) -> list[Timer]:
    declared = definition.states.get(state)
    return sorted(declared.timers, key=lambda timer: timer.after_seconds) if declared else []


def _set(kind: str, entity_id: str, version: int, entered_at: datetime, timer: Timer) -> SetTimer:
    return SetTimer(kind, entity_id, version, timer.trigger, entered_at + timedelta(seconds=timer.after_seconds))


def fire_timer(runtime: Runtime, timer: SetTimer) -> bool:
    """Fires a due timer, and whether it made a transition; one whose state was left is forgotten.

    A timer fires once: if its trigger is refused, the next timer of the state takes its place, or the refusal is kept
    where `explain` finds it. Raises a Retryable if it is not known whether it fired, or cannot be known here; it is due
    again then.
    """
    # Here and not above: what deciding needs is imported when something is decided.
    from workflow.runtime.fire import fire

    try:
        fire(
            runtime,
            Ask(
                timer.kind,
                timer.entity_id,
                timer.trigger,
                by=BY_TIMER,
                only_version=timer.version,
                trace=_trace_of(runtime, timer),
            ),
        )
    except (UnknownKindError, StoreAccessError, HomeRegionError):
        # Not the entity's refusal but ours, of a deployment, a permission or a region: due again with the next sweep.
        raise
    except VersionPassedError:
        runtime.store.change_timer(timer, None)
        return False
    except Refused as refusal:
        if isinstance(refusal, GuardError) and refusal.__cause__:
            # The guard did not say no, it failed: nobody knows what it would have said.
            raise
        log.warning("the timer of %s was refused: %s", timer, refusal)
        runtime.store.change_timer(timer, _next_after(runtime, timer, str(refusal)))
        return False
    # Nothing stands here now unless the new state has a timer of its own.
    runtime.store.change_timer(timer, None)
    return True


def _trace_of(runtime: Runtime, timer: SetTimer) -> str:
    # A read that only a trace is worth.
    try:
        event = runtime.store.find_event(timer.kind, timer.entity_id, timer.version) if runtime.tracer.is_on else None
    except WorkflowError:
        return ""
    return event.trace if event else ""


def _next_after(runtime: Runtime, timer: SetTimer, refusal: str) -> SetTimer:
    """The state's next timer, or the same one marked as refused."""
    entity = runtime.store.find_entity(timer.kind, timer.entity_id)
    definition = runtime.definitions.find(timer.kind)
    if entity is None or definition is None or entity.version != timer.version:
        return timer._replace(refused=refusal)
    for declared in _in_order(definition, entity.state):
        following = _set(timer.kind, timer.entity_id, timer.version, entity.changed_at, declared)
        if following.at > timer.at:
            return following
    return timer._replace(refused=refusal)
