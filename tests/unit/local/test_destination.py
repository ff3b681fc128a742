"""Where given-up records cannot go."""

import pytest

from workflow.event_source import Condition, Discard, Settings
from workflow.local.pump.destination import Destination
from workflow.local.pump.mapping import Mapping
from workflow.local.pump.records import Delivered

GIVEN_UP = Discard((Delivered("1", "order#1", 0.0, {}, "{}"),), Condition.RECORD_AGE_EXCEEDED, 0)
KAFKA = "arn:aws:kafka:us-east-1:000000000000:topic/cluster/1/lost"


@pytest.mark.parametrize(
    ("arn", "said"),
    [
        ("", "; the mapping names no destination for them"),
        (KAFKA, f", and lost: {KAFKA} did not take them: neither a queue, a topic nor a bucket"),
        ("nonsense", ", and lost: nonsense did not take them: neither a queue, a topic nor a bucket"),
    ],
)
def test_records_that_can_go_nowhere_are_told_with_the_reason(arn: str, said: str) -> None:
    mapping = Mapping("1", "stream", "function", "TRIM_HORIZON", (), arn, Settings())
    sent = Destination("http://127.0.0.1:1").send(mapping, "shardId-1", GIVEN_UP)
    assert sent == f"RecordAgeExceeded: 1 given up{said}"
