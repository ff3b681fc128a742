"""Folding a history gives the entity, state and data, without the definition's help (promise 2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from workflow.engine.entity import Entity
from workflow.engine.events import Event, FoldError, evolve, fold

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def _event(version: int, source: str, target: str, **more: Any) -> Event:
    event = Event("order", "42", version, f"e{version}", "go", source, target, NOON + timedelta(minutes=version), 1)
    return event._replace(**more)


HISTORY = [
    _event(1, "", "placed", changes={"a": 1, "b": [1], "c": "x"}, payload={"ignored": 1}),
    _event(2, "placed", "placed", changes={"a": 2, "c": None}, depth=3),
    _event(3, "placed", "paid", changes={"c": "again"}, definition=2, trigger="pay"),
]


def test_a_history_folds_to_the_entity() -> None:
    assert fold(HISTORY) == Entity(
        kind="order",
        id="42",
        state="paid",
        version=3,
        data={"a": 2, "b": [1], "c": "again"},
        definition=2,
        event_id="e3",
        trigger="pay",
        created_at=HISTORY[0].at,
        changed_at=HISTORY[2].at,
        depth=0,
    )


def test_a_cleared_field_is_gone() -> None:
    entity = fold(HISTORY[:2])
    assert entity is not None
    assert (entity.data, entity.depth) == ({"a": 2, "b": [1]}, 3)


def test_folding_on_from_an_entity_is_folding_all() -> None:
    for cut in range(4):
        assert fold(HISTORY[cut:], fold(HISTORY[:cut])) == fold(HISTORY)
    assert evolve(fold(HISTORY[:2]), HISTORY[2]) == fold(HISTORY)


def test_no_events_are_no_entity() -> None:
    assert fold([]) is None


def test_folding_leaves_the_entity_it_started_from_as_it_was() -> None:
    before = fold(HISTORY[:1])
    fold(HISTORY[1:], before)
    assert before == fold(HISTORY[:1])


@pytest.mark.parametrize(
    ("history", "words"),
    [
        (HISTORY[1:], "order 42: event 2 from 'placed' does not follow version 0 in 'nothing'"),
        ([HISTORY[0], HISTORY[2]], "order 42: event 3 from 'placed' does not follow version 1 in 'placed'"),
        ([HISTORY[0], HISTORY[0]], "order 42: event 1 from 'nothing' does not follow version 1 in 'placed'"),
        ([HISTORY[0], _event(2, "paid", "x")], "order 42: event 2 from 'paid' does not follow version 1 in 'placed'"),
    ],
)
def test_events_that_do_not_follow_are_told_with_their_place(history: list[Event], words: str) -> None:
    with pytest.raises(FoldError) as refused:
        fold(history)
    assert str(refused.value) == words


def test_neither_events_nor_entities_show_their_data_in_a_repr() -> None:
    secret = _event(1, "", "placed", payload={"email": "canary"}, changes={"email": "canary"})
    assert "canary" not in repr(secret) + repr(fold([secret])) + str(secret) + f"{fold([secret])}"
