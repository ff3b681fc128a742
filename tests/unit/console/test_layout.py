"""Text in the width there is."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from workflow.console.layout import Packed, Trimmed, columns


def rendered(renderable: object, width: int) -> list[str]:
    console = Console(width=width, file=io.StringIO(), markup=False)
    console.print(renderable)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_pieces_stand_side_by_side_as_the_width_allows():
    pieces = [Text(word) for word in ("aaaa", "bbbb", "cccc")]

    assert rendered(Packed(pieces), 16) == ["aaaa  bbbb  cccc"]
    assert rendered(Packed(pieces), 15) == ["aaaa  bbbb", "cccc"]


def test_a_piece_wider_than_the_width_has_lines_of_its_own_and_ends_after_four():
    lines = rendered(Packed([Text("a"), Text("x" * 100), Text("b")]), 10)

    assert lines == ["a", *["x" * 10] * 3, "x" * 9 + "…", "b"]


@given(st.lists(st.text(st.characters(exclude_categories=["C", "Z", "M"]), min_size=1), min_size=1), st.integers(8, 60))
def test_no_line_is_wider_than_the_width(words, width):
    for line in rendered(Packed([Text(word) for word in words]), width):
        assert Text(line).cell_len <= width


def test_lines_lose_the_blanks_at_their_ends_and_nothing_else():
    rows = columns([("a", Text("b")), ("cc", Text("  dd"))])

    assert rendered(Trimmed(rows), 40) == ["a   b", "cc    dd"]
