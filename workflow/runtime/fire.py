"""Create and fire: read, decide, commit in one conditional transaction; decide again when another writer was faster."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from workflow.definition.definition import CREATE
from workflow.definition.values import UnfitValueError, canonical
from workflow.engine.decide import Command, decide, decide_creation
from workflow.engine.entity import Entity
from workflow.engine.events import Event, evolve, fold
from workflow.errors import (
    ContentionError,
    CreateError,
    EntityNotFoundError,
    HistoryConflictError,
    PayloadError,
    Refused,
    RequestReuseError,
    Retryable,
    StoreUnavailableError,
)
from workflow.runtime.ports import Contested, Request, Write
from workflow.runtime.runtime import Runtime

MAX_DECISIONS = 64
MAX_COMMITS = 8
"""Bounds on deciding anew when others were faster, and on committing one write anew; both wait with full jitter."""

_FIRST_WAIT_SECONDS = 0.02
_LONGEST_WAIT_SECONDS = 1.0
_MAX_ID_BYTES = 900
"""A partition key holds 2048 bytes and a sort key 1024, of which we use a few ourselves.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A transition that is in the history: its event, the entity as it left it, and whether it was so already
    (`repeated`: the same request id had been accepted before, so nothing was written now)."""

    event: Event
    entity: Entity
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """What a caller asks for: a trigger (or CREATE) on one entity, and who asks.

    `held` is the entity if the caller has it at hand, which saves the read; `cause` and `depth` tell from which
    effect the request comes.
    """

    kind: str
    entity_id: str
    trigger: str
    payload: Mapping[str, object] = field(default_factory=dict, repr=False)
    request_id: str = ""
    by: str = ""
    held: Entity | None = None
    cause: str = ""
    depth: int = 0

    def __str__(self) -> str:
        return f"{self.kind} {self.entity_id}: {self.trigger!r}"


def create(runtime: Runtime, ask: Ask) -> Accepted:
    """Creates the entity; raises CreateError if it exists, PayloadError, UnknownKindError or a Retryable."""
    definition = runtime.get_definition(ask.kind)
    return _settle(
        runtime, ask, lambda command, _: decide_creation(definition, ask.entity_id, command, runtime.clock.now())
    )


def fire(runtime: Runtime, ask: Ask) -> Accepted:
    """Makes the transition; raises TransitionError, GuardError, PayloadError, EntityNotFoundError, RequestReuseError
    (nothing was written, and asking again changes nothing) or a Retryable."""
    machine = runtime.machine(ask.kind)

    def decision(command: Command, entity: Entity | None) -> Event | Refused:
        if entity is None:
            return EntityNotFoundError(f"there is no {ask.kind} {ask.entity_id}; create it first")
        return decide(machine, entity, command, runtime.clock.now())

    return _settle(runtime, ask, decision)


Decision = Callable[[Command, Entity | None], Event | Refused]


def _settle(runtime: Runtime, ask: Ask, decision: Decision) -> Accepted:
    _check_ids(ask)
    command = _command(runtime, ask)
    creating = ask.trigger == CREATE
    fresh = ask.held is None and not creating
    entity = runtime.store.find_entity(ask.kind, ask.entity_id) if fresh else ask.held
    for attempt in range(MAX_DECISIONS):
        event = decision(command, entity)
        if isinstance(event, Refused):
            if creating or fresh:
                return _earlier(runtime, ask) or _refuse(event)
            # A refusal is final only on a consistent read: what the caller held, or a writer left, may be stale.
            entity, fresh = runtime.store.find_entity(ask.kind, ask.entity_id), True
            continue
        write = _write(entity, event, ask, attempt)
        contested = _commit(runtime, write)
        if contested is None:
            return Accepted(event, write.after)
        answer = _answered(runtime, ask, command, write, contested)
        if answer:
            return answer
        entity, fresh = contested.entity, False
        _wait(runtime, min(attempt, 3))
    raise ContentionError(f"{ask}: other writers were faster {MAX_DECISIONS} times; fire again later")


def _refuse(refusal: Refused) -> Accepted:
    raise refusal


def _check_ids(ask: Ask) -> None:
    for name, value in (("id", ask.entity_id), ("request id", ask.request_id)):
        if not isinstance(value, str) or (name == "id" and not value):
            raise PayloadError(f"{ask.kind}: the {name} must be text with at least one character, not {value!r}")
        try:
            size = len(canonical(value, name).encode())
        except UnfitValueError as error:
            raise PayloadError(f"{ask.kind}: {error}") from None
        if size > _MAX_ID_BYTES:
            raise PayloadError(f"{ask.kind}: the {name} has {size} bytes; at most {_MAX_ID_BYTES} fit")


def _command(runtime: Runtime, ask: Ask) -> Command:
    return Command(
        trigger=ask.trigger,
        payload=ask.payload,
        event_id=runtime.clock.new_id(),
        by=ask.by,
        request_id=ask.request_id,
        cause=ask.cause,
        depth=ask.depth,
    )


def _write(before: Entity | None, event: Event, ask: Ask, attempt: int) -> Write:
    request = None
    if ask.request_id:
        request = Request(ask.request_id, event.version, event.id, _fingerprint(ask))
    return Write(
        before=before,
        event=event,
        after=evolve(before, event),
        request=request,
        token=f"{event.id}-{attempt}",
    )


def _fingerprint(ask: Ask) -> str:
    """What makes two requests the same: the trigger and the payload as given, in canonical form; '' if it has none."""
    try:
        payload = canonical(ask.payload, "payload")
    except UnfitValueError:
        return ""
    text = json.dumps([ask.trigger, payload], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _commit(runtime: Runtime, write: Write) -> Contested | None:
    """Commits one write, again and again under the same token while the store is busy or does not answer."""
    unknown = False
    for attempt in range(MAX_COMMITS):
        try:
            return runtime.store.commit(write)
        except Retryable as error:
            unknown = unknown or isinstance(error, StoreUnavailableError)
            last = error
        _wait(runtime, attempt)
    subject = f"{write.event.kind} {write.event.entity_id}: {write.event.trigger!r}"
    if unknown:
        raise StoreUnavailableError(
            f"{subject} may or may not have been recorded: {last}; ask again with the same request id"
        ) from last
    raise type(last)(f"{subject} was not recorded: {last}; ask again later") from last


def _wait(runtime: Runtime, attempt: int) -> None:
    longest = min(_FIRST_WAIT_SECONDS * 2**attempt, _LONGEST_WAIT_SECONDS)
    runtime.clock.sleep(longest * runtime.clock.jitter())


def _answered(runtime: Runtime, ask: Ask, command: Command, write: Write, found: Contested) -> Accepted | None:
    """The answer, where what stood in the way settles the matter; None means: decide again."""
    if found.event is not None and found.event.id == command.event_id:
        return Accepted(found.event, write.after)
    if found.request is not None:
        return _repeated(runtime, ask, found.request)
    if ask.trigger == CREATE and found.entity is not None:
        raise CreateError(
            f"{ask.kind} {ask.entity_id} exists already, in {found.entity.state!r} (version {found.entity.version}); "
            f"give another id, or the same request id to repeat a request"
        )
    at_version = found.entity.version if found.entity else 0
    if found.event is not None and at_version < found.event.version:
        raise HistoryConflictError(
            f"{ask.kind} {ask.entity_id} is at version {at_version}, yet its history holds event "
            f"{found.event.version}: it was changed or deleted by hand; restore it from its history"
        )
    return None


def _earlier(runtime: Runtime, ask: Ask) -> Accepted | None:
    """A refusal may be the echo of our own success: the same request id, accepted before."""
    if not ask.request_id or not _fingerprint(ask):
        return None
    request = runtime.store.find_request(ask.kind, ask.entity_id, ask.request_id)
    return _repeated(runtime, ask, request) if request else None


def _repeated(runtime: Runtime, ask: Ask, request: Request) -> Accepted:
    if request.fingerprint != _fingerprint(ask):
        raise RequestReuseError(
            f"{ask}: the request id {request.id!r} was used for something else, which became version "
            f"{request.version}; give each request its own id"
        )
    events = list(runtime.store.events(ask.kind, ask.entity_id, limit=request.version))
    entity = fold(events)
    assert entity is not None
    return Accepted(events[-1], entity, repeated=True)
