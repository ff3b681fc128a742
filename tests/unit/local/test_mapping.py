"""What the pump reads from a deployed mapping."""

from typing import Any

import pytest

from workflow.event_source import Settings
from workflow.local.errors import PumpError
from workflow.local.pump.mapping import Mapping, read_mapping


class Functions:
    """A Lambda client that knows one mapping."""

    class exceptions:  # noqa: N801 - as on a boto3 client
        ResourceNotFoundException = KeyError

    def __init__(self, **settings: Any) -> None:
        self._mappings = {"1": {"EventSourceArn": "stream", "FunctionArn": "function"} | settings}

    def get_event_source_mapping(self, UUID: str) -> dict[str, Any]:  # noqa: N803
        return self._mappings[UUID]


def test_a_mapping_is_read_with_its_settings_filters_and_destination() -> None:
    functions = Functions(
        StartingPosition="LATEST",
        MaximumRetryAttempts=0,
        FilterCriteria={"Filters": [{"Pattern": "{}"}]},
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::lost"}},
    )
    settings = Settings(maximum_retry_attempts=0)
    assert read_mapping(functions, "1") == Mapping(
        "1", "stream", "function", "LATEST", ("{}",), "arn:aws:s3:::lost", settings
    )


@pytest.mark.parametrize("config", [None, {}, {"OnFailure": {}}, {"OnFailure": {"Destination": ""}}])
def test_where_nothing_is_said_it_starts_at_the_oldest_record_and_discards_into_nowhere(config: Any) -> None:
    mapping = Mapping("1", "stream", "function", "TRIM_HORIZON", (), "", Settings())
    assert read_mapping(Functions(DestinationConfig=config), "1") == mapping


def test_a_mapping_that_is_not_there_is_told_with_what_to_do() -> None:
    with pytest.raises(PumpError, match="there is no event source mapping 2; deploy again"):
        read_mapping(Functions(), "2")
