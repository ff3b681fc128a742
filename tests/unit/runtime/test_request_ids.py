"""A request id makes asking again safe (promise 1): the same answer, and no second event."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.stores import FaultyStore
from tests.samples import ORDER, definitions
from workflow import Workflow
from workflow.definition.definition import Field
from workflow.errors import CreateError, GuardError, HistoryConflictError, PayloadError, RequestReuseError


def test_the_same_request_again_is_the_same_answer(flow: Workflow) -> None:
    first = flow.fire("order", "42", "pay", {"amount": 100}, request_id="r")
    again = flow.fire("order", "42", "pay", {"amount": 100}, request_id="r")
    assert again == replace(first, repeated=True)
    assert len(flow.history("order", "42")) == 2


def test_the_same_request_again_is_the_same_answer_though_the_entity_moved_on(flow: Workflow) -> None:
    first = flow.fire("order", "42", "pay", {"amount": 100}, request_id="r")
    flow.fire("order", "42", "ship", {"carrier": "DHL"})
    again = flow.fire("order", "42", "pay", {"amount": 100}, request_id="r")
    assert again == replace(first, repeated=True)
    assert again.entity.state == "paid"
    assert len(flow.history("order", "42")) == 3


def test_a_self_transition_asked_for_again_happens_once(flow: Workflow) -> None:
    first = flow.fire("order", "42", "annotate", {"note": "x"}, request_id="r")
    flow.fire("order", "42", "annotate", {"note": "y"}, request_id="s")
    assert flow.fire("order", "42", "annotate", {"note": "x"}, request_id="r") == replace(first, repeated=True)
    assert len(flow.history("order", "42")) == 3


def test_a_stale_held_entity_changes_nothing_about_it(flow: Workflow) -> None:
    held = flow.get("order", "42")
    first = flow.fire("order", "42", "annotate", {"note": "x"}, request_id="r", held=held)
    again = flow.fire("order", "42", "annotate", {"note": "x"}, request_id="r", held=held)
    assert again == replace(first, repeated=True)


def test_the_same_creation_again_is_the_same_answer(flow: Workflow) -> None:
    first = flow.create("order", "new", {"total": 5}, request_id="r")
    flow.fire("order", "new", "cancel")
    assert flow.create("order", "new", {"total": 5}, request_id="r") == replace(first, repeated=True)
    with pytest.raises(CreateError):
        flow.create("order", "new", {"total": 5}, request_id="other")


@pytest.mark.parametrize(
    ("trigger", "payload"),
    [("pay", {"amount": 101}), ("pay", {"amount": 100, "tip": 1}), ("annotate", {"amount": 100}), ("cancel", {})],
)
def test_a_request_id_used_for_something_else_is_refused(
    flow: Workflow, trigger: str, payload: dict[str, object]
) -> None:
    flow.fire("order", "42", "pay", {"amount": 100}, request_id="r")
    with pytest.raises(RequestReuseError, match="'r' was used for something else, which became version 2"):
        flow.fire("order", "42", trigger, payload, request_id="r")
    assert len(flow.history("order", "42")) == 2


def test_a_request_id_used_for_a_creation_is_used(flow: Workflow) -> None:
    flow.create("order", "new", request_id="r")
    with pytest.raises(RequestReuseError):
        flow.fire("order", "new", "cancel", request_id="r")
    with pytest.raises(RequestReuseError):
        flow.create("order", "new", {"total": 1}, request_id="r")


def test_values_that_are_written_differently_but_are_the_same_are_the_same_request(flow: Workflow) -> None:
    flow.fire("order", "42", "annotate", {"note": 0.5, "a": 1, "b": [1.0]}, request_id="r")
    again = flow.fire("order", "42", "annotate", {"b": (1,), "a": 1.0, "note": Decimal("0.50")}, request_id="r")
    assert again.repeated


def test_a_refused_request_id_is_not_used_up(flow: Workflow) -> None:
    with pytest.raises(GuardError):
        flow.fire("order", "42", "pay", {"amount": 50}, request_id="r")
    with pytest.raises(PayloadError):
        flow.fire("order", "42", "pay", {}, request_id="r")
    flow.fire("order", "42", "reprice", {"total": 40})
    answer = flow.fire("order", "42", "pay", {"amount": 50}, request_id="r")
    assert (answer.repeated, answer.event.version, answer.event.request_id) == (False, 3, "r")


def test_request_ids_belong_to_their_entity(flow: Workflow) -> None:
    flow.create("order", "other")
    flow.fire("order", "42", "cancel", request_id="r")
    assert not flow.fire("order", "other", "cancel", request_id="r").repeated


def test_two_who_make_the_same_request_at_once_get_one_event(flow: Workflow, store: FaultyStore) -> None:
    answers = []
    store.meanwhile = lambda: answers.append(flow.fire("order", "42", "annotate", {"note": "x"}, request_id="r"))
    answers.append(flow.fire("order", "42", "annotate", {"note": "x"}, request_id="r"))
    assert answers[1] == replace(answers[0], repeated=True)
    assert len(flow.history("order", "42")) == 2


def test_a_lost_answer_that_is_asked_for_again_by_the_caller_is_the_same_answer(
    flow: Workflow, store: FaultyStore
) -> None:
    store.faults = ["lost answer"] * 8
    with pytest.raises(Exception, match="ask again with the same request id"):
        flow.fire("order", "42", "pay", {"amount": 100}, request_id="r")
    store.faults = []
    answer = flow.fire("order", "42", "pay", {"amount": 100}, request_id="r")
    assert answer.repeated
    assert flow.history("order", "42")[1:] == [answer.event]


def test_a_time_in_the_data_tells_requests_apart(store: FaultyStore, clock: FakeClock) -> None:
    due = replace(ORDER, data={**ORDER.data, "due": Field("due", "timestamp", optional=True)})
    flow = Workflow(definitions(due), store, clock=clock)
    noon, one = (datetime(2026, 1, 31, hour, tzinfo=UTC) for hour in (12, 13))
    first = flow.create("order", "new", {"due": noon}, request_id="r")
    assert flow.create("order", "new", {"due": noon}, request_id="r") == replace(first, repeated=True)
    with pytest.raises(RequestReuseError):
        flow.create("order", "new", {"due": one}, request_id="r")


def test_a_request_whose_history_was_deleted_by_hand_is_told_as_that(flow: Workflow, store: FaultyStore) -> None:
    flow.fire("order", "42", "pay", {"amount": 100}, request_id="r")
    store.delete_history("order", "42")
    with pytest.raises(HistoryConflictError, match="order 42"):
        flow.fire("order", "42", "pay", {"amount": 100}, request_id="r")
