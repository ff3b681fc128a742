"""From the images of one stream record to the change they show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from workflow.aws import items
from workflow.aws.attributes import Item
from workflow.aws.place_items import find_place
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.engine.place import Place
from workflow.runtime.changes import OVERWRITTEN, Change

NOT_AN_ENTITY = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
"""What reading a record raises if it was not written by us."""

_LONGEST_POSITION = 64
"""More digits than any stream counts with; Python refuses to read numbers of thousands of digits."""


class Plan(NamedTuple):
    """What a declared transition looks like in the images, the hooks it owes, and whether it leads into or out of a
    state of a lane."""

    source: str
    target: str
    prefix: str
    owed: tuple[str, ...]
    kind: str
    definition: int
    trigger: str
    in_lane: bool = False


class Images:
    """The OLD and NEW image of one record, read when a hook looks at an entity."""

    __slots__ = ("_new", "_old", "event")

    def __init__(self, old: Item | None, new: Item | None) -> None:
        self._old, self._new = old, new
        self.event: Event | None = None

    def before(self) -> Entity | None:
        """The entity of the OLD image; None if there is none."""
        return items.read_entity(self._old) if self._old else None

    def after(self) -> Entity:
        """The entity of the NEW image; raises HistoryConflictError if it cannot be read."""
        return items.read_entity(self._new or {})


def is_of_kind(record: Mapping[str, Any], kinds: set[str]) -> bool:
    """Whether the record is of an item that stands where an entity of one of the kinds stands."""
    try:
        keys = record["dynamodb"]["Keys"]
        return bool(keys["sk"]["S"] == items.ENTITY and items.split_partition(keys["pk"]["S"])[0] in kinds)
    except NOT_AN_ENTITY:
        return False


def is_elsewhere(images: Mapping[str, Any], region: str) -> bool:
    """Whether no image shows an entity that is at home here: what was at home, and was changed by hand, still is."""
    shown = [image for name in ("OldImage", "NewImage") if (image := images.get(name))]
    return bool(shown) and all(_home(image) != region for image in shown)


def _home(image: Item) -> str:
    try:
        return items.read_text(image, "home")
    except NOT_AN_ENTITY:
        return ""


def step(images: Mapping[str, Any], plan: Plan, version: int) -> Change:
    """The change of a record that was found to be one declared step; raises ValueError if it only resembles one."""
    keys = images["Keys"]
    kind, _, entity_id = keys["pk"]["S"].partition("#")
    created = images["NewImage"]["created_at"]["S"]
    if plan.kind != kind or keys["sk"]["S"] != items.ENTITY or not isinstance(created, str):
        raise ValueError("only resembles an entity of this kind")
    old = images.get("OldImage")
    return Change(
        kind,
        entity_id,
        version - 1,
        version,
        plan.source,
        plan.target,
        plan.definition,
        plan.trigger,
        _position(images),
        Images(old, images["NewImage"]),
        plan.owed,
        follows=_owing(old),
        left=find_place(old) if old and plan.in_lane else None,
        place=find_place(images["NewImage"]) if plan.in_lane else None,
        created=created,
    )


def any_change(images: Mapping[str, Any]) -> Change:
    """The change of any record where an entity stands, whatever was done to it; raises one of NOT_AN_ENTITY if it has
    no place on the stream."""
    old, new = _find_entity_image(images, "OldImage"), _find_entity_image(images, "NewImage")
    kind, entity_id = items.split_partition(images["Keys"]["pk"]["S"])
    shown = new or old
    told, definition, trigger, _, _ = items.split_edge(shown["edge"]["S"]) if shown else (kind, 0, "", "", "")
    if told != kind:
        # No transition of this kind has a trigger with a space in it: the step is one that nobody declared.
        trigger = f"{trigger} of {told}"
    before_version, source = _place(old)
    version, target = _place(new)
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
        snapshots=Images(old, new),
        gone="" if new else _how_gone(images),
        follows=_owing(old),
        left=_place_in_lane(old),
        place=_place_in_lane(new),
        created=_created(new),
    )


def _find_entity_image(images: Mapping[str, Any], name: str) -> Item | None:
    """The image if it has what tells an entity's place."""
    image: Item | None = images.get(name)
    try:
        _place(image)
        items.split_edge((image or {})["edge"]["S"])
    except NOT_AN_ENTITY:
        return None
    return image


def _how_gone(images: Mapping[str, Any]) -> str:
    if images.get("NewImage"):
        return OVERWRITTEN
    return "the entity was deleted by hand"


def _place(image: Item | None) -> tuple[int, str]:
    if not image:
        return 0, ""
    version, state = int(image["version"]["N"]), image["state"]["S"]
    if not isinstance(state, str):
        raise TypeError("a state is text")
    return version, state


def _place_in_lane(image: Item | None) -> Place | None:
    try:
        return find_place(image) if image else None
    except NOT_AN_ENTITY:
        return None


def _created(image: Item | None) -> str:
    try:
        return str(image["created_at"]["S"]) if image else ""
    except NOT_AN_ENTITY:
        return ""


def _owing(image: Item | None) -> int:
    return int(image["owing"]["N"]) if image and "owing" in image else 0


def _position(images: Mapping[str, Any]) -> str:
    position = images["SequenceNumber"]
    if not (isinstance(position, str) and position.isdecimal() and len(position) <= _LONGEST_POSITION):
        raise ValueError("no place on a stream")
    return position
