"""Hunting one mutant: schedule after schedule, until a promise is broken."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.mutants.mutant import Mutant
from workflow.testing.simulation import Fate, run_schedule, run_seeds


class Hunt(NamedTuple):
    """How it went: which promise gave the mutant away (0: none), whether it is one of those that it must break, after
    how many schedules, and the shrunk story."""

    name: str
    promise: int
    is_killed: bool
    schedules: int
    story: str = ""


def hunt(mutant: Mutant, most: int) -> Hunt:
    """Plays schedules of everything there is, `most` at most, on the broken code, and shrinks the one that tells."""
    with mutant.alive():
        report, story = run_seeds(mutant.scenario, range(1, most + 1))
    promise = _promise(story)
    return Hunt(mutant.name, promise, promise in mutant.promises, report.schedules, story)


def _promise(story: str) -> int:
    found = re.search(r"^BROKEN: promise (\d+)", story, re.MULTILINE)
    return int(found[1]) if found else 0


def kill(mutant: Mutant, most: int) -> Hunt:
    """The same without the story, which takes longest."""
    scenario = mutant.scenario
    with mutant.alive(), silent():
        for seed in range(1, most + 1):
            broken = [breach.promise for breach in run_schedule(scenario, Fate(seed)).breaches]
            if broken:
                # One break often leads to others.
                promise = next((one for one in broken if one in mutant.promises), broken[0])
                return Hunt(mutant.name, promise, promise in mutant.promises, seed)
    return Hunt(mutant.name, 0, False, most)


@contextmanager
def silent() -> Iterator[None]:
    """Without the framework's log, which would be about the faults that we make."""
    log = logging.getLogger("workflow")
    was_disabled, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = was_disabled
