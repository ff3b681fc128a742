"""The record a function receives."""

import json
from datetime import UTC, datetime

from workflow.local.pump.wire import to_wire

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/T/stream/1"


def test_a_record_reaches_the_function_in_the_json_shape_of_lambda() -> None:
    parsed = {
        "eventID": "e1",
        "eventName": "REMOVE",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            "Keys": {"pk": {"S": "order#1"}},
            "OldImage": {
                "one": {"B": b"\x00\xff"},
                "many": {"BS": [b"a", b"b"]},
                "deep": {"M": {"list": {"L": [{"B": b"x"}, {"N": "1"}, {"NULL": True}, {"BOOL": False}]}}},
                "texts": {"SS": ["a"]},
            },
            "SequenceNumber": "100",
            "SizeBytes": 12,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "userIdentity": {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"},
    }

    wire = to_wire(parsed, ARN)

    assert json.loads(json.dumps(wire)) == {
        "eventID": "e1",
        "eventName": "REMOVE",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1767323045,
            "Keys": {"pk": {"S": "order#1"}},
            "OldImage": {
                "one": {"B": "AP8="},
                "many": {"BS": ["YQ==", "Yg=="]},
                "deep": {"M": {"list": {"L": [{"B": "eA=="}, {"N": "1"}, {"NULL": True}, {"BOOL": False}]}}},
                "texts": {"SS": ["a"]},
            },
            "SequenceNumber": "100",
            "SizeBytes": 12,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "userIdentity": {"principalId": "dynamodb.amazonaws.com", "type": "Service"},
        "eventSourceARN": ARN,
    }


def test_a_time_with_a_fraction_keeps_it() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 500000, tzinfo=UTC)
    wire = to_wire({"dynamodb": {"ApproximateCreationDateTime": moment}}, ARN)
    assert wire["dynamodb"]["ApproximateCreationDateTime"] == 1767323045.5
