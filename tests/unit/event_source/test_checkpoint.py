"""The partial batch response, by AWS's documented rules."""

from typing import Any

import pytest

from workflow.event_source import checkpoint

BATCH = ["101", "102", "103", "104"]


def failing(*identifiers: Any) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


@pytest.mark.parametrize(
    "response",
    [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}, {"statusCode": 200}],
)
def test_a_response_that_names_no_failure_acknowledges_the_whole_batch(response: Any) -> None:
    assert checkpoint(BATCH, response) == 4


@pytest.mark.parametrize(
    ("response", "done"),
    [
        (failing("101"), 0),
        (failing("103"), 2),
        (failing("104"), 3),
        (failing("104", "102"), 1),
        (failing("103", "103"), 2),
    ],
)
def test_everything_from_the_lowest_failed_record_on_comes_again(response: Any, done: int) -> None:
    assert checkpoint(BATCH, response) == done


@pytest.mark.parametrize(
    "response",
    [
        failing(""),
        failing(None),
        failing(103),
        failing("999"),
        failing("104", "999"),
        {"batchItemFailures": [{"itemIdentifer": "104"}]},
        {"batchItemFailures": [{}]},
        {"batchItemFailures": ["104"]},
        {"batchItemFailures": "104"},
        "ok",
        [],
        0,
    ],
)
def test_a_response_that_cannot_be_placed_fails_the_whole_batch(response: Any) -> None:
    assert checkpoint(BATCH, response) == 0


def test_the_order_is_that_of_the_batch_and_not_of_the_numbers_text() -> None:
    assert checkpoint(["9", "10", "11"], failing("10", "11")) == 1
