"""`make mutants`: breaks the code in each of the named ways, and plays schedules until one tells."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time

from tests.mutants.all import ALL
from tests.mutants.hunt import Hunt, hunt

_HEADS = ("mutant", "promise", "schedules", "the first line of the shrunk story")
_NAME_WIDTH = max(len(mutant.name) for mutant in ALL)
_LINE_WIDTH = 110


def main() -> int:
    """Exit status 0 if every mutant was killed, else 1."""
    wanted = os.environ.get("MUTANT", "")
    mutants = [mutant for mutant in ALL if wanted in mutant.name]
    most = int(os.environ.get("SCHEDULES") or 5_000)
    began = time.perf_counter()
    with multiprocessing.Pool(int(os.environ.get("PROCESSES") or 2)) as pool:
        print(_row(*_HEADS), flush=True)
        hunts = []
        for one in pool.imap_unordered(_hunt, [(ALL.index(mutant), most) for mutant in mutants], chunksize=1):
            hunts.append(one)
            print(_row(one.name, str(one.promise or "-"), str(one.schedules), _told(one)), flush=True)
            if wanted:
                print(f"\n{one.story}\n")
    alive = [one.name for one in hunts if not one.is_killed]
    print(f"{len(hunts) - len(alive)} of {len(hunts)} mutants killed in {time.perf_counter() - began:.0f} s")
    if alive:
        print(f"ALIVE: {', '.join(alive)}")
    return 1 if alive else 0


def _hunt(task: tuple[int, int]) -> Hunt:
    place, most = task
    return hunt(ALL[place], most)


def _told(one: Hunt) -> str:
    line = one.story.partition("\n")[0] if one.promise else "SURVIVED"
    return line if len(line) <= _LINE_WIDTH else line[: _LINE_WIDTH - 3] + "..."


def _row(name: str, promise: str, schedules: str, line: str) -> str:
    return f"{name:<{_NAME_WIDTH}}  {promise:>7}  {schedules:>9}  {line}"


if __name__ == "__main__":
    sys.exit(main())
