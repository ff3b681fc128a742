"""Any canonical value is written and read back as it was, and what is canonical stays so."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exact import exact
from workflow.aws.attributes import read_map, read_value, write_map, write_value
from workflow.definition.values import UnfitValueError, canonical

_numbers = st.one_of(
    st.integers(),
    st.integers(1, 10**38 - 1).flatmap(lambda digits: st.integers(0, 87).map(lambda noughts: digits * 10**noughts)),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.floats(),
)
_values = st.recursive(
    st.one_of(st.none(), st.booleans(), _numbers, st.text(max_size=6)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(_values)
def test_a_canonical_value_comes_back_from_its_attribute_as_it_was(given_value: Any) -> None:
    try:
        value = canonical(given_value, "value")
    except UnfitValueError:
        return
    assert exact(canonical(value, "value")) == exact(value)
    assert exact(read_value(write_value(value))) == exact(value)
    assert exact(read_map(write_map({"value": value})["M"])) == exact({"value": value})


@settings(max_examples=300, deadline=None)
@given(_numbers)
def test_a_number_that_fits_is_kept_exactly(number: Any) -> None:
    try:
        value = canonical(number, "number")
    except UnfitValueError:
        return
    expected = Decimal(repr(number)) if isinstance(number, float) else Decimal(number)
    written = write_value(value)["N"]
    assert Decimal(written) == expected
    assert len(Decimal(written).normalize().as_tuple().digits) <= 38
