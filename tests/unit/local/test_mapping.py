"""What the pump reads from a deployed mapping."""

from dataclasses import replace
from typing import Any

import pytest

from workflow.event_source import Settings
from workflow.local.errors import PumpError
from workflow.local.pump.mapping import Mapping, find_mapping, read_mapping

STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/orders/stream/1"
ROLE = "role of function"


class Functions:
    """A Lambda client that knows one mapping, and its function."""

    class exceptions:  # noqa: N801 - as on a boto3 client
        ResourceNotFoundException = KeyError

    def __init__(self, **settings: Any) -> None:
        self._mappings = {"1": {"UUID": "1", "EventSourceArn": STREAM, "FunctionArn": "function"} | settings}

    def get_event_source_mapping(self, UUID: str) -> dict[str, Any]:  # noqa: N803
        return self._mappings[UUID]

    def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        return {"Role": f"role of {FunctionName}"}

    def list_event_source_mappings(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        return {"EventSourceMappings": list(self._mappings.values())}


def test_a_mapping_is_read_with_its_settings_filters_and_destination() -> None:
    functions = Functions(
        StartingPosition="LATEST",
        MaximumRetryAttempts=0,
        FilterCriteria={"Filters": [{"Pattern": "{}"}]},
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::lost"}},
    )
    settings = Settings(maximum_retry_attempts=0)
    assert read_mapping(functions, "1") == Mapping(
        "1", STREAM, "function", "LATEST", ("{}",), "arn:aws:s3:::lost", settings, ROLE
    )


@pytest.mark.parametrize("config", [None, {}, {"OnFailure": {}}, {"OnFailure": {"Destination": ""}}])
def test_where_nothing_is_said_it_starts_at_the_oldest_record_and_discards_into_nowhere(config: Any) -> None:
    mapping = Mapping("1", STREAM, "function", "TRIM_HORIZON", (), "", Settings(), ROLE)
    assert read_mapping(Functions(DestinationConfig=config), "1") == mapping


def test_a_mapping_that_is_not_there_is_told_with_what_to_do() -> None:
    with pytest.raises(PumpError, match="there is no event source mapping 2; deploy again"):
        read_mapping(Functions(), "2")


@pytest.mark.parametrize(
    ("state", "enabled"), [("Enabled", True), ("Enabling", True), ("Disabling", False), ("Disabled", False)]
)
def test_it_delivers_unless_it_is_disabled(state: str, enabled: bool) -> None:
    assert read_mapping(Functions(State=state), "1").is_enabled is enabled


def test_the_one_that_was_made_in_its_place_is_found_and_none_where_there_is_none() -> None:
    before = read_mapping(Functions(), "1")
    assert find_mapping(Functions(UUID="2"), before) == replace(before, mapping_id="2")
    assert (
        find_mapping(Functions(EventSourceArn="arn:aws:kinesis:us-east-1:000000000000:stream/orders"), before) is None
    )
