"""`make sim`: many schedules of the shipped definitions, a nasty made-up one, and lanes, on all processors."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time

from tests.simulation import every_fault
from tests.simulation.scenarios import SIMULATED, STORIES, get_scenario
from workflow.testing.simulation import Report, run_seeds, tell_seed

_REPLAY = "make sim SCENARIO={name} SEED={{seed}}"
_TITLES = {
    "all": "the shipped kinds and a nasty one",
    "lanes": "a kind with three lanes, and many who start who is next",
    "undo": "a kind of which everything can be undone",
    "views": "the shipped kinds and the nasty one, behind streams that do not show both images",
    "batches": "the nasty kind, with hooks that take several effects at once",
}
_TELL_EVERY_SECONDS = 30
_PART = 250


def _part(part: tuple[str, range]) -> tuple[Report, str]:
    name, seeds = part
    return run_seeds(get_scenario(name), seeds, replay_with=_REPLAY.format(name=name))


def main() -> int:
    """Exit status 0 if every promise held, else 1 with the story."""
    wanted = os.environ.get("SCENARIO") or ""
    if os.environ.get("SEED"):
        story, kept = tell_seed(get_scenario(wanted or "all"), int(os.environ["SEED"]))
        print(story)
        print("every promise was kept" if kept else "")
        return 0 if kept else 1
    schedules = int(os.environ.get("SCHEDULES") or 20_000)
    for name in [wanted] if wanted else [*SIMULATED, *STORIES]:
        # In lanes many act at once, so that a schedule is as long as several others; a story is one kind of many.
        many = schedules if wanted or name == "all" else schedules // (10 if name in STORIES else 4)
        if not _is_kept(name, many):
            return 1
    if wanted:
        return 0
    table, kept = every_fault.told()
    print(f"\nevery fault at every point, and all pairs on the core path:\n{table}")
    return 0 if kept else 1


def _is_kept(name: str, schedules: int) -> bool:
    first = int(os.environ.get("FIRST_SEED") or 1)
    parts = [(name, range(at, min(at + _PART, first + schedules))) for at in range(first, first + schedules, _PART)]
    began = told = time.perf_counter()
    total = Report()
    title = f"the story {name!r}" if name in STORIES else _TITLES[name]
    print(f"\n{title}:", flush=True)
    with multiprocessing.Pool(int(os.environ.get("PROCESSES") or 2)) as pool:
        for report, story in pool.imap_unordered(_part, parts):
            total.add(report)
            total.seconds = time.perf_counter() - began
            if story:
                pool.terminate()
                print(story)
                print(total)
                return False
            if time.perf_counter() - told > _TELL_EVERY_SECONDS:
                told = time.perf_counter()
                print(f"{total.schedules:,} of {schedules:,} schedules, no violation", flush=True)
    print(total)
    return True


if __name__ == "__main__":
    sys.exit(main())
