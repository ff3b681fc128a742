"""The picture of what was counted: what it says, and that names in it are only names."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import timedelta

import pytest

from tests.histories import NOON, entry, history
from tests.samples import ORDER, definitions
from workflow.console.stats_picture import draw_stats
from workflow.runtime.analytics.stats import Counting, Stats
from workflow.runtime.ledger_entry import Outcome


def counted(*, hooks: bool = True, lost: str = "shipped", count: int = 4) -> Stats:
    counting = Counting(definitions(ORDER), "order", NOON + timedelta(hours=1))
    entries = [entry(1, parked="", mail=Outcome("parked", 1, NOON, 5, "no"), push=Outcome())] if hooks else []
    for number in range(count):
        steps = [(0, "create", "placed"), (0 if number else 90, "pay", "paid"), (9000, "go", lost)]
        counting.add(history(str(number), *steps[: number + 1], entries=entries))
    return counting.stats()


def texts(picture: bytes) -> list[str]:
    return [text.text or "" for text in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]


def test_it_says_how_many_reached_what_how_long_they_stayed_and_what_failed():
    found = texts(draw_stats(counted(), "svg"))
    assert found[-1] == "order: 4 entities"
    for said in (
        *("placed", "paid", "shipped", "cancelled"),
        *("4 (100%)", "3 (75%)", "2 (50%)", "0 (0%)"),
        *("mail", "4, failed 4, 4 put aside"),
        *("1 h", "1 ms"),
    ):
        assert any(said == text.strip() for text in found), said
    assert "push" not in found, "it has not run yet"


def test_the_same_numbers_give_the_same_svg():
    assert draw_stats(counted(), "svg") == draw_stats(counted(), "svg")


@pytest.mark.parametrize("name", ["$x^$", "<b>&", "\x1b[31m", "n" * 500])
def test_a_name_made_by_hand_is_only_a_name(name: str):
    found = texts(draw_stats(counted(lost=name), "svg"))
    (shown,) = (text for text in found if text[:3] in (name[:3], "\\x1"))
    assert len(shown) < 60


@pytest.mark.parametrize("format", ["svg", "png"])
@pytest.mark.parametrize("stats", [counted(count=0), counted(hooks=False), counted()], ids=["none", "no hook", "all"])
def test_it_is_drawn_whatever_there_is(stats: Stats, format: str):
    assert len(draw_stats(stats, format)) > 1000
