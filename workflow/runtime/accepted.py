"""What is answered where a transition was accepted, and answered again to the same request id."""

from __future__ import annotations

from dataclasses import dataclass

from workflow.engine.entity import Entity
from workflow.engine.events import Event, FoldError, fold
from workflow.errors import HistoryConflictError, RequestReuseError
from workflow.runtime.ask import Ask, fingerprint
from workflow.runtime.home import check_came_with_its_entity
from workflow.runtime.ports import Request
from workflow.runtime.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Accepted:
    """A transition that is in the history: its event, the entity as it left it, and whether it was so already
    (`repeated`: the same request id had been accepted before, so nothing was written now)."""

    event: Event
    entity: Entity
    repeated: bool = False


def find_earlier(runtime: Runtime, ask: Ask) -> Accepted | None:
    """What the same request id was answered before, if it was accepted: a refusal may be the echo of our own success.

    Raises as `repeated` does."""
    if not ask.request_id or not fingerprint(ask):
        return None
    request = runtime.store.find_request(ask.kind, ask.entity_id, ask.request_id)
    return repeated(runtime, ask, request) if request else None


def repeated(runtime: Runtime, ask: Ask, request: Request) -> Accepted:
    """The answer of then, from the history; raises RequestReuseError if something else was asked, and
    HistoryConflictError if the history does not hold it any more."""
    if request.fingerprint != fingerprint(ask):
        raise RequestReuseError(
            f"{ask}: the request id {request.id!r} was used for something else, which became version "
            f"{request.version}; give each request its own id"
        )
    events = list(runtime.store.events(ask.kind, ask.entity_id, limit=request.version))
    try:
        entity = fold(events)
    except FoldError:
        entity = None
    if entity is None or entity.event_id != request.event_id:
        check_came_with_its_entity(runtime, ask, events)
        raise HistoryConflictError(
            f"{ask}: the request id {request.id!r} became version {request.version}, which the history does not hold "
            f"any more: it was changed by hand; restore it"
        )
    return Accepted(events[-1], entity, repeated=True)
