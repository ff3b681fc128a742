"""Explain effects: why those that all later ones wait behind are not settled."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime

from workflow.definition.undo_names import hook_of
from workflow.runtime.ledger_entry import LedgerEntry, Parked
from workflow.runtime.ports import Pause
from workflow.runtime.reason import Reason, ago, at, command, due_in
from workflow.runtime.standing import Standing


def blocking_effects(pauses: Mapping[str, Pause], blocking: Standing, now: datetime) -> Iterator[Reason]:
    """Why the first open effects are not settled, and what each way out is."""
    entry, version = blocking.entry, blocking.event.version
    if blocking.hooks is None:
        yield Reason(
            f"version {blocking.event.definition} of its definition is not loaded here; what version {version} owes is "
            f"not known",
            "deploy that version, beside the one in force if need be",
        )
    hook = (entry.first_open if entry else "") or next(iter(blocking.hooks or ()), "")
    pause = pauses.get(hook_of(hook))
    if pause and not (entry and entry.parked and entry.parked.next_at is None):
        yield Reason(
            f"{hook!r} of version {version} waits: the hook is paused since {at(pause.since)}: {pause.reason}",
            command("resume", hook_of(hook)),
        )
    else:
        yield _entry(blocking, entry, now)


def _entry(blocking: Standing, entry: LedgerEntry | None, now: datetime) -> Reason:
    version = blocking.event.version
    if entry is None:
        return Reason(
            f"the effects of version {version} were not begun yet (it was made {ago(now, blocking.event.at)})",
            f"if this lasts longer than the stream takes: {command('reconcile')}",
        )
    if entry.is_held(now):
        return Reason(f"{entry.first_open!r} of version {version} is being run, until {at(entry.lease_until)} at most")
    if entry.parked:
        return _parked(entry, entry.parked, now)
    return Reason(
        f"a run of {entry.first_open!r} of version {version} was cut off; the stream delivers it again",
        f"if this lasts: {command('reconcile')}",
    )


def _parked(entry: LedgerEntry, parked: Parked, now: datetime) -> Reason:
    hook = parked.hook or entry.first_open
    attempts = entry.outcomes[hook].attempts if hook in entry.outcomes else 0
    since = f"since {at(parked.since)} ({ago(now, parked.since)})"
    subject = f"{hook!r} of version {entry.version}" if hook else f"version {entry.version}"
    name = (entry.kind, entry.entity_id)
    if parked.next_at is None:
        what = f"{subject} waits for a person {since}: {_WHY[parked.why]}{_attempts(attempts)}: {parked.error}"
        skip = f" or {command('skip', *name)} --reason '...'" if hook else ""
        if entry.entity_id.startswith("-"):
            skip = f" or workflow skip --reason '...' {shlex.join(['--', *name])}"
        return Reason(what, command("redrive", *name) + skip)
    if parked.why == "released":
        return Reason(f"{subject} was let go {since}; it goes on {due_in(parked.next_at, now)}")
    if parked.why == "retry":
        what = f"{subject} failed{_attempts(attempts)}: {parked.error}; put aside {since}"
        return Reason(f"{what}, next try {due_in(parked.next_at, now)}", f"sooner: {command('redrive', *name)}")
    what = _WHY[parked.why].format(version=entry.version)
    return Reason(f"{what} {since}; goes on {due_in(parked.next_at, now)}")


def _attempts(count: int) -> str:
    return f" (attempts: {count})" if count else ""


_WHY = {
    "attempts": "all its attempts failed",
    "refused": "it was refused, and trying again would change nothing",
    "unknown": "a run was cut off, and nobody knows whether it happened",
    "broken": "its history cannot be read",
    "paused": "its hook was paused; put aside",
    "following": "effects from version {version} on are being caught up",
    "definition": "version {version} is of a definition that was not deployed; put aside",
    "lost": "the stream did not bring version {version}; reconciled",
}
