"""Create and fire: read, decide, commit in one conditional transaction; decide again when another writer was faster."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from workflow.definition.definition import CREATE
from workflow.engine.decide import Command, decide, decide_creation
from workflow.engine.entity import Entity
from workflow.engine.events import Event, evolve
from workflow.errors import (
    CascadeError,
    ContentionError,
    CreateError,
    DefinitionNotDeployedError,
    EntityNotFoundError,
    HistoryConflictError,
    LaneFullError,
    LeaseLostError,
    LimitError,
    Refused,
    VersionPassedError,
)
from workflow.runtime.accepted import Accepted, find_earlier, repeated
from workflow.runtime.again import wait
from workflow.runtime.ask import Ask, check_texts, fingerprint, with_times_as_text
from workflow.runtime.commit import commit
from workflow.runtime.home import check_created_nowhere_else, check_home
from workflow.runtime.metering import counting_refusals
from workflow.runtime.ports import Contested, Request, Write
from workflow.runtime.runtime import Runtime
from workflow.runtime.slots import placed
from workflow.runtime.timers import timer_after
from workflow.runtime.tracing import asking

if TYPE_CHECKING:
    from workflow.engine.machine import Machine

MAX_DECISIONS = 64
"""A bound on deciding anew when others were faster; in between it waits with full jitter."""


def create(runtime: Runtime, ask: Ask) -> Accepted:
    """Creates the entity; raises CreateError if it exists, PayloadError, UnknownKindError or a Retryable."""
    with counting_refusals(runtime.meter, ask):
        definition = runtime.get_definition(ask.kind)
        return _traced(
            runtime, ask, lambda command, _: decide_creation(definition, ask.entity_id, command, runtime.clock.now())
        )


def fire(runtime: Runtime, ask: Ask) -> Accepted:
    """Makes the transition; raises TransitionError, GuardError, PayloadError, EntityNotFoundError, HomeRegionError,
    RequestReuseError (nothing was written, and asking again changes nothing) or a Retryable."""
    with counting_refusals(runtime.meter, ask):
        return _fired(runtime, ask, runtime.machine(ask.kind))


def _fired(runtime: Runtime, ask: Ask, machine: Machine) -> Accepted:
    def decision(command: Command, entity: Entity | None) -> Event | Refused:
        if entity is None:
            return EntityNotFoundError(f"there is no {ask.kind} {ask.entity_id}; create it first")
        check_home(runtime, entity)
        if entity.definition > machine.definition.version:
            raise DefinitionNotDeployedError(
                f"{ask}: the entity was moved by version {entity.definition} of its definition, here is only version "
                f"{machine.definition.version}; deploy the newer one here too"
            )
        if ask.only_version and entity.version != ask.only_version:
            return VersionPassedError(f"{ask}: the entity is at version {entity.version} now")
        return decide(machine, entity, command, runtime.clock.now())

    return _traced(runtime, ask, decision)


Decision = Callable[[Command, Entity | None], Event | Refused]


def _traced(runtime: Runtime, ask: Ask, decision: Decision) -> Accepted:
    with asking(runtime.tracer, ask) as span:
        accepted = _accepted(runtime, _checked(runtime, ask), decision, span.trace)
        span.note({"state": accepted.event.target, "version": accepted.event.version})
        return accepted


def _checked(runtime: Runtime, ask: Ask) -> Ask:
    check_texts(ask)
    if ask.depth > runtime.max_depth:
        raise CascadeError(f"{ask}: {runtime.max_depth} effects have led one to another; they go in a circle")
    return with_times_as_text(ask)


def _accepted(runtime: Runtime, ask: Ask, decision: Decision, trace: str) -> Accepted:
    command = _command(runtime, ask, trace)
    creating = ask.trigger == CREATE
    fresh = ask.held is None and not creating
    entity = runtime.store.find_entity(ask.kind, ask.entity_id) if fresh else ask.held
    for attempt in range(MAX_DECISIONS):
        decided = _placed(runtime, ask, entity, decision(command, entity))
        if isinstance(decided, Refused | LaneFullError):
            if creating or fresh:
                return _earlier_or_raise(runtime, ask, decided)
            # A refusal is final only on a consistent read: what the caller held, or a writer left, may be stale.
            entity, fresh = runtime.store.find_entity(ask.kind, ask.entity_id), True
            continue
        write = _write(runtime, entity, decided, ask, attempt)
        contested = commit(runtime, write)
        if contested is None:
            return Accepted(decided, write.after)
        answer = _answered(runtime, ask, command, write, contested)
        if answer:
            return answer
        entity, fresh = _as_found(entity, contested), False
        wait(runtime.clock, min(attempt, 3))
    raise ContentionError(f"{ask}: other writers were faster {MAX_DECISIONS} times; fire again later")


def _earlier_or_raise(runtime: Runtime, ask: Ask, refusal: Refused | LaneFullError) -> Accepted:
    earlier = find_earlier(runtime, ask)
    if earlier is None:
        raise refusal
    return earlier


def _placed(
    runtime: Runtime, ask: Ask, entity: Entity | None, event: Event | Refused
) -> Event | Refused | LaneFullError:
    if isinstance(event, Refused):
        return event
    try:
        return placed(runtime, ask, entity, event)
    except (LaneFullError, LimitError) as error:
        return error


def _as_found(entity: Entity | None, contested: Contested) -> Entity | None:
    """The entity to decide on anew: as the write found it, or as it was if only a lane stood in the way."""
    if contested.entity is not None or not (contested.slot_taken or contested.slot_lost):
        return contested.entity
    if entity is None or entity.place is None or not contested.slot_lost:
        return entity
    # What somebody else holds by now, since it was mended or changed by hand, is not ours to give back: as one who
    # has no slot yet, so that it is noted all the same that the place is left.
    return entity._replace(place=entity.place._replace(slot=0, rank=""))


def _command(runtime: Runtime, ask: Ask, trace: str) -> Command:
    return Command(
        trigger=ask.trigger,
        payload=ask.payload,
        event_id=runtime.clock.new_id(),
        by=ask.by,
        request_id=ask.request_id,
        cause=ask.cause,
        depth=ask.depth,
        trace=trace,
        home=runtime.region,
    )


def _write(runtime: Runtime, before: Entity | None, event: Event, ask: Ask, attempt: int) -> Write:
    request = None
    if ask.request_id:
        request = Request(ask.request_id, event.version, event.id, fingerprint(ask))
    return Write(
        before=before,
        event=event,
        after=evolve(before, event),
        request=request,
        token=f"{event.id}-{attempt}",
        timer=timer_after(runtime.get_definition(ask.kind), event),
        settles=ask.settles,
    )


def _answered(runtime: Runtime, ask: Ask, command: Command, write: Write, found: Contested) -> Accepted | None:
    """The answer, where what stood in the way settles the matter; None means: decide again."""
    if found.event is not None and found.event.id == command.event_id:
        return Accepted(found.event, write.after)
    if found.lease_lost:
        raise LeaseLostError(f"{ask}: the effect that asked for it has passed to another owner")
    if ask.trigger == CREATE:
        check_created_nowhere_else(runtime, ask, found)
    if found.request is not None:
        return repeated(runtime, ask, found.request)
    if found.slot_taken and ask.slot and found.entity is None:
        raise LaneFullError(f"{ask}: somebody else has taken slot {ask.slot} of its lane")
    if ask.trigger == CREATE and found.entity is not None:
        raise CreateError(
            f"{ask.kind} {ask.entity_id} exists already, in {found.entity.state!r} (version {found.entity.version}); "
            f"give another id, or the same request id to repeat a request"
        )
    if found.event is not None and (found.entity is None or found.entity.version < found.event.version):
        _check_history(runtime, ask, found.event)
    return None


def _check_history(runtime: Runtime, ask: Ask, event: Event) -> None:
    entity = runtime.store.find_entity(ask.kind, ask.entity_id)
    if entity is None or entity.version < event.version:
        raise HistoryConflictError(
            f"{ask.kind} {ask.entity_id}: its history holds event {event.version}, which the entity does not "
            f"know of: it was changed or deleted by hand; restore it from its history"
        )
