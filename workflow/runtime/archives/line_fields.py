"""The fields of an archive's line, each written and read in one way. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from workflow.definition.values import Value, canonical
from workflow.engine.place import Place


def write_place(place: Place) -> dict[str, Value]:
    """Where an entity stands in a lane, as a line tells it."""
    stands: dict[str, Value] = {"rank": place.rank} if place.is_waiting else {"slot": place.slot}
    return {"lane": place.lane, "key": place.key, "since": write_time(place.since), **stands}


def read_place(form: Mapping[str, Any]) -> Place:
    """The place of such a form; raises KeyError, and what the others here raise."""
    slot, rank = read_count(form.get("slot", 0)), read_text(form.get("rank", ""))
    return Place(read_text(form["lane"]), read_text(form["key"]), read_time(form["since"]), slot, rank)


def read_text(value: object) -> str:
    """The text; raises TypeError for anything else, and UnfitValueError."""
    if not isinstance(value, str):
        raise TypeError
    return str(canonical(value, "a text"))


def read_word(value: object) -> str:
    """The text, which is one word; raises as `read_text` does, and ValueError."""
    # The table keeps trigger, source and target as words of one text.
    text = read_text(value)
    if not text or " " in text:
        raise ValueError
    return text


def read_count(value: object) -> int:
    """The whole number, of twelve digits at most; raises TypeError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**12:
        raise TypeError
    return value


def write_time(moment: datetime) -> str:
    """The moment in UTC, to the microsecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def read_time(value: object) -> datetime:
    """The moment of such a text; raises TypeError, and ValueError where it names no time zone."""
    moment = datetime.fromisoformat(read_text(value))
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)
