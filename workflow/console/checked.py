"""What reconciling and verifying found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import tzinfo

from rich.text import Text

from workflow.console.effects import plural
from workflow.console.parked import NEXT_SWEEP
from workflow.console.times import day_and_time
from workflow.console.values import printable
from workflow.runtime.reconcile import Reconciled
from workflow.runtime.verify import Verified

_MOST_SHOWN = 20

PROMISES: Mapping[int, str] = {
    1: "what was answered 'accepted' is in the history exactly once",
    2: "versions have no gap, and the entity equals its events",
    3: "every event's transition is declared",
    4: "every effect is committed once, or put aside and visible",
    5: "effects of an entity start in version order",
    7: "nothing is changed past the framework",
}


def reconciled_lines(found: Reconciled, *, resumed: bool, zone: tzinfo | None = None) -> Iterator[Text]:
    """What was restored, what could not be understood, and what the numbers mean."""
    for name in found.restored[:_MOST_SHOWN]:
        yield Text(printable(f"restored {name}"))
    if len(found.restored) > _MOST_SHOWN:
        yield Text(f"... and {len(found.restored) - _MOST_SHOWN:,} more", "dim")
    for broken in found.broken:
        yield Text(printable(f"not understood: {broken}"), "red")
    yield Text(f"{_entities(found.looked_at)} looked at, {len(found.restored):,} restored", "bold")
    if found.restored:
        yield Text(f"restored effects run {NEXT_SWEEP}")
    if found.young:
        yield Text(f"{found.young:,} changed in the last five minutes: left to the stream", "dim")
    if found.under_way:
        yield Text(f"{found.under_way:,} are being run or put aside anyway: see 'workflow parked'", "dim")
    if resumed:
        began = day_and_time(found.began_at, zone)
        yield Text(f"what the stream lost after {began}, when this walk first began, takes another call", "yellow")


def verified_lines(found: Verified) -> Iterator[Text]:
    """The findings by promise, each with its way out, and the counts."""
    for promise in sorted({finding.promise for finding in found.findings}):
        yield Text(f"promise {promise}: {PROMISES[promise]}", "bold red")
        for finding in found.findings:
            if finding.promise == promise:
                yield Text(printable(f"  {finding.kind} {finding.entity_id}: {finding.what}"))
                if finding.way_out:
                    yield Text(printable(f"      {finding.way_out}"), "cyan")
    for kind, count in sorted(found.unknown.items()):
        yield Text(
            printable(f"not checked: {_entities(count)} of kind {kind!r}, which has no definition here"), "yellow"
        )
    wrong = (plural(len(found.findings), "finding"), "bold red") if found.findings else ("all good", "bold green")
    counts = (
        _entities(found.entities),
        plural(found.events, "event"),
        plural(found.effects, "effect"),
        f"{found.for_people:,} waiting for people",
    )
    yield Text.assemble(", ".join(counts), ": ", wrong)


def _entities(count: int) -> str:
    return f"{count:,} entit{'y' if count == 1 else 'ies'}"
