"""What every ledger promises about what was put aside: found when it is due, and by the people it waits for."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice

import pytest

from tests.contracts.conftest import Ports
from workflow.aws.due_items import DUE_SHARDS, write_due
from workflow.runtime.ledger_entry import OWED, RELEASED, LedgerEntry, Parked
from workflow.runtime.ports import Due, Pause

NOW = datetime.fromisoformat("2026-01-31T12:00:00.250Z")
MANY = 40
"""Enough entities for several in every shard of an index."""


def _put_aside(
    ports: Ports, entity_id: str, next_at: datetime | None, *, since: datetime = NOW, version: int = 7
) -> LedgerEntry:
    parked = Parked("zebra", "retry" if next_at else "attempts", since, next_at, "ValueError: no")
    entry = LedgerEntry("order", entity_id, version, RELEASED, NOW, {"zebra": OWED}, parked)
    assert ports.ledger.put(entry, None) is None
    return entry


def test_what_was_put_aside_is_due_from_its_moment_on(ports: Ports) -> None:
    at = NOW + timedelta(seconds=1)
    _put_aside(ports, "42", at)
    assert list(ports.ledger.due(at - timedelta(milliseconds=1))) == []
    assert list(ports.ledger.due(at)) == [Due("order", "42", 7, at)]
    assert list(ports.ledger.due(at + timedelta(days=400))) == [Due("order", "42", 7, at)]


def test_what_waits_for_a_person_or_was_never_put_aside_is_not_due(ports: Ports) -> None:
    _put_aside(ports, "42", None)
    ports.ledger.put(LedgerEntry("order", "43", 7, "one", NOW, {"zebra": OWED}), None)
    assert list(ports.ledger.due(NOW + timedelta(days=400))) == []


def test_what_is_due_comes_from_every_share_and_soonest_first_within_each(ports: Ports) -> None:
    for number in range(MANY):
        _put_aside(ports, f"#{number} ü", NOW - timedelta(minutes=number), version=number + 1)
    due = list(ports.ledger.due(NOW - timedelta(minutes=MANY // 2)))
    assert sorted(due) == sorted(
        Due("order", f"#{number} ü", number + 1, NOW - timedelta(minutes=number)) for number in range(MANY // 2, MANY)
    )
    _put_aside(ports, "same", NOW - timedelta(days=1), version=2)
    _put_aside(ports, "same", NOW - timedelta(days=2), version=3)
    _put_aside(ports, "same", NOW - timedelta(days=3), version=1)
    assert [one.version for one in ports.ledger.due(NOW) if one.entity_id == "same"] == [1, 3, 2]


@pytest.mark.not_on(memory="has no shares")
def test_whoever_takes_only_some_of_what_is_due_takes_as_many_of_each_share(ports: Ports) -> None:
    numbers: dict[str, list[int]] = {}
    for number in range(200):
        numbers.setdefault(write_due("due", "order", str(number), NOW)["due"]["S"], []).append(number)
    for share in numbers.values():
        for number in share[:3]:
            _put_aside(ports, str(number), NOW - timedelta(minutes=number))
    taken = {int(due.entity_id) for due in islice(ports.ledger.due(NOW), 2 * DUE_SHARDS)}
    assert taken == {number for share in numbers.values() for number in share[1:3]}


def test_what_was_taken_or_let_go_is_due_no_more(ports: Ports) -> None:
    entry = _put_aside(ports, "42", NOW)
    taken = entry._replace(owner="one", parked=Parked("", "following", NOW, NOW + timedelta(minutes=1)))
    ports.ledger.put(taken, entry)
    assert list(ports.ledger.due(NOW)) == []
    assert [one.version for one in ports.ledger.due(NOW + timedelta(minutes=1))] == [7]
    ports.ledger.commit("one", taken._replace(parked=None))
    assert list(ports.ledger.due(NOW + timedelta(minutes=1))) == []
    assert list(ports.ledger.parked()) == []


def test_all_that_is_put_aside_is_listed_the_longest_waiting_first_within_each_share(ports: Ports) -> None:
    entries = [
        _put_aside(ports, str(number), NOW if number % 2 else None, since=NOW - timedelta(minutes=number))
        for number in range(MANY)
    ]
    ports.ledger.put(LedgerEntry("order", "running", 7, "one", NOW, {"zebra": OWED}), None)
    listed = list(ports.ledger.parked())
    assert sorted(listed, key=lambda entry: int(entry.entity_id)) == entries
    _put_aside(ports, "same", None, since=NOW - timedelta(days=1), version=1)
    _put_aside(ports, "same", None, since=NOW - timedelta(days=2), version=2)
    assert [entry.version for entry in ports.ledger.parked() if entry.entity_id == "same"] == [2, 1]


def test_nothing_is_paused_before_somebody_pauses_it(ports: Ports) -> None:
    assert dict(ports.ledger.pauses()) == {}
    ports.ledger.resume("zebra")
    assert dict(ports.ledger.pauses()) == {}


def test_a_paused_hook_stays_so_until_it_is_resumed(ports: Ports) -> None:
    first = Pause("zebra", NOW, "the printer is out: ü", by="ada")
    other = Pause("aardvark", NOW + timedelta(microseconds=1), "", "")
    ports.ledger.pause(first)
    ports.ledger.pause(other)
    assert dict(ports.ledger.pauses()) == {"zebra": first, "aardvark": other}
    again = first._replace(reason="still out", by="bob")
    ports.ledger.pause(again)
    ports.ledger.resume("aardvark")
    assert dict(ports.ledger.pauses()) == {"zebra": again}
    ports.ledger.resume("zebra")
    assert dict(ports.ledger.pauses()) == {}
