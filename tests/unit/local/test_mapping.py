"""What the pump reads from a deployed mapping."""

from typing import Any

import pytest

from workflow.local.pump.mapping import read_mapping


class Functions:
    """A Lambda client that knows one mapping."""

    def __init__(self, **settings: Any) -> None:
        self._settings = {"EventSourceArn": "stream", "FunctionArn": "function"} | settings

    def get_event_source_mapping(self, UUID: str) -> dict[str, Any]:  # noqa: N803
        return self._settings


@pytest.mark.parametrize(("said", "read"), [(-1, -1), (None, -1), (0, 0), (100, 100)])
def test_minus_one_and_null_are_no_limit_and_zero_is_one(said: int | None, read: int) -> None:
    mapping = read_mapping(Functions(MaximumRetryAttempts=said, MaximumRecordAgeInSeconds=said), "1")
    assert (mapping.maximum_retry_attempts, mapping.maximum_record_age_seconds) == (read, read)


def test_where_nothing_is_said_there_is_no_limit() -> None:
    mapping = read_mapping(Functions(), "1")
    assert (mapping.maximum_retry_attempts, mapping.maximum_record_age_seconds) == (-1, -1)
