"""Every fault at every I/O point of a whole life breaks no promise, nor do two of them on the way that all take."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulation.every_fault import FAULTS, every_pair, every_single_fault, play
from tests.simulation.lives import CORE, LIVES, Life

_BY_NAME = pytest.mark.parametrize("life", LIVES, ids=[life.name for life in LIVES])


@_BY_NAME
def test_every_fault_at_every_point_of_a_life_breaks_no_promise(life: Life, tell_figure: Callable[[str], None]) -> None:
    tally = every_single_fault(life)
    assert tally.broken == {}
    assert (tally.runs, tally.covered) == (tally.points * len(FAULTS), tally.runs)
    covered = f"{tally.runs} single faults at {tally.points} I/O points, 100 % covered, 0 violations"
    tell_figure(f"life of the {life.name}: {covered}")


@_BY_NAME
def test_a_life_has_a_hook_that_is_redriven_and_whatever_timers_its_kind_has(life: Life) -> None:
    told = "\n".join(play(life, {}, telling=True).lines)
    assert "redrives the effects of" in told
    assert ("'expire'" in told, "'time_out'" in told) == (life.name == "order", life.name == "job")
    assert "refused" not in told.replace("_NeverError", "")


def test_any_two_faults_on_the_core_path_break_no_promise() -> None:
    # A part of them: `make sim` plays all.
    tally = every_pair(CORE, every=9)
    assert tally.broken == {}
    assert tally.runs == tally.covered > 300
