"""What every store promises about lanes: places are taken and given back with their transition, or nothing is."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.contracts.conftest import Ports
from tests.samples import JOB, laned
from tests.writes import BEGINNING, committed, creation, requested, step
from workflow.engine.entity import Entity
from workflow.engine.place import LaneKey, Place
from workflow.engine.placing import Placing
from workflow.errors import HistoryConflictError
from workflow.runtime.lane_ports import InLane, LaneState, WatchedLane
from workflow.runtime.ledger_entry import OWED, LedgerEntry, Outcome, Settlement
from workflow.runtime.ports import Contested, Write

LANE = LaneKey("job", "build", "a")
NOBODY = LaneState([], [], is_whole=True, watched=None)
MINUTE = timedelta(minutes=1)
ODD_KEYS = ["#", "a#b", " ", "a b ", "ü€😀", "~", "\u0001", "lane", "0", "x" * 900, "😀" * 225]
ODD_IDS = ["#", "a#b#", " 4 2 ", "ü€😀", "~~", "waiting#1", "running#000001", "y" * 900]


def _waiting(rank: str = "5", key: str = "a", since: int = 0) -> Place:
    return Place("build", key, BEGINNING + timedelta(seconds=since), rank=rank)


def _slot(number: int = 1, key: str = "a", since: int = 0) -> Place:
    return Place("build", key, BEGINNING + timedelta(seconds=since), slot=number)


def _job(place: Place | None, entity_id: str = "1") -> Write:
    return creation(entity_id, kind="job", target="pending", place=place)


def _to(before: Entity, place: Place | None, trigger: str = "start", target: str = "active") -> Write:
    return step(before, trigger, target, place=place)


def _lane(ports: Ports, key: str = "a", *, waiting: int = 100) -> LaneState:
    found = ports.store.lane(LANE._replace(key=key), waiting=waiting)
    return found._replace(running=list(found.running), waiting=list(found.waiting))


def _ids(ports: Ports, key: str = "a", *, waiting: int = 1000) -> list[str]:
    return [row.entity_id for row in _lane(ports, key, waiting=waiting).waiting]


def _state(*rows: InLane, is_whole: bool = True) -> LaneState:
    running = [row for row in rows if not row.place.is_waiting]
    return LaneState(running, [row for row in rows if row.place.is_waiting], is_whole, None)


def test_a_lane_that_nobody_was_in_is_empty(ports: Ports) -> None:
    assert _lane(ports) == NOBODY
    assert _lane(ports, waiting=0) == NOBODY


def test_whoever_waits_starts_and_leaves_is_in_one_place_at_a_time(ports: Ports) -> None:
    one = committed(ports.store, _job(_waiting())).after
    assert _lane(ports) == _state(InLane("1", _waiting()))
    assert ports.store.find_entity("job", "1") == one
    two = committed(ports.store, _to(one, _slot(since=3))).after
    assert _lane(ports) == _state(InLane("1", _slot(since=3)))
    assert ports.store.find_entity("job", "1") == two
    three = committed(ports.store, _to(two, None, "finish", "done")).after
    assert _lane(ports) == NOBODY
    assert ports.store.find_entity("job", "1") == three
    assert three.place is None


def test_every_event_tells_the_place_that_it_led_to(ports: Ports) -> None:
    one = committed(ports.store, _job(_waiting("3.5"))).after
    two = committed(ports.store, _to(one, _slot(1000))).after
    committed(ports.store, _to(two, None, "finish", "done"))
    assert [event.place for event in ports.store.events("job", "1")] == [_waiting("3.5"), _slot(1000), None]


def test_one_created_in_a_slot_has_taken_it(ports: Ports) -> None:
    committed(ports.store, _job(_slot(2)))
    assert _lane(ports) == _state(InLane("1", _slot(2)))


def test_a_place_is_kept_over_transitions_that_do_not_leave_it(ports: Ports) -> None:
    for entity_id, place in (("w", _waiting()), ("r", _slot())):
        entity = committed(ports.store, _job(place, entity_id)).after
        for _ in range(3):
            entity = committed(ports.store, _to(entity, place, "note", "pending")).after
            assert ports.store.find_entity("job", entity_id) == entity
    assert _lane(ports) == _state(InLane("r", _slot()), InLane("w", _waiting()))


def test_another_rank_is_another_place_in_the_same_lane(ports: Ports) -> None:
    one = committed(ports.store, _job(_waiting("5"), "1")).after
    committed(ports.store, _job(_waiting("6"), "2"))
    committed(ports.store, _to(one, _waiting("7"), "rate", "pending"))
    assert _ids(ports) == ["2", "1"]
    assert _lane(ports) == _state(InLane("2", _waiting("6")), InLane("1", _waiting("7")))


def test_one_that_moves_to_another_lane_is_no_more_in_the_first(ports: Ports) -> None:
    one = committed(ports.store, _job(_waiting(key="a"))).after
    two = committed(ports.store, _to(one, _waiting(key="b"), "move", "pending")).after
    assert (_lane(ports, "a"), _lane(ports, "b")) == (NOBODY, _state(InLane("1", _waiting(key="b"))))
    three = committed(ports.store, _to(two, _slot(4, "c"))).after
    assert (_lane(ports, "b"), _lane(ports, "c")) == (NOBODY, _state(InLane("1", _slot(4, "c"))))
    committed(ports.store, _to(three, _waiting(key="c"), "retry", "pending"))
    assert _lane(ports, "c") == _state(InLane("1", _waiting(key="c")))


def test_from_one_slot_into_another_the_first_is_free_again(ports: Ports) -> None:
    one = committed(ports.store, _job(_slot(1))).after
    committed(ports.store, _to(one, _slot(2), "again"))
    committed(ports.store, _job(_slot(1), "2"))
    assert _lane(ports) == _state(InLane("2", _slot(1)), InLane("1", _slot(2)))


def _with_more(write: Write) -> Write:
    return requested(write, "r")


@pytest.mark.parametrize("more", [False, True])
def test_a_slot_that_is_taken_refuses_the_whole_transition(ports: Ports, more: bool) -> None:
    committed(ports.store, _job(_slot(1), "holder"))
    one = committed(ports.store, _job(_waiting())).after
    write = _to(one, _slot(1))
    write = _with_more(write) if more else write
    assert ports.store.commit(write) == Contested(None, None, None, slot_taken=True)
    assert ports.store.find_entity("job", "1") == one
    assert len(list(ports.store.events("job", "1"))) == 1
    assert ports.store.find_request("job", "1", "r") is None
    assert _lane(ports) == _state(InLane("holder", _slot(1)), InLane("1", _waiting()))


def test_a_creation_for_which_there_is_no_slot_leaves_nothing(ports: Ports) -> None:
    committed(ports.store, _job(_slot(1), "holder"))
    assert ports.store.commit(_job(_slot(1))) == Contested(None, None, None, slot_taken=True)
    assert ports.store.find_entity("job", "1") is None


def test_a_slot_that_somebody_else_holds_by_now_is_not_given_back(ports: Ports) -> None:
    one = committed(ports.store, _job(_slot(1))).after
    ports.store.remove_from_lane(LANE, InLane("1", _slot(1)))
    committed(ports.store, _job(_slot(1), "other"))
    assert ports.store.commit(_to(one, None, "finish", "done")) == Contested(None, None, None, slot_lost=True)
    assert ports.store.find_entity("job", "1") == one
    assert _lane(ports) == _state(InLane("other", _slot(1)))


def test_a_slot_that_nobody_holds_by_now_keeps_nobody_from_leaving(ports: Ports) -> None:
    for place in (_slot(1), _waiting()):
        one = committed(ports.store, _job(place, place.rank + "x")).after
        ports.store.remove_from_lane(LANE, InLane(one.id, place))
        committed(ports.store, _to(one, None, "cancel", "cancelled"))
        assert _lane(ports) == NOBODY


def test_a_lost_slot_and_a_taken_one_are_both_told(ports: Ports) -> None:
    one = committed(ports.store, _job(_slot(1))).after
    ports.store.remove_from_lane(LANE, InLane("1", _slot(1)))
    committed(ports.store, _job(_slot(1), "other"))
    committed(ports.store, _job(_slot(2), "another"))
    assert ports.store.commit(_to(one, _slot(2))) == Contested(None, None, None, slot_taken=True, slot_lost=True)


def test_a_stale_version_and_a_taken_slot_are_both_told(ports: Ports) -> None:
    one = committed(ports.store, _job(_waiting())).after
    rated = committed(ports.store, _to(one, _waiting("9"), "rate", "pending"))
    committed(ports.store, _job(_slot(1), "holder"))
    found = Contested(rated.after, rated.event, None, slot_taken=True)
    assert ports.store.commit(_to(one, _slot(1))) == found
    assert _lane(ports) == _state(InLane("holder", _slot(1)), InLane("1", _waiting("9")))


def test_a_stale_version_with_a_free_slot_takes_none(ports: Ports) -> None:
    one = committed(ports.store, _job(_waiting())).after
    left = committed(ports.store, _to(one, None, "cancel", "cancelled"))
    assert ports.store.commit(_to(one, _slot(1))) == Contested(left.after, left.event, None)
    assert _lane(ports) == NOBODY


def test_a_used_request_id_and_a_taken_slot_are_both_told(ports: Ports) -> None:
    first = committed(ports.store, requested(_job(_waiting()), "r"))
    committed(ports.store, _job(_slot(1), "holder"))
    again = requested(_to(first.after, _slot(1)), "r")
    assert ports.store.commit(again) == Contested(None, None, first.request, slot_taken=True)


def test_an_outcome_and_the_slot_given_back_are_written_together_or_not_at_all(ports: Ports) -> None:
    held = LedgerEntry("job", "1", 1, "one", BEGINNING.replace(microsecond=0), {"work": OWED})
    after = held.with_outcome("work", Outcome("done", 1, BEGINNING, 5))
    one = committed(ports.store, _job(_slot(1))).after
    ports.ledger.put(held._replace(owner="other"), None)
    write = replace(_to(one, None, "finish", "done"), settles=Settlement("one", after, "work"))
    assert ports.store.commit(write) == Contested(None, None, None, lease_lost=True)
    assert _lane(ports) == _state(InLane("1", _slot(1)))
    ports.ledger.put(held, held._replace(owner="other"))
    committed(ports.store, write)
    assert _lane(ports) == NOBODY
    assert ports.ledger.find("job", "1", 1) == after


@pytest.mark.not_on(memory="has no network to lose an answer on", moto="ignores ClientRequestToken")
def test_the_same_start_again_is_the_same_success(ports: Ports) -> None:
    one = committed(ports.store, _job(_waiting())).after
    write = committed(ports.store, _to(one, _slot(1)))
    assert ports.store.commit(write) is None
    # Also when the place has passed to somebody else since.
    committed(ports.store, _to(write.after, None, "finish", "done"))
    committed(ports.store, _job(_slot(1), "other"))
    assert ports.store.commit(write) is None
    assert _lane(ports) == _state(InLane("other", _slot(1)))


def test_an_own_start_told_again_under_another_token_is_known_by_its_event(ports: Ports) -> None:
    one = committed(ports.store, _job(_waiting())).after
    write = committed(ports.store, _to(one, _slot(1)))
    found = ports.store.commit(replace(write, token="another"))
    # The rows are its own, so that nothing is said of them.
    assert found == Contested(write.after, write.event, None)


@pytest.mark.parametrize("key", ODD_KEYS, ids=ascii)
def test_a_key_may_hold_anything(ports: Ports, key: str) -> None:
    one = committed(ports.store, _job(_waiting(key=key))).after
    assert _lane(ports, key) == _state(InLane("1", _waiting(key=key)))
    assert ports.store.watch_lane(LANE._replace(key=key), None, BEGINNING)
    assert [watched.lane for watched in ports.store.watched_lanes(BEGINNING + MINUTE)] == [LANE._replace(key=key)]
    committed(ports.store, _to(one, _slot(1, key)))
    assert ports.store.find_entity("job", "1") == one._replace(**_later(one), place=_slot(1, key), owing=0)
    assert _lane(ports, "a") == NOBODY


def _later(one: Entity) -> dict[str, Any]:
    changed_at = BEGINNING + timedelta(seconds=1)
    event_id = f"event-{int(one.event_id.partition('-')[2]) + 1}"
    return {"state": "active", "version": 2, "event_id": event_id, "trigger": "start", "changed_at": changed_at}


@pytest.mark.parametrize("entity_id", ODD_IDS, ids=ascii)
def test_an_id_may_hold_anything(ports: Ports, entity_id: str) -> None:
    rank = "9" * 63
    one = committed(ports.store, _job(_waiting(rank), entity_id)).after
    assert _lane(ports) == _state(InLane(entity_id, _waiting(rank)))
    two = committed(ports.store, _to(one, _slot(1))).after
    assert _lane(ports) == _state(InLane(entity_id, _slot(1)))
    committed(ports.store, _to(two, None, "finish", "done"))
    assert _lane(ports) == NOBODY


def test_keys_of_which_one_begins_with_the_other_are_two_lanes(ports: Ports) -> None:
    for key in ("a", "a#", "a#b"):
        committed(ports.store, _job(_waiting(key=key), f"in {key}"))
    assert [_ids(ports, key) for key in ("a", "a#", "a#b")] == [["in a"], ["in a#"], ["in a#b"]]


PRIORITIES = (0, 1, -1, 10**12, -(10**12), 10**30, -(10**30), Decimal("0.5"), Decimal("-0.5"), Decimal("0.000001"))


@pytest.mark.parametrize("ageing_seconds", [0, 1, 600, 10 * 366 * 86_400])
def test_whoever_is_most_urgent_is_first_then_who_came_first(ports: Ports, ageing_seconds: int) -> None:
    placing = Placing(laned(JOB, ageing_seconds=ageing_seconds))
    arrivals = [(priority, second) for priority in PRIORITIES for second in (0, 1, 3600)]
    for number, (priority, second) in enumerate(random.Random(7).sample(arrivals, len(arrivals))):
        write = creation(
            f"{priority}/{second:04d}/{number:02d}",
            {"repository": "a", "priority": priority},
            kind="job",
            target="pending",
            at=BEGINNING + timedelta(seconds=second),
        )
        place = placing.after(None, write.event)
        committed(
            ports.store,
            replace(write, event=write.event._replace(place=place), after=write.after._replace(place=place)),
        )

    def turn(entity_id: str) -> tuple[Decimal, ...]:
        priority, second, _ = entity_id.split("/")
        urgency = max(Decimal(-(10**12)), min(Decimal(10**12), Decimal(priority)))
        if ageing_seconds:
            return (Decimal(second) - urgency * ageing_seconds,)
        return (-urgency, Decimal(second))

    found = _ids(ports)
    assert [turn(entity_id) for entity_id in found] == sorted(turn(entity_id) for entity_id in found)
    assert len(found) == len(arrivals)


@pytest.mark.not_on(moto="is no oracle of pages")
def test_hundreds_that_wait_are_read_as_far_as_is_asked_in_order(ports: Ports) -> None:
    ids = [f"{number:04d}" for number in range(230)]
    for entity_id in random.Random(5).sample(ids, len(ids)):
        committed(ports.store, _job(_waiting(entity_id), entity_id))
    for number in range(1, 41):
        committed(ports.store, _job(_slot(number), f"runs {number}"))
    ports.store.watch_lane(LANE, None, BEGINNING)
    for waiting in (0, 1, 24, 25, 26, 100, 229, 230, 231, 10_000):
        found = _lane(ports, waiting=waiting)
        assert [row.entity_id for row in found.waiting] == ids[:waiting]
        assert [row.place.slot for row in found.running] == list(range(1, 41))
        assert found.is_whole == (waiting >= 230)
        assert found.watched is not None


@pytest.mark.parametrize(("waiting", "is_whole"), [(0, False), (1, False), (2, True), (3, True)])
def test_a_lane_is_whole_if_nobody_else_waits(ports: Ports, waiting: int, is_whole: bool) -> None:
    for entity_id in "ab":
        committed(ports.store, _job(_waiting(entity_id), entity_id))
    found = _lane(ports, waiting=waiting)
    assert ([row.entity_id for row in found.waiting], found.is_whole) == (["a", "b"][:waiting], is_whole)


def test_a_lane_is_watched_by_whoever_found_what_stood_there(ports: Ports) -> None:
    first, second = BEGINNING.replace(microsecond=123000), BEGINNING + MINUTE
    assert not ports.store.watch_lane(LANE, first, second)
    assert ports.store.watch_lane(LANE, None, first)
    assert not ports.store.watch_lane(LANE, None, second)
    assert _lane(ports).watched == first
    assert not ports.store.watch_lane(LANE, second, None)
    assert ports.store.watch_lane(LANE, first, second)
    assert not ports.store.watch_lane(LANE, first, None)
    found = _lane(ports).watched
    assert found is not None
    assert ports.store.watch_lane(LANE, found, None)
    assert _lane(ports).watched is None
    assert not ports.store.watch_lane(LANE, found, None)
    assert ports.store.watch_lane(LANE, None, None)


def test_what_was_watched_is_found_again_by_the_moment_given_though_it_is_kept_in_milliseconds(ports: Ports) -> None:
    assert ports.store.watch_lane(LANE, None, BEGINNING)
    assert ports.store.watch_lane(LANE, BEGINNING, None)


def test_watched_lanes_are_due_from_their_moment_on_and_come_from_every_share(ports: Ports) -> None:
    at = BEGINNING.replace(microsecond=0)
    for number in range(30):
        assert ports.store.watch_lane(LANE._replace(key=f"#{number} ü"), None, at + timedelta(seconds=number))
    assert list(ports.store.watched_lanes(at - timedelta(milliseconds=1))) == []
    due = list(ports.store.watched_lanes(at + timedelta(seconds=14)))
    expected = [WatchedLane(LANE._replace(key=f"#{number} ü"), at + timedelta(seconds=number)) for number in range(15)]
    assert sorted(due, key=lambda watched: watched.at) == expected
    # They are no timers and no effects that were put aside.
    assert list(ports.store.due_timers(at + MINUTE)) == []
    assert list(ports.ledger.due(at + MINUTE)) == []


def test_timers_are_no_watched_lanes(ports: Ports) -> None:
    ports.store.watch_lane(LANE, None, BEGINNING)
    ports.store.watch_lane(LANE, BEGINNING, None)
    committed(ports.store, _job(_waiting()))
    assert list(ports.store.watched_lanes(BEGINNING + MINUTE)) == []


@pytest.mark.parametrize("place", [_slot(1), _waiting()], ids=["slot", "waiting"])
def test_a_place_is_freed_only_if_exactly_this_one_holds_it_since_then(ports: Ports, place: Place) -> None:
    committed(ports.store, _job(place))
    for other in (
        InLane("2", place),
        InLane("1", place._replace(since=BEGINNING + timedelta(microseconds=1))),
        InLane("1", place._replace(slot=2) if place.slot else place._replace(rank="6")),
    ):
        assert not ports.store.remove_from_lane(LANE, other)
    assert not ports.store.remove_from_lane(LANE._replace(key="b"), InLane("1", place))
    assert _lane(ports) == _state(InLane("1", place))
    assert ports.store.remove_from_lane(LANE, InLane("1", place))
    assert _lane(ports) == NOBODY
    assert not ports.store.remove_from_lane(LANE, InLane("1", place))


PLACES = [None, _waiting("5"), _waiting("6"), _waiting("5", "b"), _slot(1), _slot(2), _slot(1, "b")]


@pytest.mark.parametrize("after", PLACES)
@pytest.mark.parametrize("before", PLACES)
def test_an_entity_is_moved_from_any_place_to_any_other(
    ports: Ports, before: Place | None, after: Place | None
) -> None:
    entity = committed(ports.store, _job(before)).after
    assert ports.store.move_in_lane(entity, after)
    assert ports.store.find_entity("job", "1") == entity._replace(place=after)
    for key in "ab":
        rows = [InLane("1", after)] if after and after.key == key else []
        assert _lane(ports, key) == _state(*rows)
    assert len(list(ports.store.events("job", "1"))) == 1


@pytest.mark.parametrize("place", [_slot(1), _waiting()], ids=["slot", "waiting"])
def test_a_row_that_is_missing_is_put_back(ports: Ports, place: Place) -> None:
    entity = committed(ports.store, _job(place)).after
    ports.store.remove_from_lane(LANE, InLane("1", place))
    assert ports.store.move_in_lane(entity, place)
    assert _lane(ports) == _state(InLane("1", place))
    assert ports.store.find_entity("job", "1") == entity


def test_nobody_is_moved_into_a_slot_that_somebody_else_has(ports: Ports) -> None:
    committed(ports.store, _job(_slot(1), "holder"))
    entity = committed(ports.store, _job(_waiting())).after
    assert not ports.store.move_in_lane(entity, _slot(1))
    assert _lane(ports) == _state(InLane("holder", _slot(1)), InLane("1", _waiting()))
    assert ports.store.find_entity("job", "1") == entity


@pytest.mark.parametrize("after", [None, _slot(2), _waiting()], ids=["out", "slot", "waiting"])
def test_whose_slot_has_passed_to_somebody_else_is_moved_and_that_one_stays(ports: Ports, after: Place | None) -> None:
    entity = committed(ports.store, _job(_slot(1))).after
    ports.store.remove_from_lane(LANE, InLane("1", _slot(1)))
    committed(ports.store, _job(_slot(1), "other"))
    assert ports.store.move_in_lane(entity, after)
    rows = [InLane("1", after)] if after else []
    assert _lane(ports) == _state(InLane("other", _slot(1)), *rows)
    assert ports.store.find_entity("job", "1") == entity._replace(place=after)


def test_nobody_is_moved_who_is_not_as_he_was_read(ports: Ports) -> None:
    entity = committed(ports.store, _job(_waiting())).after
    later = committed(ports.store, _to(entity, _slot(1))).after
    for stale in (entity, later._replace(version=3), later._replace(state="done"), later._replace(place=None)):
        assert not ports.store.move_in_lane(stale, _slot(2))
    assert not ports.store.move_in_lane(later._replace(id="unknown"), _slot(2))
    assert _lane(ports) == _state(InLane("1", _slot(1)))


def test_a_transition_after_a_move_starts_from_the_new_place(ports: Ports) -> None:
    entity = committed(ports.store, _job(_slot(1))).after
    assert ports.store.move_in_lane(entity, _slot(3))
    moved = ports.store.find_entity("job", "1")
    assert moved is not None
    committed(ports.store, _to(moved, None, "finish", "done"))
    assert _lane(ports) == NOBODY


def test_listings_tell_places(ports: Ports) -> None:
    committed(ports.store, _job(_waiting(), "1"))
    committed(ports.store, _job(_slot(1), "2"))
    committed(ports.store, _job(None, "3"))
    found = {line.id: line.place for line in ports.store.listing("job", "pending")}
    assert found == {"1": _waiting(), "2": _slot(1), "3": None}


@pytest.mark.not_on(memory="nobody writes there past the framework")
def test_a_watched_row_that_was_changed_by_hand_keeps_no_other_from_being_found(
    ports: Ports, caplog: pytest.LogCaptureFixture
) -> None:
    ports.store.watch_lane(LANE, None, BEGINNING)
    for number in range(8):
        ports.client.put_item(
            TableName=ports.table,
            Item={
                "pk": {"S": f"foreign {number}"},
                "sk": {"S": "x"},
                "due": {"S": f"lane#{number}"},
                "due_at": {"N": "1"},
            },
        )
    assert [watched.lane for watched in ports.store.watched_lanes(BEGINNING + MINUTE)] == [LANE]
    assert "a lane that is watched cannot be read: item foreign 0 x was changed by hand" in caplog.text


@pytest.mark.not_on(memory="nobody writes there past the framework")
def test_a_row_that_holds_something_else_is_told_by_its_place(ports: Ports) -> None:
    ports.client.put_item(
        TableName=ports.table,
        Item={"pk": {"S": "lane#job#build#a"}, "sk": {"S": "running#x"}, "entity": {"S": "1"}, "since": {"S": "?"}},
    )
    with pytest.raises(HistoryConflictError, match="item lane#job#build#a running#x was changed by hand"):
        ports.store.lane(LANE, waiting=1)
