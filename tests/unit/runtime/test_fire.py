"""Create and fire where nobody else writes and nothing is lost: what is written, and what is refused why."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.fakes.clock import START, FakeClock
from tests.fakes.stores import FaultyStore
from workflow import Accepted, Entity, Event, Workflow
from workflow.errors import (
    CreateError,
    EntityNotFoundError,
    GuardError,
    PayloadError,
    Refused,
    TransitionError,
    UnknownKindError,
)

CREATED = Event(
    kind="order",
    entity_id="42",
    version=1,
    id="id-1",
    trigger="create",
    source="",
    target="placed",
    at=START,
    definition=1,
    payload={"total": 100},
    changes={"total": 100},
)


def test_a_creation_and_a_transition_are_answered_with_event_and_entity(flow: Workflow, clock: FakeClock) -> None:
    clock.advance(5)
    answer = flow.fire("order", "42", "reprice", {"total": "12.50", "why": "sale"}, by="eva", request_id="r")
    repriced = Event(
        kind="order",
        entity_id="42",
        version=2,
        id="id-2",
        trigger="reprice",
        source="placed",
        target="placed",
        at=clock.now(),
        definition=1,
        payload={"total": "12.50", "why": "sale"},
        changes={"total": Decimal("12.5")},
        by="eva",
        request_id="r",
    )
    entity = Entity("order", "42", "placed", 2, {"total": Decimal("12.5")}, 1, "id-2", "reprice", START, clock.now())
    assert answer == Accepted(repriced, entity)
    assert flow.get("order", "42") == entity
    assert flow.history("order", "42") == [CREATED, repriced]


def test_a_transition_is_one_read_and_one_commit(flow: Workflow, store: FaultyStore) -> None:
    store.reads = len(store.writes) - 1
    flow.fire("order", "42", "pay", {"amount": 100})
    assert (store.reads, len(store.writes)) == (1, 2)


def test_with_the_entity_at_hand_no_read_is_needed(flow: Workflow, store: FaultyStore) -> None:
    held = flow.get("order", "42")
    store.reads = 0
    flow.fire("order", "42", "pay", {"amount": 100}, held=held)
    assert store.reads == 0


REFUSED: list[tuple[str, str, object, type[Refused], str]] = [
    ("42", "ship", {}, TransitionError, "order 42: no transition 'ship' from 'placed' (version 1); from here: "),
    ("42", "fly", {}, TransitionError, "order 42: no transition 'fly' from 'placed' (version 1); from here: "),
    ("42", "pay", {"amount": 99}, GuardError, "'pay' from 'placed' (version 1) needs: payload.amount >= data.total"),
    ("42", "pay", {}, PayloadError, "order 42: 'pay': payload.amount is missing"),
    ("42", "pay", {"amount": "much"}, PayloadError, "payload.amount"),
    ("42", "pay", {"amount": float("nan")}, PayloadError, "payload.amount"),
    ("42", "pay", ["amount"], PayloadError, "the payload must be a map"),
    ("42", "pay", {"amount": 100, "x": {1, 2}}, PayloadError, "payload.x is set"),
    ("42", "pay", {"amount": 100, 5: 1}, PayloadError, "payload has a key that is int"),
    ("42", "pay", {"amount": 100, "\ud800": 1}, PayloadError, "surrogate"),
    ("43", "pay", {"amount": 100}, EntityNotFoundError, "there is no order 43; create it first"),
]


@pytest.mark.parametrize(("entity_id", "trigger", "payload", "error", "words"), REFUSED)
def test_a_refusal_says_why_and_writes_nothing(
    flow: Workflow, store: FaultyStore, entity_id: str, trigger: str, payload: object, error: type, words: str
) -> None:
    with pytest.raises(error) as refused:
        flow.fire("order", entity_id, trigger, payload, request_id="r")  # type: ignore[arg-type]
    assert type(refused.value) is error
    assert words in str(refused.value)
    assert len(store.writes) == 1
    assert flow.history("order", "42") == [CREATED]
    assert store.find_request("order", entity_id, "r") is None


def test_a_refused_transition_names_the_triggers_that_are_allowed(flow: Workflow) -> None:
    with pytest.raises(TransitionError) as refused:
        flow.fire("order", "42", "ship")
    assert refused.value.allowed == ("pay", "annotate", "reprice", "cancel")
    flow.fire("order", "42", "cancel")
    with pytest.raises(TransitionError, match="the state is final") as refused:
        flow.fire("order", "42", "pay", {"amount": 100})
    assert refused.value.allowed == ()


@pytest.mark.parametrize("data", [{"total": "x", "colour": "red", "carrier": 5}, None, "text", ["email"]])
def test_a_creation_with_data_that_do_not_fit_is_refused_whole(flow: Workflow, data: object) -> None:
    if data is None:
        data = {"note": object()}
    with pytest.raises(PayloadError):
        flow.create("order", "new", data)  # type: ignore[arg-type]
    assert flow.find("order", "new") is None
    assert flow.history("order", "new") == []


def test_everything_wrong_with_the_data_is_told_at_once(flow: Workflow) -> None:
    with pytest.raises(PayloadError) as refused:
        flow.create("order", "new", {"total": "x", "colour": "red", "carrier": 5})
    for name in ("data.total", "data.colour", "data.carrier"):
        assert name in str(refused.value)


def test_what_exists_is_not_created_again(flow: Workflow) -> None:
    with pytest.raises(CreateError, match=r"order 42 exists already, in 'placed' \(version 1\)"):
        flow.create("order", "42", {"total": 1})
    assert flow.history("order", "42") == [CREATED]


def test_an_unknown_kind_is_refused_with_the_likely_one(flow: Workflow) -> None:
    for ask in (
        lambda: flow.create("ordr", "1"),
        lambda: flow.fire("ordr", "1", "pay"),
        lambda: flow.get("ordr", "1"),
        lambda: flow.find("ordr", "1"),
        lambda: flow.history("ordr", "1"),
        lambda: flow.list("ordr"),
    ):
        with pytest.raises(UnknownKindError) as refused:
            ask()
        assert str(refused.value) == "no definition of kind 'ordr' (did you mean 'order'?); loaded: counter, order"


@pytest.mark.parametrize("entity_id", ["", 42, None, b"42", "\ud800", "x" * 901, "é" * 451, ["42"]])
def test_an_id_that_is_no_text_of_its_size_is_refused_by_every_verb(
    flow: Workflow, store: FaultyStore, entity_id: object
) -> None:
    for ask in (
        lambda: flow.create("order", entity_id),  # type: ignore[arg-type]
        lambda: flow.fire("order", entity_id, "pay"),  # type: ignore[arg-type]
        lambda: flow.get("order", entity_id),  # type: ignore[arg-type]
        lambda: flow.find("order", entity_id),  # type: ignore[arg-type]
        lambda: flow.history("order", entity_id),  # type: ignore[arg-type]
        lambda: flow.effects("order", entity_id),  # type: ignore[arg-type]
        lambda: flow.violations("order", entity_id),  # type: ignore[arg-type]
    ):
        with pytest.raises(PayloadError, match="order: the id "):
            ask()
    assert len(store.writes) == 1


@pytest.mark.parametrize("request_id", [7, 0, b"r", "\ud800", "x" * 901])
def test_a_request_id_that_is_no_text_of_its_size_is_refused(flow: Workflow, request_id: object) -> None:
    with pytest.raises(PayloadError, match="order: the request id "):
        flow.fire("order", "42", "pay", {"amount": 100}, request_id=request_id)  # type: ignore[arg-type]


@pytest.mark.parametrize("by", [7, "\ud800", "x" * 901, b"eva"])
def test_who_asks_is_text_as_well(flow: Workflow, store: FaultyStore, by: object) -> None:
    with pytest.raises(PayloadError, match="order: the asker "):
        flow.fire("order", "42", "pay", {"amount": 100}, by=by)  # type: ignore[arg-type]
    assert len(store.writes) == 1


@pytest.mark.parametrize("name", [7, None, ["pay"], b"pay"])
def test_kinds_and_triggers_are_text(flow: Workflow, name: object) -> None:
    with pytest.raises(UnknownKindError):
        flow.fire(name, "42", "pay")  # type: ignore[arg-type]
    with pytest.raises(PayloadError, match="order: the trigger must be text"):
        flow.fire("order", "42", name)  # type: ignore[arg-type]


def test_create_is_no_trigger_to_fire(flow: Workflow) -> None:
    with pytest.raises(PayloadError, match=r"'create' is no trigger to fire; call create\(\)"):
        flow.fire("order", "42", "create", {"total": 1})


def test_another_entity_is_not_taken_for_the_held_one(flow: Workflow) -> None:
    flow.create("order", "43")
    with pytest.raises(PayloadError, match="the entity given as held is order 43"):
        flow.fire("order", "42", "pay", {"amount": 100}, held=flow.get("order", "43"))


def test_a_listing_of_a_state_that_is_not_declared_is_refused(flow: Workflow) -> None:
    with pytest.raises(PayloadError, match="order has no state 'flown'; it has: placed, paid, shipped, cancelled"):
        flow.list("order", "flown")


def test_a_listing_of_all_states_goes_state_by_state(flow: Workflow) -> None:
    for entity_id in ("a", "b"):
        flow.create("order", entity_id)
    flow.fire("order", "a", "pay", {"amount": 0})
    assert [(line.state, line.id) for line in flow.list("order")] == [("placed", "42"), ("placed", "b"), ("paid", "a")]
