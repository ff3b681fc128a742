"""Many schedules, one after another, until a promise is broken."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from workflow.testing.simulation.fate import Fate
from workflow.testing.simulation.own_effect import tell_in_thread
from workflow.testing.simulation.report import CROWD, Report
from workflow.testing.simulation.scenario import Scenario
from workflow.testing.simulation.schedule import Outcome, run_schedule
from workflow.testing.simulation.shrink import MOST_REPLAYS, shrink
from workflow.testing.simulation.story import ending

_COLLECT_EVERY = 200


def run_seeds(
    scenario: Scenario,
    seeds: Sequence[int],
    *,
    replay_with: str = "",
    most_replays: int = MOST_REPLAYS,
    on_progress: Callable[[Report], None] = lambda report: None,
) -> tuple[Report, str]:
    """Plays a schedule for each seed, until one breaks a promise; the counts, and the story of that one or ''.

    The story is the plainest one that is found within so many replays.
    """
    report, began = Report(), time.perf_counter()
    with _undisturbed():
        for seed in seeds:
            outcome = run_schedule(scenario, Fate(seed))
            _refuse_threads(scenario)
            _add(report, outcome)
            if outcome.breaches:
                report.violations += 1
                break
            if report.schedules % _COLLECT_EVERY == 0:
                gc.collect()
                report.seconds = time.perf_counter() - began
                on_progress(report)
        report.seconds = time.perf_counter() - began
        story = "" if not report.violations else tell_shrunk(scenario, seed, outcome, replay_with, most_replays)
        # A thread that nobody waited for may have come last.
        _refuse_threads(scenario)
    return report, story


def _refuse_threads(scenario: Scenario) -> None:
    if scenario.in_threads:
        raise AssertionError(tell_in_thread(scenario.in_threads[0]))


def tell_shrunk(
    scenario: Scenario, seed: int, failed: Outcome, replay_with: str = "", most_replays: int = MOST_REPLAYS
) -> str:
    """The plainest story that breaks the same promise as the failed schedule, and how to replay it."""
    promise = failed.breaches[0].promise

    def still_fails(choices: Sequence[int]) -> Sequence[int] | None:
        outcome = run_schedule(scenario, Fate(given=choices))
        return outcome.choices if outcome.breaches and outcome.breaches[0].promise == promise else None

    choices = shrink(failed.choices, still_fails, most=most_replays)
    told = run_schedule(scenario, Fate(given=choices), telling=True)
    return "\n".join(
        [
            *told.lines,
            *ending(told.breaches or failed.breaches),
            "",
            f"seed {seed}, {len(failed.choices)} choices, shrunk to {len(choices)}: {choices}",
            *([f"to replay it: {replay_with.format(seed=seed)}"] if replay_with else []),
        ]
    )


def tell_seed(scenario: Scenario, seed: int) -> tuple[str, bool]:
    """The whole story of one seed, as it happened, and whether it kept every promise."""
    with _undisturbed():
        outcome = run_schedule(scenario, Fate(seed), telling=True)
    return "\n".join([*outcome.lines, *ending(outcome.breaches)]), not outcome.breaches


def _add(report: Report, outcome: Outcome) -> None:
    report.schedules += 1
    report.points += outcome.points
    report.events += outcome.events
    report.effects += outcome.effects
    report.lane_starts += outcome.lane_starts
    report.schedulers = max(report.schedulers, outcome.schedulers)
    report.crowded += outcome.schedulers >= CROWD
    report.faults += outcome.faults
    report.add_hooks(outcome.hooks)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Without the framework's log, which would be mostly about faults that we make; without the collector, too."""
    log = logging.getLogger("workflow")
    was_disabled, collects = log.disabled, gc.isenabled()
    log.disabled = True
    gc.disable()
    try:
        yield
    finally:
        log.disabled = was_disabled
        if collects:
            gc.enable()
