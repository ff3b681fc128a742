"""From a history to the items that keep it: its effects settled without having run, its timer set. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from workflow.definition.definition import Definitions
from workflow.engine.events import Event
from workflow.errors import DefinitionNotDeployedError
from workflow.runtime.archives.bulk import Load
from workflow.runtime.archives.line import Kept
from workflow.runtime.changes import owed_by
from workflow.runtime.compensate import with_undos
from workflow.runtime.ledger_entry import RELEASED, LedgerEntry, Outcome
from workflow.runtime.missed import step_of
from workflow.runtime.ports import Request
from workflow.runtime.timers import timer_after

REQUESTS_KEPT = timedelta(days=30)
NOTE = "not run here: the history was loaded by 'workflow hydrate'"
OPEN_NOTE = f"{NOTE}, and this was still owed when it was archived"


def load_of(kept: Kept, definitions: Definitions, now: datetime) -> Load:
    """The items of one entity, in no lane yet.

    Every event that owes effects has its ledger entry, in which each hook is skipped: whoever sees the entity, on the
    stream or on a walk, finds nothing owed. What could be undone where it was archived can be undone here.
    """
    entity = kept.entity
    settled: list[LedgerEntry] = []
    for event in kept.events:
        settled += _settled(kept, event, definitions, now, settled)
    definition = definitions.find(entity.kind)
    timer = kept.timer
    if timer is None and definition is not None:
        timer = timer_after(definition, kept.events[-1])
    return Load(entity, kept.events, settled, timer, _lasting(kept, now))


def _lasting(kept: Kept, now: datetime) -> list[tuple[Request, datetime]]:
    """The requests that are still remembered, until when."""
    different = {request.id: request for request in kept.requests if 0 < request.version <= len(kept.events)}
    lasting = [(one, kept.events[one.version - 1].at + REQUESTS_KEPT) for one in different.values()]
    return [(request, until) for request, until in lasting if until > now]


def _settled(
    kept: Kept, event: Event, definitions: Definitions, now: datetime, earlier: Sequence[LedgerEntry]
) -> list[LedgerEntry]:
    hooks = find_owed(kept, event, definitions)
    if event.owing != event.version:
        # One that is alone is put aside by the stream handler where its definition is not known, also if it owes
        # nothing.
        if hooks is not None or len(kept.events) > 1:
            return []
        hooks = ()
    outcome = Outcome("skipped", at=now, note=OPEN_NOTE if event.version in kept.open else NOTE)
    undo = kept.undo.get(event.version, {})
    owed = {name: outcome._replace(undo=undo.get(name, "")) for name in with_undos(hooks or (), earlier, event.version)}
    return [LedgerEntry(event.kind, event.entity_id, event.version, RELEASED, now, owed)]


def find_owed(kept: Kept, event: Event, definitions: Definitions) -> tuple[str, ...] | None:
    """The hooks that the event asks for by its definition; None if no definition here knows it."""
    try:
        return owed_by(definitions, step_of(event, None, kept.entity))
    except DefinitionNotDeployedError:
        return None
