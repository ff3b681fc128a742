"""A bad network between us and DynamoDB: nothing is lost, nothing happens twice (promises 1, 2 and 10)."""

from __future__ import annotations

import time

import pytest
from botocore.exceptions import EndpointConnectionError

from tests.fakes.faults import Fault, answer, cancel, conflict, lose_request, lose_response, pass_through, throttle
from tests.integration.table.conftest import OnTable
from workflow.errors import (
    ContentionError,
    PayloadError,
    StoreAccessError,
    StoreUnavailableError,
    ThrottledError,
    TooLargeError,
    WorkflowError,
)
from workflow.runtime.commit import MAX_COMMITS


@pytest.fixture(autouse=True)
def _botocore_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)


APPLIED_ONCE: list[tuple[Fault, ...]] = [
    (lose_response,),
    (lose_request,),
    (conflict,),
    (throttle,),
    (answer(500, "InternalServerError"),),
    (answer(503, "ServiceUnavailable"),) * 12,
    (answer(400, "TransactionInProgressException"),) * 12,
    (cancel("None", "ThrottlingError"),),
    # A part that was in conflict does not tell what stands there: this is no word about the entity.
    (cancel("TransactionConflict", "ConditionalCheckFailed"),),
    (cancel("ConditionalCheckFailed", "TransactionConflict"),),
    (cancel("ProvisionedThroughputExceeded", "None"),),
    (lose_response, conflict, throttle, lose_response, lose_request, conflict),
    (lose_response,) * 12,
    (conflict,) * (MAX_COMMITS - 1),
]


@pytest.mark.parametrize("faults", APPLIED_ONCE)
@pytest.mark.parametrize("request_id", ["", "r"])
def test_whatever_the_network_does_one_transition_is_one_event(
    on_table: OnTable, faults: tuple[Fault, ...], request_id: str
) -> None:
    on_table.wire.fail(*faults)
    accepted = on_table.flow.fire("order", "42", "pay", {"amount": 100}, request_id=request_id)
    assert on_table.flow.history("order", "42")[1:] == [accepted.event]
    assert on_table.flow.get("order", "42") == accepted.entity
    assert set(on_table.wire.tokens()) == {f"{accepted.event.id}-0"}
    assert len(on_table.wire.tokens()) == len(faults) + 1
    assert not on_table.wire.faults


def test_repetitions_under_one_token_carry_the_same_body(on_table: OnTable) -> None:
    on_table.wire.fail(lose_response, conflict, throttle, lose_request)
    on_table.flow.fire("order", "42", "pay", {"amount": 100}, request_id="r")
    bodies = [sent.body for sent in on_table.wire.sent if sent.operation == "TransactWriteItems"]
    assert len(bodies) == 5
    assert all(body == bodies[0] for body in bodies)


def test_a_new_decision_has_a_new_token(on_table: OnTable) -> None:
    held = on_table.flow.get("order", "42")
    theirs = on_table.flow.fire("order", "42", "reprice", {"total": 50})
    ours = on_table.flow.fire("order", "42", "pay", {"amount": 100}, held=held)
    assert on_table.wire.tokens() == [f"{theirs.event.id}-0", f"{ours.event.id}-0", f"{ours.event.id}-1"]
    assert ours.event.version == 3


def test_a_stale_held_entity_costs_no_read_because_the_refusal_brings_the_new_one(on_table: OnTable) -> None:
    held = on_table.flow.get("order", "42")
    on_table.flow.fire("order", "42", "reprice", {"total": 50})
    on_table.wire.sent.clear()
    on_table.flow.fire("order", "42", "pay", {"amount": 100}, held=held)
    assert on_table.wire.operations() == ["TransactWriteItems"] * 2


def test_a_lost_answer_under_which_others_went_on_is_still_a_success(on_table: OnTable) -> None:
    def others_go_on(request: object) -> None:
        on_table.wire.faults.clear()
        on_table.flow.fire("order", "42", "ship", {"carrier": "DHL"})

    on_table.wire.fail(lose_response, others_go_on)  # type: ignore[arg-type]
    accepted = on_table.flow.fire("order", "42", "pay", {"amount": 100})
    assert (accepted.event.version, accepted.entity.state) == (2, "paid")
    assert [event.trigger for event in on_table.flow.history("order", "42")] == ["create", "pay", "ship"]


def test_a_creation_whose_answer_was_lost_happened_once(on_table: OnTable) -> None:
    on_table.wire.fail(lose_response, conflict, lose_response)
    accepted = on_table.flow.create("order", "new", {"total": 5}, request_id="r")
    assert on_table.flow.history("order", "new") == [accepted.event]
    assert on_table.flow.create("order", "new", {"total": 5}, request_id="r").event == accepted.event


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (throttle, ThrottledError),
        (conflict, ContentionError),
        (lose_request, StoreUnavailableError),
        (answer(500, "InternalServerError"), StoreUnavailableError),
    ],
)
def test_an_engine_that_stays_away_is_given_up_and_nothing_is_written(
    on_table: OnTable, fault: Fault, error: type[WorkflowError]
) -> None:
    on_table.wire.fail(*[fault] * 100)
    with pytest.raises(error, match="order 42: 'pay'"):
        on_table.flow.fire("order", "42", "pay", {"amount": 100})
    on_table.wire.fail()
    assert len(on_table.flow.history("order", "42")) == 1


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (answer(400, "AccessDeniedException"), StoreAccessError, "AccessDeniedException"),
        (answer(400, "UnrecognizedClientException"), StoreAccessError, "UnrecognizedClientException"),
        (answer(400, "ResourceNotFoundException"), StoreAccessError, "there is no such table here"),
        (answer(400, "ValidationException", "Item size has exceeded the maximum"), TooLargeError, "400 KB"),
        (cancel("ValidationError", "None"), StoreAccessError, "ValidationError"),
    ],
)
def test_what_asking_again_cannot_change_is_asked_once(
    on_table: OnTable, fault: Fault, error: type[WorkflowError], words: str
) -> None:
    on_table.wire.fail(*[fault] * 100)
    with pytest.raises(error, match=words):
        on_table.flow.fire("order", "42", "pay", {"amount": 100})
    assert on_table.wire.operations() == ["GetItem", "TransactWriteItems"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [(throttle, ThrottledError), (lose_request, StoreUnavailableError), (answer(400, "Nonsense"), StoreAccessError)],
)
def test_a_read_that_fails_is_told_in_our_words(on_table: OnTable, fault: Fault, error: type[WorkflowError]) -> None:
    on_table.wire.fail(*[fault] * 100, operation="GetItem")
    with pytest.raises(error, match=f"reading order 42 in table {on_table.table}"):
        on_table.flow.get("order", "42")
    on_table.wire.fail(*[fault] * 100, operation="Query")
    for read in (on_table.flow.history, on_table.flow.effects, on_table.flow.violations):
        with pytest.raises(error, match="order 42"):
            read("order", "42")
    with pytest.raises(error, match="listing order"):
        list(on_table.flow.list("order"))


def test_an_engine_that_is_not_there_is_told_in_our_words(on_table: OnTable) -> None:
    def refused(request: object) -> None:
        raise EndpointConnectionError(endpoint_url="http://nowhere")

    on_table.wire.fail(*[refused] * 100, operation="GetItem")  # type: ignore[list-item]
    with pytest.raises(StoreUnavailableError, match="reading order 42"):
        on_table.flow.get("order", "42")


def test_a_value_that_the_engine_would_refuse_is_refused_by_us(on_table: OnTable) -> None:
    for number in ("1E+126", "-1E+126", "1" * 39, "Infinity", "-NaN"):
        with pytest.raises(PayloadError, match=r"payload\.amount"):
            on_table.flow.fire("order", "42", "pay", {"amount": number})
    assert on_table.wire.tokens() == []


def test_faults_that_let_everything_through_change_nothing(on_table: OnTable) -> None:
    on_table.wire.fail(pass_through)
    on_table.flow.fire("order", "42", "pay", {"amount": 100})
    assert on_table.wire.operations() == ["GetItem", "TransactWriteItems"]


@pytest.mark.parametrize("later", [answer(400, "AccessDeniedException"), throttle, conflict])
def test_what_comes_after_an_attempt_that_was_not_answered_is_no_refusal(on_table: OnTable, later: Fault) -> None:
    on_table.wire.fail(lose_response, *(later,) * 40)
    with pytest.raises(StoreUnavailableError, match="may or may not have been recorded"):
        on_table.flow.fire("order", "42", "pay", {"amount": 100})
    assert [event.trigger for event in on_table.flow.history("order", "42")] == ["create", "pay"]
