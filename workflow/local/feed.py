"""Deliveries and sweeps as lines a person can follow, each transition once however often it is delivered."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from workflow.aws.items import split_edge, split_partition
from workflow.aws.place_items import find_place
from workflow.engine.place import LaneKey, Place, left_and_taken
from workflow.local.log_lines import readable
from workflow.local.pump import Delivery
from workflow.local.schedule import Sweep

_NOWHERE = "(new)"
_UNDECLARED = "(changed by hand, without an event)"
_SAME_LOG_SECONDS = 30.0
# What a sweep counts, each with its words for one and for several.
_COUNTED = {
    "timers_fired": ("timer fired", "timers fired"),
    "started": ("waiting entity started", "waiting entities started"),
    "effects_done": ("effect done", "effects done"),
    "effects_failed": ("attempt failed", "attempts failed"),
    "put_aside": ("entity put aside again", "entities put aside again"),
    "for_people": ("effect parked for a person", "effects parked for a person"),
}
# What differs from one attempt to the next: times, counts, ids.
_VARYING = re.compile(r"\S*\d\S*")


class Feed:
    """Tells deliveries and sweeps, from several threads; remembers which records are to come again, and the log."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._waiting: set[str] = set()
        self._logged: dict[str, float] = {}
        self._queues: dict[LaneKey, set[str]] = {}

    def lines_of(self, delivery: Delivery) -> list[str]:
        """Return a line for each record not told before, at its end what moves in a lane; then what the function
        logged, then why the rest come again.

        A delivery that brings nothing new and gets nothing done is one line; its log and its failure are told only
        if they are new or have not been told for half a minute.
        """
        with self._lock:
            return list(self._lines_of(delivery))

    def lines_of_sweep(self, sweep: Sweep) -> list[str]:
        """Return what the sweep got done or failed to do, then what the function logged; nothing if there was nothing.

        What it logged is told only if it is new or has not been told for half a minute.
        """
        counted = [_count(sweep.counts.get(name, 0), *words) for name, words in _COUNTED.items()]
        told = ", ".join(filter(None, counted))
        if not told and not sweep.failure:
            return []
        head = f"sweep  {told}" if told else "sweep"
        said = [f"    | {line}" for line in readable(sweep.log)]
        said += [f"    ! {sweep.failure}"] if sweep.failure else []
        with self._lock:
            return [head] if self._all_known(said) else [head, *said]

    def _lines_of(self, delivery: Delivery) -> Iterator[str]:
        fresh = [record for record in delivery.records if _position(record) not in self._waiting]
        for record in fresh:
            yield _line_of(record) + self._lane_of(record)
        count, again = len(delivery.records), len(delivery.records) - len(fresh)
        if again:
            yield f"    batch of {count} delivered again" if not fresh else f"    {again} of {count} delivered again"
        self._remember(delivery)
        said = list(_said(delivery))
        is_known = self._all_known(said)
        if fresh or delivery.acknowledged or delivery.discarded or not is_known:
            yield from said

    def _lane_of(self, record: Mapping[str, Any]) -> str:
        """What the change means for the lanes that it leaves and enters: who waits is known from the records alone."""
        change = record["dynamodb"]
        kind, entity_id = split_partition(_text(change["Keys"], "pk"))
        before, after = _find_place(change.get("OldImage")), _find_place(change.get("NewImage"))
        left, taken = left_and_taken(before, after)
        parts = []
        if left is not None:
            queue = self._queue(kind, left)
            queue.discard(entity_id)
            # Who goes on within one lane is told of once.
            if taken is None or taken.at(kind) != left.at(kind):
                parts.append(_told(left, "left" if left.is_waiting else f"slot {left.slot} free", len(queue)))
        if taken is not None:
            queue = self._queue(kind, taken)
            if taken.is_waiting:
                queue.add(entity_id)
            parts.append(_told(taken, "queued" if taken.is_waiting else f"slot {taken.slot} taken", len(queue)))
        return f"  [{'; '.join(parts)}]" if parts else ""

    def _queue(self, kind: str, place: Place) -> set[str]:
        return self._queues.setdefault(place.at(kind), set())

    def _remember(self, delivery: Delivery) -> None:
        over = delivery.acknowledged + delivery.discarded
        self._waiting.difference_update(map(_position, delivery.records[:over]))
        self._waiting.update(map(_position, delivery.records[over:]))

    def _all_known(self, lines: list[str]) -> bool:
        now = self._seconds()
        self._logged = {shape: at for shape, at in self._logged.items() if now - at < _SAME_LOG_SECONDS}
        # A long log comes cut at its start, each time at another place: its first line tells nothing new.
        shapes = {_VARYING.sub("#", line) for line in (lines[1:] or lines)}
        new = shapes - self._logged.keys()
        self._logged |= dict.fromkeys(new, now)
        return not new


def _count(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}" if count else ""


def _said(delivery: Delivery) -> Iterator[str]:
    for line in readable(delivery.log):
        yield f"    | {line}"
    if delivery.failure:
        again = len(delivery.records) - delivery.acknowledged - delivery.discarded
        yield f"    ! {delivery.failure}" + (f" ({again} come again)" if again else "")


def _told(place: Place, what: str, waiting: int) -> str:
    """`build 'acme/api': slot 1 taken, 2 wait`."""
    lane = place.lane + (f" {place.key!r}" if place.key else "")
    return f"{lane}: {what}, {waiting} {'waits' if waiting == 1 else 'wait'}"


def _find_place(image: Any) -> Place | None:
    try:
        return find_place(image) if image else None
    except (KeyError, TypeError, ValueError, AttributeError):
        # Written by hand.
        return None


def _position(record: Mapping[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def _line_of(record: Mapping[str, Any]) -> str:
    change = record["dynamodb"]
    old, new = change.get("OldImage", {}), change.get("NewImage", {})
    kind, entity_id = split_partition(_text(change["Keys"], "pk"))
    if not new:
        unseen = change.get("StreamViewType") in ("KEYS_ONLY", "OLD_IMAGE") and record.get("eventName") != "REMOVE"
        return f"{kind} {entity_id}  {'changed' if unseen else 'removed'}"
    unseen = change.get("StreamViewType") == "NEW_IMAGE" and record.get("eventName") != "INSERT"
    before, after = _text(old, "state") or ("?" if unseen else _NOWHERE), _text(new, "state")
    return f"{kind} {entity_id}  v{_text(new, 'version')}  {before} -> {after}  {_trigger(old, new)}"


def _trigger(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    if _text(old, "event") == _text(new, "event"):
        return _UNDECLARED
    try:
        return split_edge(_text(new, "edge"))[2]
    except ValueError:
        return _UNDECLARED


def _text(image: Mapping[str, Any], name: str) -> str:
    value = image.get(name, {})
    return str(value.get("S", value.get("N", "")))
