"""How an entity lies in the table, and the keys of all its items; docs/table.md has the whole layout."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from workflow.aws.attributes import Item, read_map, write_map, write_value
from workflow.aws.damage import reader
from workflow.aws.place_items import find_place, write_place
from workflow.aws.times import read_time, write_time
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.engine.place import Place
from workflow.runtime.ports import Listed

ENTITY = "entity"
INDEX = "by_state"
"""The index for listings: `listed` (kind#state), which only entities carry, then `pk`. Not sorted by time, because
every transition would then write at one hot end of the index."""

_VERSION_DIGITS = 12
_MOST_CHANGES = 100
"""More changed fields than these are written as the whole data: an expression holds 4 KB, and each takes some 20 bytes.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""


def partition(kind: str, entity_id: str) -> str:
    """The partition that holds all items of an entity."""
    return f"{kind}#{entity_id}"


def split_partition(pk: str) -> tuple[str, str]:
    """Kind and id; a kind never holds a `#`, an id may."""
    kind, _, entity_id = pk.partition("#")
    return kind, entity_id


def sort_key(prefix: str, version: int) -> str:
    """Where `event` or `effects` of a version lie, in version order."""
    return f"{prefix}#{version:0{_VERSION_DIGITS}d}"


def key(kind: str, entity_id: str, sk: str) -> dict[str, Any]:
    """The primary key of an item."""
    return {"pk": {"S": partition(kind, entity_id)}, "sk": {"S": sk}}


def listed(kind: str, state: str) -> str:
    """The partition of the index that lists one state of a kind."""
    return f"{kind}#{state}"


def edge(kind: str, definition: int, trigger: str, source: str, target: str) -> str:
    """One transition as one word, as entity and event carry it: `order@1 pay placed paid`."""
    return f"{kind}@{definition} {trigger} {source} {target}"


# The same few edges come by all the time; the bound keeps what a stranger writes from piling up.
@lru_cache(maxsize=4096)
def split_edge(text: str) -> tuple[str, int, str, str, str]:
    """Kind, definition version, trigger, source and target; raises ValueError for anything else."""
    declared, trigger, source, target = text.split(" ")
    kind, _, definition = declared.partition("@")
    return kind, int(definition), trigger, source, target


def write_entity(entity: Entity, last: Event) -> dict[str, Any]:
    """The item of an entity after its last event, whole."""
    item = {
        **key(entity.kind, entity.id, ENTITY),
        "state": {"S": entity.state},
        "version": {"N": str(entity.version)},
        "data": write_map(entity.data),
        "edge": {"S": edge(last.kind, last.definition, last.trigger, last.source, last.target)},
        "event": {"S": last.id},
        "created_at": write_time(entity.created_at),
        "changed_at": write_time(entity.changed_at),
        "listed": {"S": listed(entity.kind, entity.state)},
    }
    item |= write_counts(entity)
    return item | write_standing(entity.place) | write_texts(trace=entity.trace, home=entity.home)


def write_standing(place: Place | None) -> dict[str, Any]:
    """The attribute of where it stands in a lane, none if it stands in none."""
    return {} if place is None else {"place": write_place(place)}


def write_texts(**texts: str) -> dict[str, Any]:
    """The attributes of those texts that are not empty."""
    return {name: {"S": text} for name, text in texts.items() if text}


def write_counts(written: Entity | Event) -> dict[str, Any]:
    """The attributes of those counts that are not 0."""
    counts = {"depth": written.depth, "owing": written.owing}
    return {name: {"N": str(count)} for name, count in counts.items() if count}


def read_count(item: Item, name: str) -> int:
    """The count of an attribute, 0 where it is not there."""
    return int(item[name]["N"]) if name in item else 0


class _Update:
    """An update expression that grows by one attribute after another."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}
        self._assigned: list[str] = []
        self._removed: list[str] = []

    def put(self, name: str, value: Any, *, within: str = "", alias: str = "") -> None:
        """Sets the attribute; removes it if there is no value. `alias` is what stands for a name that users chose."""
        alias = alias or name
        self.names[f"#{alias}"] = name
        path = f"#{within}.#{alias}" if within else f"#{alias}"
        if value is None:
            self._removed.append(path)
        else:
            self.values[f":{alias}"] = value
            self._assigned.append(f"{path} = :{alias}")

    @property
    def expression(self) -> str:
        """All of it."""
        removed = f" REMOVE {', '.join(self._removed)}" if self._removed else ""
        return f"SET {', '.join(self._assigned)}{removed}"


def entity_update(event: Event, before: Entity, after: Entity) -> dict[str, Any]:
    """The update that the event makes of an entity's item: of the data nothing but the changes, so that the item is
    what it was and the event, whatever became of the copy that was decided on. Conditional on version and state."""
    update = _Update()
    update.put("state", {"S": event.target})
    update.put("version", {"N": str(event.version)})
    update.put("edge", {"S": edge(event.kind, event.definition, event.trigger, event.source, event.target)})
    update.put("event", {"S": event.id})
    update.put("changed_at", write_time(event.at))
    update.put("listed", {"S": listed(event.kind, event.target)})
    update.put("depth", {"N": str(event.depth)})
    update.put("owing", {"N": str(event.owing)})
    if event.place != before.place:
        update.put("place", write_place(event.place) if event.place else None)
    if event.trace != before.trace:
        update.put("trace", {"S": event.trace} if event.trace else None)
    _put_changes(update, event, after)
    return {
        "Key": key(event.kind, event.entity_id, ENTITY),
        "UpdateExpression": update.expression,
        "ConditionExpression": "#version = :version_read AND #state = :state_read",
        "ExpressionAttributeNames": update.names,
        "ExpressionAttributeValues": update.values
        | {":version_read": {"N": str(before.version)}, ":state_read": {"S": before.state}},
    }


def _put_changes(update: _Update, event: Event, after: Entity) -> None:
    if len(event.changes) > _MOST_CHANGES:
        update.put("data", write_map(after.data))
        return
    for number, (name, value) in enumerate(event.changes.items()):
        update.names["#data"] = "data"
        update.put(name, None if value is None else write_value(value), within="data", alias=f"f{number}")


@reader
def read_entity(item: Item) -> Entity:
    """The entity of an item or image; raises HistoryConflictError if somebody made it into something else."""
    kind, entity_id = split_partition(item["pk"]["S"])
    _, definition, trigger, _, _ = split_edge(item["edge"]["S"])
    return Entity(
        kind,
        entity_id,
        item["state"]["S"],
        int(item["version"]["N"]),
        read_map(item["data"]["M"]),
        definition,
        item["event"]["S"],
        trigger,
        read_time(item, "created_at"),
        read_time(item, "changed_at"),
        read_count(item, "depth"),
        read_count(item, "owing"),
        find_place(item),
        read_text(item, "trace"),
        read_text(item, "home"),
    )


def read_text(item: Item, name: str) -> str:
    """The text of an attribute, '' where it is not there."""
    return str(item[name]["S"]) if name in item else ""


def read_listed(item: Item) -> Listed:
    """One line of a listing, from what the index holds."""
    kind, entity_id = split_partition(item["pk"]["S"])
    at = read_time(item, "changed_at")
    return Listed(kind, entity_id, item["state"]["S"], int(item["version"]["N"]), at, find_place(item))
