"""Which place an event leads to: the key, the rank, and what is kept of the place before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import JOB, laned
from tests.writes import BEGINNING
from workflow.definition.definition import Definition, Field
from workflow.definition.durations import LONGEST_SECONDS
from workflow.definition.values import UnfitValueError, Value
from workflow.engine.entity import Entity
from workflow.engine.events import Event, evolve
from workflow.engine.place import LaneKey, Place, left_and_taken
from workflow.engine.placing import Placing

SECOND = timedelta(seconds=1)


def _created(data: dict[str, Value], at: datetime = BEGINNING, target: str = "pending") -> Event:
    return Event("job", "1", 1, "e1", "create", "", target, at, 1, data, data)


def _next(entity: Entity, trigger: str, target: str, **more: Any) -> Event:
    at = entity.changed_at + SECOND
    event = Event("job", "1", entity.version + 1, f"e{entity.version + 1}", trigger, entity.state, target, at, 1)
    return event._replace(**more)


def _place(data: dict[str, Value], definition: Definition = JOB, at: datetime = BEGINNING) -> Place:
    place = Placing(definition).after(None, _created(data, at))
    assert place is not None
    return place


def _rank(priority: Value, at: datetime = BEGINNING, **lane: Any) -> str:
    return _place({"repository": "a", "priority": priority}, laned(**lane), at).rank


def _entity(data: dict[str, Value], definition: Definition = JOB) -> Entity:
    event = _created(data)
    return evolve(None, event._replace(place=Placing(definition).after(None, event)))


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("a", "a"),
        (17, "17"),
        (-1, "-1"),
        (10**37, str(10**37)),
        ("17", "17"),
        ("a#b ü", "a#b ü"),
        ("x" * 900, "x" * 900),
    ],
)
def test_the_key_is_text_or_a_whole_number(value: Value, key: str) -> None:
    assert _place({"repository": value}).key == key


@pytest.mark.parametrize("value", [True, False, None, "", Decimal("1.5"), ["a"], {"a": "b"}, [], {}])
def test_anything_else_is_no_key(value: Value) -> None:
    with pytest.raises(UnfitValueError) as caught:
        _place({"repository": value})
    assert str(caught.value) == "the lane 'build' needs a key, text or a whole number, from 'data.repository'"


def test_a_missing_key_is_none_and_the_error_quotes_nothing() -> None:
    with pytest.raises(UnfitValueError, match="needs a key"):
        _place({})
    with pytest.raises(UnfitValueError) as caught:
        _place({"repository": ["canary"]})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("value", ["x" * 901, "ü" * 451, "😀" * 226])
def test_a_key_of_more_bytes_than_fit_is_refused(value: str) -> None:
    with pytest.raises(UnfitValueError, match=r"^the key of lane 'build' is longer than 900 bytes$"):
        _place({"repository": value})


def test_without_an_expression_there_is_one_queue_for_all() -> None:
    assert _place({}, laned(by="")).key == ""


def test_a_key_is_computed_and_sees_the_entity() -> None:
    assert _place({"repository": "a"}, laned(by="join('/', [entity.kind, data.repository])")).key == "job/a"
    with pytest.raises(UnfitValueError, match=r"the lane 'build': .*repository"):
        _place({"repository": [1]}, laned(by="starts_with(data.repository, 'a')"))


def test_a_key_never_sees_what_is_sensitive() -> None:
    secret = {"note": Field("note", "string", sensitive=True)}
    for by in ("to_string(data)", "to_string(@)", "to_string(values(data))"):
        definition = replace(laned(by=by), data={**JOB.data, **secret})
        assert "canary" not in _place({"repository": "a", "note": "canary"}, definition).key


@pytest.mark.parametrize("priority", [True, "5", [5], {}, ""])
def test_what_is_no_number_is_no_priority(priority: Value) -> None:
    with pytest.raises(UnfitValueError) as caught:
        _rank(priority)
    assert str(caught.value) == "the lane 'build' needs a number from 'data.priority'"


@pytest.mark.parametrize("ageing_seconds", [0, 60])
def test_no_priority_is_one_of_nothing(ageing_seconds: int) -> None:
    assert _rank(None, ageing_seconds=ageing_seconds) == _rank(0, ageing_seconds=ageing_seconds)


def test_without_an_expression_the_oldest_is_first_whatever_the_data_says() -> None:
    assert _rank(5, first="") == _rank("five", first="") < _rank(9, BEGINNING + SECOND / 1_000_000, first="")


NUMBERS = st.integers(-(10**37), 10**37) | st.decimals(
    allow_nan=False, allow_infinity=False, places=6, min_value=-(10**15), max_value=10**15
)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2300, 1, 1), timezones=st.just(UTC))


def _clamped(number: int | Decimal) -> Decimal:
    return max(Decimal(-(10**12)), min(Decimal(10**12), Decimal(number)))


@given(NUMBERS, NUMBERS, MOMENTS, MOMENTS)
def test_in_text_order_the_most_urgent_is_first_then_the_oldest(
    one: int | Decimal, other: int | Decimal, at: datetime, later: datetime
) -> None:
    first, second = (-_clamped(one), at), (-_clamped(other), later)
    ranks = _rank(one, at), _rank(other, later)
    assert (ranks[0] < ranks[1], ranks[0] == ranks[1]) == (first < second, first == second)


@given(NUMBERS, NUMBERS, MOMENTS, MOMENTS, st.sampled_from([1, 60, 86_400, LONGEST_SECONDS]))
def test_with_ageing_a_wait_counts_like_points_at_any_distance(
    one: int | Decimal, other: int | Decimal, at: datetime, later: datetime, ageing_seconds: int
) -> None:
    def turn(number: int | Decimal, moment: datetime) -> Decimal:
        came_at = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        return came_at - (_clamped(number) * 10**6 * ageing_seconds).to_integral_value("ROUND_FLOOR")

    ranks = _rank(one, at, ageing_seconds=ageing_seconds), _rank(other, later, ageing_seconds=ageing_seconds)
    turns = turn(one, at), turn(other, later)
    assert (ranks[0] < ranks[1], ranks[0] == ranks[1]) == (turns[0] < turns[1], turns[0] == turns[1])


def test_one_point_less_is_the_same_as_having_come_one_ageing_earlier() -> None:
    minute = timedelta(minutes=1)
    assert _rank(3, BEGINNING, ageing_seconds=60) == _rank(4, BEGINNING + minute, ageing_seconds=60)
    assert _rank(3, BEGINNING, ageing_seconds=60) == _rank(Decimal("3.5"), BEGINNING + minute / 2, ageing_seconds=60)
    just_later = BEGINNING + minute + timedelta(microseconds=1)
    assert _rank(3, BEGINNING, ageing_seconds=60) < _rank(4, just_later, ageing_seconds=60)


@pytest.mark.parametrize("ageing_seconds", [0, 1, LONGEST_SECONDS])
def test_every_rank_of_a_lane_is_as_long_as_any_other_and_digits_alone(ageing_seconds: int) -> None:
    ranks = [_rank(number, ageing_seconds=ageing_seconds) for number in (0, 10**40, -(10**40), Decimal("-0.1"))]
    assert len({len(rank) for rank in ranks}) == 1
    assert all(rank.replace(".", "").isdecimal() for rank in ranks)
    assert len(ranks[0]) <= 64


@pytest.mark.parametrize(("trigger", "target"), [("finish", "done"), ("fail", "failed")])
def test_out_of_the_lane_there_is_no_place(trigger: str, target: str) -> None:
    entity = _entity({"repository": "a"})
    assert Placing(JOB).after(entity, _next(entity, trigger, target)) is None


def test_on_the_way_to_run_a_slot_must_still_be_chosen() -> None:
    entity = _entity({"repository": "a"})
    event = _next(entity, "start", "active")
    assert Placing(JOB).after(entity, event) == Place("build", "a", event.at, slot=0)


def test_whoever_runs_keeps_the_slot_whatever_becomes_of_the_data() -> None:
    held = Place("build", "a", BEGINNING, slot=7)
    entity = _entity({"repository": "a"})._replace(state="active", place=held)
    for value in ("b", None, ["no key"]):
        event = _next(entity, "note", "active", changes={"repository": value, "priority": "no number"})
        assert Placing(JOB).after(entity, event) == held


def test_whoever_waits_keeps_the_place_while_nothing_says_otherwise() -> None:
    entity = _entity({"repository": "a", "priority": 1})
    assert Placing(JOB).after(entity, _next(entity, "note", "pending", changes={"note": "x"})) == entity.place


@pytest.mark.parametrize("ageing_seconds", [0, 60])
def test_another_priority_is_another_rank_of_the_same_wait(ageing_seconds: int) -> None:
    definition = laned(ageing_seconds=ageing_seconds)
    entity = _entity({"repository": "a", "priority": 1}, definition)
    place = Placing(definition).after(entity, _next(entity, "rate", "pending", changes={"priority": 2}))
    assert place == _place({"repository": "a", "priority": 2}, definition, BEGINNING)
    back = Placing(definition).after(entity, _next(entity, "rate", "pending", changes={"priority": None}))
    assert back == _place({"repository": "a"}, definition, BEGINNING)


def test_another_key_is_another_queue_where_the_wait_begins_anew() -> None:
    entity = _entity({"repository": "a"})
    event = _next(entity, "move", "pending", changes={"repository": "b"})
    assert Placing(JOB).after(entity, event) == _place({"repository": "b"}, at=event.at)


def test_after_a_run_the_wait_begins_anew() -> None:
    running = Place("build", "a", BEGINNING, slot=1)
    entity = _entity({"repository": "a"})._replace(state="active", place=running)
    event = _next(entity, "retry", "pending")
    assert Placing(JOB).after(entity, event) == _place({"repository": "a"}, at=event.at)


def test_a_place_in_another_lane_is_none_in_this_one() -> None:
    held = Place("other", "a", BEGINNING, slot=7)
    entity = _entity({"repository": "a"})._replace(state="active", place=held)
    event = _next(entity, "note", "active")
    assert Placing(JOB).after(entity, event) == Place("build", "a", event.at, slot=0)


def test_where_an_entity_should_stand_is_told_by_its_state_and_data() -> None:
    placing, entity = Placing(JOB), _entity({"repository": "a", "priority": 3})
    assert placing.of(entity) == entity.place
    assert placing.of(entity._replace(place=None)) == entity.place
    assert placing.of(entity._replace(state="active")) == Place("build", "a", BEGINNING, slot=0)
    assert placing.of(entity._replace(state="failed")) is None
    with pytest.raises(UnfitValueError):
        placing.of(entity._replace(data={}))


def test_a_place_is_the_same_whoever_stands_there_since_when() -> None:
    slot, waiting = Place("build", "a", BEGINNING, slot=1), Place("build", "a", BEGINNING, rank="1")
    later = slot._replace(since=BEGINNING + SECOND)
    assert (slot.is_same(later), slot.is_same(waiting), slot.is_same(None)) == (True, False, False)
    assert left_and_taken(slot, later) == (None, None)
    assert left_and_taken(None, None) == (None, None)
    assert left_and_taken(waiting, slot) == (waiting, slot)
    assert left_and_taken(slot, slot._replace(key="b")) == (slot, slot._replace(key="b"))
    assert left_and_taken(slot, None) == (slot, None)


def test_a_lane_is_told_with_its_key_if_it_has_one() -> None:
    assert str(LaneKey("job", "build", "a'b")) == 'lane build of job for "a\'b"'
    assert str(LaneKey("job", "build", "")) == "lane build of job"
