"""Where a trace goes on from, in X-Ray's words and in W3C's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.aws.tracing.place import Place, find_place

ID, PARENT = "5759e988" + "bd862e3fe1be46a994272793", "53995c3f42cd8ad8"
BEGAN = datetime.fromtimestamp(0x5759E988, UTC)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1", Place(ID, PARENT, True)),
        ("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0", Place(ID, "", False)),
        ("Self=1-1-1; Root=1-5759E988-BD862E3FE1BE46A994272793 ;Sampled=?;Lineage=1:a:0", Place(ID)),
        ("Parent=nobody;Root=1-5759e988-bd862e3fe1be46a994272793", Place(ID)),
        (f"00-{ID}-{PARENT}-01", Place(ID, PARENT, True)),
        (f"00-{ID}-{PARENT}-00", Place(ID, PARENT, False)),
        (f"cc-{ID}-{PARENT}-03-what-later-versions-add", Place(ID, PARENT, True)),
        (f"ff-{ID}-{PARENT}-01", None),
        (f"00-{'0' * 32}-{PARENT}-01", None),
        (f"00-{ID}-{'0' * 16}-01", None),
        (f"00-{ID}-{PARENT}", None),
        ("Root=1-00000000-000000000000000000000000;Sampled=1", None),
        ("Root=1-5759e988-bd862e3fe1be46a99427279;Sampled=1", None),
        ("", None),
        (None, None),
        (7, None),
        (f"Root=1-5759e988-bd862e3fe1be46a994272793;x={'x' * 2000}", None),
    ],
)
def test_what_is_read_of_both_forms(text: object, place: Place | None) -> None:
    assert find_place(text) == place


def test_what_is_written_is_read_again() -> None:
    for sampled in (True, False, None):
        place = Place(ID, PARENT, sampled)
        assert find_place(place.header) == place
    assert Place(ID).header == "Root=1-5759e988-bd862e3fe1be46a994272793"


@given(st.text() | st.from_regex(r"(Root=|Parent=|;|1-|00-|[0-9a-f]{8,32}|-|Sampled=.)*"))
def test_no_text_breaks_it(text: str) -> None:
    place = find_place(text)
    assert place is None or find_place(place.header) == place


@pytest.mark.parametrize(
    ("later", "may"),
    [
        (timedelta(), True),
        (timedelta(days=27, hours=23), True),
        (timedelta(days=28, seconds=1), False),
        (timedelta(minutes=-4), True),
        (timedelta(minutes=-6), False),
    ],
)
def test_xray_takes_a_trace_for_28_days(later: timedelta, may: bool) -> None:
    assert Place(ID).may_be_continued(BEGAN + later) is may
