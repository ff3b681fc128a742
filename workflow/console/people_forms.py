"""What is put aside, paused and explained, in the form that `--json` gives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from workflow.console.checked import PROMISES
from workflow.console.forms import Form, effect_form, way_form
from workflow.console.parked import for_person, hook_of
from workflow.engine.place import LaneKey
from workflow.runtime.explain import Explanation
from workflow.runtime.lane_view import LaneView
from workflow.runtime.ledger_entry import LedgerEntry
from workflow.runtime.ports import Pause
from workflow.runtime.reconciled import Reconciled
from workflow.runtime.standing import Standing
from workflow.runtime.verify import Verified


def parked_list_form(entries: Sequence[LedgerEntry]) -> Form:
    """The entries that are put aside, and how many of them wait for a person."""
    return {
        "parked": [parked_form(entry) for entry in entries],
        "waiting_for_people": sum(map(for_person, entries)),
    }


def parked_form(entry: LedgerEntry) -> Form:
    """Where and why one entity is put aside."""
    parked, hook = entry.parked, hook_of(entry)
    assert parked is not None
    return {
        "kind": entry.kind,
        "id": entry.entity_id,
        "version": entry.version,
        "hook": hook or None,
        "why": parked.why,
        "attempts": entry.outcomes[hook].attempts if hook in entry.outcomes else 0,
        "since": parked.since,
        "next_try": parked.next_at,
        "error": parked.error,
    }


def let_go_form(entries: Sequence[LedgerEntry], *, dry_run: bool) -> Form:
    """What was let go, as it stood before."""
    return {"dry_run": dry_run, "let_go": [parked_form(entry) for entry in entries]}


def pause_form(pause: Pause) -> Form:
    """One paused hook."""
    return {"hook": pause.hook, "since": pause.since, "reason": pause.reason, "by": pause.by}


def explanation_form(told: Explanation) -> Form:
    """All of an explanation as data."""
    entity, timer = told.entity, told.timer
    return {
        "kind": entity.kind,
        "id": entity.id,
        "state": entity.state,
        "version": entity.version,
        "since": entity.changed_at,
        "reasons": [{"what": reason.what, "way_out": reason.way_out or None} for reason in told.reasons],
        "blocking": _blocking_form(told.blocking, told.now) if told.blocking else None,
        "waiting": [_standing_form(standing) for standing in told.waiting],
        "timer": {"trigger": timer.trigger, "at": timer.at, "refused": timer.refused or None} if timer else None,
        "lane": lane_form(told.lane) if told.lane else None,
        "can_fire": [way_form(way) for way in told.ways],
    }


def _standing_form(standing: Standing) -> Form:
    hooks = None if standing.hooks is None else list(standing.hooks)
    return {"version": standing.event.version, "hooks": hooks}


def _blocking_form(blocking: Standing, now: datetime) -> Form:
    entry = blocking.entry
    effects = [{**effect_form(h, o), "trace": o.trace} for h, o in entry.outcomes.items()] if entry else []
    return {
        **_standing_form(blocking),
        "parked": parked_form(entry) if entry and entry.parked else None,
        "running_until": entry.lease_until if entry and entry.is_held(now) else None,
        "effects": effects,
    }


def lanes_form(views: Sequence[LaneView]) -> Form:
    """The lanes, each with who runs and who waits, best first."""
    return {"lanes": [lane_form(view) for view in views]}


def lane_form(view: LaneView) -> Form:
    """One lane."""
    return {
        **_key_form(view.lane),
        "limit": view.limit,
        "limit_unknown": view.unknown or None,
        "running": [{"id": r.entity_id, "slot": r.place.slot, "since": r.place.since} for r in view.running],
        "waiting": [{"id": r.entity_id, "since": r.place.since} for r in view.waiting],
        "more": not view.is_whole,
    }


def _key_form(lane: LaneKey) -> Form:
    return {"kind": lane.kind, "lane": lane.lane, "key": lane.key}


def reconciled_form(found: Reconciled, *, resumed: bool) -> Form:
    """What a reconcile found."""
    return {
        "began_at": found.began_at,
        "resumed": resumed,
        "looked_at": found.looked_at,
        "restored": found.restored,
        "young": found.young,
        "under_way": found.under_way,
        "elsewhere": found.elsewhere,
        "broken": found.broken,
        "moved": found.moved,
        "freed": [{**_key_form(lane), "places": count} for lane, count in sorted(found.freed.items())],
    }


def verified_form(found: Verified) -> Form:
    """What a verify found."""
    return {
        "entities": found.entities,
        "events": found.events,
        "effects": found.effects,
        "waiting_for_people": found.for_people,
        "lanes": found.lanes,
        "notes": found.notes,
        "not_checked": dict(found.unknown),
        "elsewhere": dict(found.elsewhere),
        "findings": [
            {
                "promise": finding.promise,
                "promised": PROMISES[finding.promise],
                "kind": finding.kind,
                "id": finding.entity_id,
                "what": finding.what,
                "way_out": finding.way_out or None,
            }
            for finding in found.findings
        ],
    }
