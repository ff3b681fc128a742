"""Stream records to changes: the only place that looks into OLD and NEW images.

Most records owe nothing, so the first look touches only the few attributes that tell, as DynamoDB wrote them; the
whole image is read when a hook asks for it.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from workflow.aws import items
from workflow.aws.attributes import Item
from workflow.definition.definition import Definitions
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.runtime.changes import DELETED, OVERWRITTEN, Change

StreamRecord = Mapping[str, Any]


class Plan(NamedTuple):
    """What a declared transition looks like in the images, and the hooks it owes."""

    kind: str
    definition: int
    trigger: str
    source: str
    target: str
    owed: tuple[str, ...]


def plans(definitions: Definitions) -> dict[str, Plan]:
    """A plan for every transition of every loaded definition version, by the edge that an entity carries."""
    return {
        items.edge(definition.kind, definition.version, *edge): Plan(definition.kind, definition.version, *edge, owed)
        for definition in definitions
        for edge, owed in definition.edges.items()
    }


@dataclass(slots=True)
class Look:
    """What a first look at a batch found: changes that need delivering, and how many records there were of each sort.

    `transitions` counts steps that are declared, owing or not; `unchanged` counts writes that made no transition;
    `foreign` counts records of other items and of kinds not loaded; `malformed` those that only resemble entities.
    """

    changes: list[Change] = field(default_factory=list)
    transitions: int = 0
    unchanged: int = 0
    foreign: int = 0
    malformed: int = 0


_NOT_AN_ENTITY = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
"""What reading a record raises if it was not written by us."""

_NEXT_VERSION = {str(version): str(version + 1) for version in range(1000)}


def look(records: Iterable[StreamRecord], declared: Mapping[str, Plan]) -> Look:
    """The first look at a batch; never raises, whatever the records hold."""
    changes: list[Change] = []
    transitions = unchanged = 0
    odd: list[StreamRecord] = []
    next_version = _NEXT_VERSION
    # Unrolled on purpose: this loop is all that most records ever cost.
    for record in records:
        try:
            images = record["dynamodb"]
            new = images["NewImage"]
            version, target = new["version"]["N"], new["state"]["S"]
            plan = declared[new["edge"]["S"]]
            if "OldImage" in images:
                old = images["OldImage"]
                old_version, source = old["version"]["N"], old["state"]["S"]
                if old_version == version and source == target:
                    unchanged += 1
                    continue
                in_step = next_version.get(old_version) == version
            else:
                source, in_step = "", version == "1"
            if in_step and plan.source == source and plan.target == target:
                if plan.owed:
                    changes.append(_step(images, plan, int(version)))
                transitions += 1
                continue
        except _NOT_AN_ENTITY:
            pass
        odd.append(record)
    found = Look(changes, transitions, unchanged)
    if odd:
        _look_closely(odd, found, {plan.kind for plan in declared.values()})
    return found


def _look_closely(records: Sequence[StreamRecord], found: Look, kinds: set[str]) -> None:
    for record in records:
        if not _is_ours(record, kinds):
            found.foreign += 1
            continue
        change = _find_change(record["dynamodb"])
        if change is None:
            found.malformed += 1
        elif change.version == change.before_version and change.source == change.target:
            found.unchanged += 1
        else:
            found.changes.append(change)
    # The stream's order is kept for each entity, also between ordinary changes and odd ones.
    found.changes.sort(key=lambda change: int(change.position))


def _is_ours(record: StreamRecord, kinds: set[str]) -> bool:
    try:
        keys = record["dynamodb"]["Keys"]
        return bool(keys["sk"]["S"] == items.ENTITY and items.split_partition(keys["pk"]["S"])[0] in kinds)
    except _NOT_AN_ENTITY:
        return False


def _find_change(images: Mapping[str, Any]) -> Change | None:
    """The change of a record of an entity; None if neither image is one, or only a first one that is none."""
    for read in (_change, _overwriting):
        try:
            return read(images)
        except _NOT_AN_ENTITY:
            continue
    return None


class _Images:
    """The OLD and NEW image of one record, read when a hook looks at an entity."""

    __slots__ = ("_new", "_old", "event")

    def __init__(self, old: Item | None, new: Item | None) -> None:
        self._old, self._new = old, new
        self.event: Event | None = None

    def before(self) -> Entity | None:
        return items.read_entity(self._old) if self._old else None

    def after(self) -> Entity:
        return items.read_entity(self._new or {})


def _step(images: Mapping[str, Any], plan: Plan, version: int) -> Change:
    """The change of a record that was found to be one declared step."""
    keys, position = images["Keys"], images["SequenceNumber"]
    kind, _, entity_id = keys["pk"]["S"].partition("#")
    if plan.kind != kind or keys["sk"]["S"] != items.ENTITY or not position.isdecimal():
        raise ValueError("only resembles an entity of this kind")
    return Change(
        kind,
        entity_id,
        version - 1,
        version,
        plan.source,
        plan.target,
        plan.definition,
        plan.trigger,
        position,
        _Images(images.get("OldImage"), images["NewImage"]),
        plan.owed,
    )


def _change(images: Mapping[str, Any]) -> Change:
    """The change of any record of an entity, whatever it did to it."""
    old, new = images.get("OldImage"), images.get("NewImage")
    kind, entity_id = items.split_partition(images["Keys"]["pk"]["S"])
    _, definition, trigger, _, _ = items.split_edge((new or old or {})["edge"]["S"])
    before_version, source = _place(old) if old else (DELETED, "")
    version, target = _place(new) if new else (DELETED, "")
    return Change(
        kind=kind,
        entity_id=entity_id,
        before_version=before_version,
        version=version,
        source=source,
        target=target,
        definition=definition,
        trigger=trigger,
        position=_position(images),
        snapshots=_Images(old, new),
    )


def _overwriting(images: Mapping[str, Any]) -> Change:
    """The change of a record whose OLD image is an entity and whose NEW image is none."""
    old, gone = _change({**images, "NewImage": None}), images["NewImage"]
    return old._replace(version=OVERWRITTEN, snapshots=_Images(images["OldImage"], gone))


def _place(image: Item) -> tuple[int, str]:
    version, state = int(image["version"]["N"]), image["state"]["S"]
    if not isinstance(state, str):
        raise TypeError("a state that is no text")
    return version, state


def _position(images: Mapping[str, Any]) -> str:
    position = images["SequenceNumber"]
    if not position.isdecimal():
        raise ValueError("no place on a stream")
    return str(position)


def partial_batch_response(failed: Iterable[Change]) -> dict[str, Any]:
    """The answer that makes Lambda deliver again from the first failed change on, and nothing before it.

    Lambda takes the lowest sequence number for a checkpoint; one it does not know would fail the whole batch.
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    positions = sorted((change.position for change in failed), key=int)
    return {"batchItemFailures": [{"itemIdentifier": position} for position in positions[:1]]}
