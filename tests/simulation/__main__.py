"""`make sim`: many schedules of the shipped definitions and a nasty made-up one, on all processors."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time

from tests.simulation import every_fault
from tests.simulation.scenarios import ALL
from workflow.testing.simulation import Report, Scenario, run_seeds, tell_seed

_REPLAY = "make sim SEED={seed}"
_TELL_EVERY_SECONDS = 30
_PART = 500


def _part(seeds: range) -> tuple[Report, str]:
    return run_seeds(Scenario(ALL), seeds, replay_with=_REPLAY)


def main() -> int:
    """Exit status 0 if every promise held, else 1 with the story."""
    if os.environ.get("SEED"):
        story, kept = tell_seed(Scenario(ALL), int(os.environ["SEED"]))
        print(story)
        print("every promise was kept" if kept else "")
        return 0 if kept else 1
    schedules = int(os.environ.get("SCHEDULES") or 20_000)
    first = int(os.environ.get("FIRST_SEED") or 1)
    parts = [range(at, min(at + _PART, first + schedules)) for at in range(first, first + schedules, _PART)]
    began = told = time.perf_counter()
    total = Report()
    with multiprocessing.Pool(int(os.environ.get("PROCESSES") or 2)) as pool:
        for report, story in pool.imap_unordered(_part, parts):
            total.add(report)
            total.seconds = time.perf_counter() - began
            if story:
                pool.terminate()
                print(story)
                print(total)
                return 1
            if time.perf_counter() - told > _TELL_EVERY_SECONDS:
                told = time.perf_counter()
                print(f"{total.schedules:,} of {schedules:,} schedules, no violation", flush=True)
    print(total)
    table, kept = every_fault.told()
    print(f"\nevery fault at every point, and all pairs on the core path:\n{table}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
