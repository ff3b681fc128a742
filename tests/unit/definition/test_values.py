"""Values take one canonical form, whatever Python's types they came as."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any

import pytest

from tests.exact import exact
from workflow.definition.values import UnstorableValueError, canonical, find_number


class Carrier(str, Enum):  # noqa: UP042  its str() is its name, as in code older than StrEnum
    DHL = "dhl"
    POSTE = "la poste é"


class Priority(IntEnum):
    HIGH = 9


class Ratio(float):
    pass


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (Carrier.DHL, "dhl"),
        (Carrier.POSTE, "la poste é"),
        ({Carrier.DHL: [Carrier.DHL]}, {"dhl": ["dhl"]}),
        (Priority.HIGH, 9),
        ({"priority": Priority.HIGH}, {"priority": 9}),
        (Ratio(0.1), Decimal("0.1")),
        (True, True),
        ([False, 0], [False, 0]),
    ],
)
def test_a_member_of_an_enum_is_the_value_it_stands_for(given: object, value: object) -> None:
    assert exact(canonical(given, "value")) == exact(value)
    assert exact([*canonical([{"x": given}], "value")[0]]) == exact(["x"])


def test_the_keys_of_a_map_are_plain_text() -> None:
    assert [type(key) for key in canonical({Carrier.DHL: 1}, "value")] == [str]


@pytest.mark.parametrize("number", [Decimal("1E-131"), Decimal("-1.5E-140"), Decimal("1E126")])
def test_a_number_beyond_those_of_dynamodb_is_refused(number: Decimal) -> None:
    with pytest.raises(UnstorableValueError, match="does not fit DynamoDB's numbers"):
        canonical(number, "value")


@pytest.mark.parametrize("given", [{4111: 1}, Decimal("NaN4111"), {"a": Decimal("sNaN4111")}])
def test_what_cannot_be_stored_is_not_quoted(given: Any) -> None:
    with pytest.raises(UnstorableValueError) as caught:
        canonical(given, "value")
    assert "4111" not in str(caught.value)


@pytest.mark.parametrize("text", ["", " 1", "1 ", "1_0", "٣", "NaN", "inf", "0x1", "1e", ".", "1,5"])
def test_text_that_is_not_plainly_a_number_is_none(text: str) -> None:
    assert find_number(text, "value") is None


@pytest.mark.parametrize(("text", "number"), [("12", 12), ("-0.50", Decimal("-0.5")), ("+1e3", 1000), ("007", 7)])
def test_plain_text_is_the_number_it_writes(text: str, number: object) -> None:
    assert exact(find_number(text, "value")) == exact(number)
