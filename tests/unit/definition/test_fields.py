"""A value is fitted to its field: into one form, or with a word on what the field takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from workflow.definition.definition import Field
from workflow.definition.fields import fit
from workflow.definition.values import UnfitValueError

NOON = "2026-01-31T12:00:00.000000Z"


@pytest.mark.parametrize("type_name", ["decimal", "integer"])
@pytest.mark.parametrize("text", ["1_000", " 12 ", "12\n", "٣", "NaN", "Infinity", "0x1F", "", "1,5"])
def test_text_that_is_not_plainly_a_number_is_refused(type_name: str, text: str) -> None:
    with pytest.raises(UnfitValueError, match="not this text"):
        fit(Field("n", type_name), text, "data.n")


def test_text_of_a_number_out_of_measure_is_refused() -> None:
    for text in ("1e126", "1e99999999999999999999"):
        with pytest.raises(UnfitValueError, match=r"data\.n does not fit DynamoDB's numbers"):
            fit(Field("n", "decimal"), text, "data.n")


@pytest.mark.parametrize(
    "given",
    [
        "2026-01-31T12:00:00Z",
        "2026-01-31T12:00Z",
        "2026-01-31T12:00:00+00:00",
        "2026-01-31T12:00:00-00:00",
        "2026-01-31T12:00:00.000Z",
        "2026-01-31T12:00:00.000000000Z",
        "2026-01-31T13:00:00+01:00",
        "2026-02-01T02:00:00+14:00",
        datetime(2026, 1, 31, 12, tzinfo=UTC),
        datetime(2026, 1, 31, 4, tzinfo=timezone(timedelta(hours=-8))),
    ],
)
def test_one_moment_is_one_text(given: object) -> None:
    assert fit(Field("at", "timestamp"), given, "data.at") == NOON


def test_a_moment_keeps_its_microseconds() -> None:
    at = Field("at", "timestamp")
    assert fit(at, "2026-01-31T12:00:00.5+00:00", "data.at") == "2026-01-31T12:00:00.500000Z"
    assert fit(at, datetime(2026, 1, 31, 12, 0, 0, 7, UTC), "data.at") == "2026-01-31T12:00:00.000007Z"


def test_the_order_of_fitted_moments_as_texts_is_that_of_time() -> None:
    given = ["0099-12-31T23:59:59Z", "2026-01-31T11:59:59.999999Z", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5Z"]
    texts = [fit(Field("at", "timestamp"), moment, "data.at") for moment in given]
    assert texts == sorted(texts)
    assert {len(text) for text in texts} == {len(NOON)}


def test_a_fitted_moment_fits_as_it_is() -> None:
    at = Field("at", "timestamp", choices=(NOON,))
    assert fit(at, fit(at, "2026-01-31T13:00:00+01:00", "data.at"), "data.at") == NOON


@pytest.mark.parametrize(
    "given",
    [
        "2026-W05-6T12:00:00Z",
        "20260131T120000Z",
        "2026-01-31 12:00:00Z",
        "2026-01-31x12:00:00Z",
        "2026-01-31T12Z",
        "2026-01-31T12:00:00,5Z",
        "2026-01-31T12:00:00.1234567Z",
        "2026-01-31T12:00:000Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T12:00:60Z",
        "2026-02-30T12:00:00Z",
        "2026-01-31T12:00:00+0100",
        "2026-01-31T12:00:00+01:00:30",
        "２026-01-31T12:00:00Z",
        "2026-01-31T12:00:00Z\n",
        "0001-01-01T00:00:00+14:00",
        "2026-01-31",
        1769860800,
    ],
)
def test_a_time_in_any_other_form_is_refused(given: object) -> None:
    with pytest.raises(UnfitValueError, match="a time with zone such as 2026-01-31T12:00:00Z"):
        fit(Field("at", "timestamp"), given, "data.at")


@pytest.mark.parametrize("given", ["2026-01-31T12:00:00", datetime(2026, 1, 31)])
def test_a_time_without_zone_is_refused(given: object) -> None:
    with pytest.raises(UnfitValueError, match="has no time zone"):
        fit(Field("at", "timestamp"), given, "data.at")


def test_what_is_wrong_within_a_sensitive_field_is_told_without_its_keys() -> None:
    card = {"4111-1111": {"cvc": b"123"}}
    with pytest.raises(UnfitValueError) as hidden:
        fit(Field("card", "map", sensitive=True), card, "data.card")
    with pytest.raises(UnfitValueError) as told:
        fit(Field("card", "map"), card, "data.card")
    assert str(hidden.value) == "data.card cannot be stored: a value in it is bytes; give text, for example base64"
    assert str(told.value) == "data.card.4111-1111.cvc is bytes; give text, for example base64"
