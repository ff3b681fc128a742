"""Filter patterns, as Lambda's documentation describes them for DynamoDB."""

import json
from typing import Any

import pytest

from workflow.local.errors import PumpError
from workflow.local.pump.filters import Filter

RECORD = {
    "eventName": "MODIFY",
    "dynamodb": {
        "Keys": {"pk": {"S": "order#42"}, "sk": {"S": "entity"}},
        "NewImage": {"state": {"S": "paid"}, "total": {"N": "120"}, "gift": {"BOOL": True}, "tags": {"SS": ["a", "b"]}},
        "SizeBytes": 26,
        "Nothing": None,
    },
}


def passes(pattern: Any) -> bool:
    return Filter([json.dumps(pattern)]).passes(RECORD)


def new_image(**wanted: Any) -> dict[str, Any]:
    return {"dynamodb": {"NewImage": wanted}}


@pytest.mark.parametrize(
    "pattern",
    [
        {},
        {"eventName": ["MODIFY"]},
        {"eventName": ["INSERT", "MODIFY"]},
        {"dynamodb": {"Keys": {"sk": {"S": ["entity"]}}}},
        new_image(state={"S": [{"prefix": "pa"}]}),
        new_image(state={"S": [{"suffix": "id"}]}),
        new_image(state={"S": [{"equals-ignore-case": "PAID"}]}),
        new_image(state={"S": [{"anything-but": ["placed", "shipped"]}]}),
        new_image(state={"S": [{"anything-but": "placed"}]}),
        new_image(state={"S": [{"anything-but": {"prefix": "x"}}]}),
        new_image(state={"S": [{"exists": True}]}),
        new_image(carrier={"S": [{"exists": False}]}),
        new_image(gift={"BOOL": [True]}),
        new_image(tags={"SS": ["b"]}),
        {"dynamodb": {"SizeBytes": [26]}},
        {"dynamodb": {"SizeBytes": [{"numeric": [">", 0, "<=", 26]}]}},
        {"dynamodb": {"SizeBytes": [{"numeric": ["=", 26]}]}},
        {"dynamodb": {"Nothing": [None]}},
        {"$or": [{"eventName": ["INSERT"]}, {"dynamodb": {"SizeBytes": [26]}}]},
    ],
)
def test_a_record_that_matches_passes(pattern: Any) -> None:
    assert passes(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        {"eventName": ["INSERT"]},
        {"eventName": ["modify"]},
        {"dynamodb": {"Keys": {"sk": {"S": ["event#1"]}}}},
        {"eventName": ["MODIFY"], "dynamodb": {"SizeBytes": [27]}},
        new_image(state={"S": [{"prefix": "x"}]}),
        new_image(state={"S": [{"anything-but": ["paid"]}]}),
        new_image(carrier={"S": [{"anything-but": ["paid"]}]}),
        new_image(state={"S": [{"exists": False}]}),
        new_image(carrier={"S": [{"exists": True}]}),
        {"dynamodb": {"NewImage": [{"exists": True}]}},
        new_image(state={"S": {"deeper": ["paid"]}}),
        new_image(total={"N": [{"numeric": [">", 0]}]}),
        new_image(gift={"BOOL": [1]}),
        {"dynamodb": {"SizeBytes": [{"numeric": [">", 26]}]}},
        {"dynamodb": {"Absent": [None]}},
        {"$or": [{"eventName": ["INSERT"]}, {"dynamodb": {"SizeBytes": [1]}}]},
    ],
)
def test_a_record_that_does_not_match_is_held_back(pattern: Any) -> None:
    assert not passes(pattern)


def test_one_matching_pattern_of_several_is_enough_and_none_at_all_lets_everything_through() -> None:
    several = Filter(['{"eventName": ["INSERT"]}', '{"eventName": ["MODIFY"]}'])
    assert several.passes(RECORD)
    assert Filter([]).passes(RECORD)


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("{", "filter pattern is not JSON: {"),
        ("[]", "filter pattern is not an object: []"),
        ('{"a": "b"}', "filter pattern: a must hold an object or a list, not 'b'"),
        (
            '{"a": [{"wildcard": "*"}]}',
            'filter pattern: {"wildcard": "*"} is none of prefix, suffix, equals-ignore-case, anything-but, '
            "numeric, exists",
        ),
    ],
)
def test_a_pattern_lambda_does_not_have_is_refused_when_it_is_read(pattern: str, problem: str) -> None:
    with pytest.raises(PumpError) as refused:
        Filter([pattern])
    assert str(refused.value) == problem
