"""A batch of stream records to the changes that need delivering.

Most records owe nothing, so the first look touches only the few attributes that tell, as DynamoDB wrote them; the
whole image is read when a hook asks for it.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workflow.aws import items
from workflow.aws.bare_records import is_bare, partial_change
from workflow.aws.images import NOT_AN_ENTITY, Plan, any_change, is_elsewhere, is_of_kind, step
from workflow.definition.definition import Definitions
from workflow.runtime.changes import Change

StreamRecord = Mapping[str, Any]


def plans(definitions: Definitions) -> dict[str, Plan]:
    """A plan for every transition of every loaded definition version, by the edge that an entity carries."""
    return {
        items.edge(definition.kind, definition.version, *edge): Plan(
            edge[1],
            edge[2],
            items.partition(definition.kind, ""),
            owed,
            definition.kind,
            definition.version,
            edge[0],
            not definition.lane_of.keys().isdisjoint(edge[1:]),
        )
        for definition in definitions
        for edge, owed in definition.edges.items()
    }


@dataclass(slots=True)
class Look:
    """What a first look at a batch found: changes that need delivering, and how many records there were of each sort.

    `transitions` counts steps that are declared, owing or not; `unchanged` counts writes that made no transition;
    `foreign` counts records of other items and of kinds not loaded; `malformed` those that have no place on a stream;
    `elsewhere` those of entities that are at home in another region, whose stream brings them there as well.
    `partial` are changes of which the stream showed only a part, as one does that has another view than both images.
    """

    changes: list[Change] = field(default_factory=list)
    transitions: int = 0
    unchanged: int = 0
    foreign: int = 0
    malformed: int = 0
    elsewhere: int = 0
    partial: list[Change] = field(default_factory=list)


_NEXT_VERSION = {str(version): str(version + 1) for version in range(1000)}


def look(  # noqa: C901 - unrolled on purpose
    records: Iterable[StreamRecord], declared: Mapping[str, Plan], region: str = ""
) -> Look:
    """The first look at a batch; never raises, whatever the records hold. `region` is where the stream's table is, if
    that is a global one."""
    changes: list[Change] = []
    transitions = unchanged = 0
    odd: list[StreamRecord] = []
    next_version = _NEXT_VERSION
    # This loop is all that most records ever cost.
    for record in records:
        try:
            images = record["dynamodb"]
            new = images["NewImage"]
            version, target = new["version"]["N"], new["state"]["S"]
            edge = new["edge"]["S"]
            plan = declared[edge]
            if (new["home"]["S"] if "home" in new else "") != region:
                odd.append(record)
                continue
            if "OldImage" in images:
                old = images["OldImage"]
                old_version, source = old["version"]["N"], old["state"]["S"]
                if old_version == version and source == target:
                    unchanged += 1
                    continue
                # A version that was only raised by hand has no event of its own: what tells of the last one, then, is
                # the last one's. Only a step to the same state may look like the one before.
                if source != target:
                    in_step = next_version[old_version] == version and old["edge"]["S"] != edge
                else:
                    in_step = next_version[old_version] == version and old["event"]["S"] != new["event"]["S"]
            else:
                source, in_step = "", version == "1"
            if in_step and plan[0] == source and plan[1] == target and new["pk"]["S"].startswith(plan[2]):
                if plan[3] or plan[7]:
                    changes.append(step(images, plan, int(version)))
                transitions += 1
                continue
        except NOT_AN_ENTITY:
            pass
        odd.append(record)
    found = Look(changes, transitions, unchanged)
    if odd:
        _look_closely(odd, found, {plan.kind for plan in declared.values()}, region)
    return found


def _look_closely(records: Sequence[StreamRecord], found: Look, kinds: set[str], region: str) -> None:
    for record in records:
        if not is_of_kind(record, kinds):
            found.foreign += 1
            continue
        if is_elsewhere(record["dynamodb"], region):
            found.elsewhere += 1
            continue
        try:
            if is_bare(record["dynamodb"]):
                found.partial.append(partial_change(record))
                continue
            change = any_change(record["dynamodb"])
        except NOT_AN_ENTITY:
            found.malformed += 1
            continue
        if not change.gone and (change.version, change.target) == (change.before_version, change.source):
            found.unchanged += 1
        else:
            found.changes.append(change)
    # The stream's order is kept for each entity, also between ordinary changes and odd ones.
    found.changes.sort(key=lambda change: int(change.position))


def partial_batch_response(failed: Iterable[Change]) -> dict[str, Any]:
    """The answer that makes Lambda deliver again from the first failed change on, and nothing before it.

    Lambda takes the lowest sequence number for a checkpoint; one it does not know would fail the whole batch.
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    positions = sorted((change.position for change in failed), key=int)
    return {"batchItemFailures": [{"itemIdentifier": position} for position in positions[:1]]}
