"""What reconciling and verifying found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import tzinfo

from rich.text import Text

from workflow.console.effects import plural
from workflow.console.parked import NEXT_SWEEP
from workflow.console.times import day_and_time
from workflow.console.values import printable
from workflow.runtime.reconciled import Reconciled
from workflow.runtime.verify import Verified

_MOST_SHOWN = 20

PROMISES: Mapping[int, str] = {
    1: "what was answered 'accepted' is in the history exactly once",
    2: "versions have no gap, and the entity equals its events",
    3: "every event's transition is declared",
    4: "every effect is committed once, or put aside and visible",
    5: "effects of an entity start in version order",
    7: "nothing is changed past the framework",
    9: "a lane has at most its limit running, and no free slot beside a waiting entity",
}


def reconciled_lines(found: Reconciled, *, resumed: bool, zone: tzinfo | None = None) -> Iterator[Text]:
    """What was restored, what could not be understood, and what the numbers mean."""
    for name in found.restored[:_MOST_SHOWN]:
        yield Text(printable(f"restored {name}"))
    if len(found.restored) > _MOST_SHOWN:
        yield Text(f"... and {len(found.restored) - _MOST_SHOWN:,} more", "dim")
    yield from _of_lanes(found)
    for broken in found.broken:
        yield Text(printable(f"not understood: {broken}"), "red")
    mended = f", {len(found.moved) + found.freed.total():,} mended" if found.moved or found.freed else ""
    yield Text(f"{_entities(found.looked_at)} looked at, {len(found.restored):,} restored{mended}", "bold")
    if found.restored:
        yield Text(f"restored effects run {NEXT_SWEEP}")
    yield from _left_alone(found)
    if resumed:
        began = day_and_time(found.began_at, zone)
        yield Text(f"what the stream lost after {began}, when this walk first began, takes another call", "yellow")


def _left_alone(found: Reconciled) -> Iterator[Text]:
    if found.young:
        yield Text(f"{found.young:,} changed in the last five minutes: left to the stream", "dim")
    if found.under_way:
        yield Text(f"{found.under_way:,} are being run or put aside anyway: see 'workflow parked'", "dim")
    if found.elsewhere:
        yield Text(f"{found.elsewhere:,} with open effects are at home in another region: reconcile there", "dim")


def _of_lanes(found: Reconciled) -> Iterator[Text]:
    moved, freed = found.moved[:_MOST_SHOWN], sorted(found.freed.items())[:_MOST_SHOWN]
    for name in moved:
        yield Text(printable(f"mended {name} in its lane"))
    for lane, count in freed:
        yield Text(printable(f"mended {lane}: {plural(count, 'place')} of nobody freed"))
    more = len(found.moved) + len(found.freed) - len(moved) - len(freed)
    if more:
        yield Text(f"... and {more:,} more mended", "dim")


def verified_lines(found: Verified) -> Iterator[Text]:
    """The findings by promise, each with its way out, and the counts."""
    for promise in sorted({finding.promise for finding in found.findings}):
        yield Text(f"promise {promise}: {PROMISES[promise]}", "bold red")
        for finding in found.findings:
            if finding.promise == promise:
                yield Text(printable(f"  {finding.kind} {finding.entity_id}: {finding.what}"))
                if finding.way_out:
                    yield Text(printable(f"      {finding.way_out}"), "cyan")
    yield from _not_checked(found)
    for note in found.notes[:_MOST_SHOWN]:
        yield Text(printable(f"note: {note}"), "yellow")
    if len(found.notes) > _MOST_SHOWN:
        yield Text(f"... and {plural(len(found.notes) - _MOST_SHOWN, 'more note')}", "dim")
    wrong = (plural(len(found.findings), "finding"), "bold red") if found.findings else ("all good", "bold green")
    counts = (
        _entities(found.entities),
        plural(found.events, "event"),
        plural(found.effects, "effect"),
        *([plural(found.lanes, "lane")] if found.lanes else []),
        f"{found.for_people:,} waiting for people",
    )
    yield Text.assemble(", ".join(counts), ": ", wrong)


def _not_checked(found: Verified) -> Iterator[Text]:
    told = [
        f"{_entities(n)} of kind {kind!r}, which has no definition here" for kind, n in sorted(found.unknown.items())
    ]
    for region, count in sorted(found.elsewhere.items()):
        there = f"at home in {region}: verify there" if region else "without a home: verify where no region is set"
        told.append(f"{_entities(count)} {there}")
    return (Text(printable(f"not checked: {what}"), "yellow") for what in told)


def _entities(count: int) -> str:
    return f"{count:,} entit{'y' if count == 1 else 'ies'}"
