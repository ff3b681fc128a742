"""What may be the name of a bus, a topic, a queue and a bucket, by AWS's own rules."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field, StrictStr

from workflow.definition.shapes import judged

_LONGEST_SHOWN = 80


def _check(pattern: str, what: str, way_out: str) -> AfterValidator:
    def check(name: str) -> str:
        if not re.fullmatch(pattern, name):
            raise judged(f"{name[:_LONGEST_SHOWN]!r} cannot be {what}", way_out)
        return name

    return AfterValidator(check)


def _keeps_no_order(name: str) -> str:
    if name.endswith(".fifo"):
        raise judged(f"EventBridge keeps no order, as {name!r} asks", "publish to a queue or a topic, or drop '.fifo'")
    return name


_QUEUE = r"(?=.{1,80}$)[A-Za-z0-9_-]+(\.fifo)?"
_TOPIC = r"(?=.{1,256}$)[A-Za-z0-9_-]+(\.fifo)?"
_BUS = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,255}"
_BUCKET = r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_DETAIL_TYPE = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}"


def _pattern(pattern: str) -> object:
    return Field(json_schema_extra={"pattern": f"^{pattern}$"})


QueueName: TypeAlias = Annotated[
    StrictStr,
    _check(_QUEUE, "the name of a queue", "take up to 80 letters, digits, '-' and '_', with '.fifo' to keep order"),
    _pattern(_QUEUE),
]
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"""

TopicName: TypeAlias = Annotated[
    StrictStr,
    _check(_TOPIC, "the name of a topic", "take up to 256 letters, digits, '-' and '_', with '.fifo' to keep order"),
    _pattern(_TOPIC),
]
"""https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html"""

BusName: TypeAlias = Annotated[
    StrictStr,
    _check(_BUS, "the name of an event bus", "take up to 256 letters, digits, '.', '-' and '_'"),
    AfterValidator(_keeps_no_order),
    _pattern(_BUS),
]
"""https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html"""

BucketName: TypeAlias = Annotated[
    StrictStr,
    _check(_BUCKET, "the name of a bucket", "take 3 to 63 lower case letters, digits, '.' and '-'"),
    _pattern(_BUCKET),
]
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""

DetailType: TypeAlias = Annotated[
    StrictStr,
    _check(_DETAIL_TYPE, "what a message is called", "take up to 128 letters, digits, '.', '-' and '_'"),
    _pattern(_DETAIL_TYPE),
]
"""As long as EventBridge allows: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html"""
