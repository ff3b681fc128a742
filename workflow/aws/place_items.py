"""A place in a lane as an entity and its event carry it."""

from __future__ import annotations

from typing import Any

from workflow.aws.attributes import Item
from workflow.aws.times import read_time, write_time
from workflow.engine.place import Place


def write_place(place: Place) -> dict[str, Any]:
    """A place as the entity and its event carry it."""
    fields: dict[str, Any] = {"lane": {"S": place.lane}, "key": {"S": place.key}, "since": write_time(place.since)}
    stands = {"rank": {"S": place.rank}} if place.is_waiting else {"slot": {"N": str(place.slot)}}
    return {"M": fields | stands}


def find_place(item: Item) -> Place | None:
    """The place that an entity or event carries, None if it is in no lane; raises KeyError or ValueError for what is
    none."""
    if "place" not in item:
        return None
    fields = item["place"]["M"]
    return Place(
        fields["lane"]["S"],
        fields["key"]["S"],
        read_time(fields, "since"),
        int(fields["slot"]["N"]) if "slot" in fields else 0,
        str(fields["rank"]["S"]) if "rank" in fields else "",
    )
