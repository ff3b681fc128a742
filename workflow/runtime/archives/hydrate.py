"""Hydrate: build a table from histories, as if all of it had happened there, and run no hook for it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from workflow.errors import HistoryConflictError, TooLargeError
from workflow.runtime.again import again
from workflow.runtime.archives.bulk import Bulk, Key, Load
from workflow.runtime.archives.compared import MOVED_ON, SAME, difference, hindrance, name_of
from workflow.runtime.archives.hydrated import Hydrated
from workflow.runtime.archives.line import Kept, LineError
from workflow.runtime.archives.loads import load_of
from workflow.runtime.archives.parts import Line
from workflow.runtime.archives.places import is_in_lane, is_running, put_back
from workflow.runtime.archives.source import Source
from workflow.runtime.archives.work import Busy, work_through
from workflow.runtime.home import away
from workflow.runtime.runtime import Runtime

WORKERS = 4
_ATTEMPTS = 10

LOADING, PLACING, CHECKING = "loading", "placing", "checking"
Progress = Callable[[str, int], None]
"""Is told what is being done, and of how many lines it is done by now; one call at a time."""

_Result = TypeVar("_Result")


class _Read(NamedTuple):
    line: Line
    kept: Kept

    @property
    def key(self) -> Key:
        return self.kept.entity.kind, self.kept.entity.id


def hydrate(
    runtime: Runtime,
    bulk: Bulk,
    source: Source,
    *,
    workers: int = WORKERS,
    on_progress: Progress = lambda what, lines: None,
) -> Hydrated:
    """Loads every history of the source, puts entities back into their lanes, and reads all of it again.

    May be stopped and called again at any time: what is there with the same history is left alone, and so is what has
    another one, which is told. Raises UnknownKindError before anything is written, and what bulk and store raise.
    """
    for kind in source.kinds:
        runtime.get_definition(kind)
    return _Hydration(runtime, bulk, source, workers, on_progress).run()


class _Hydration:
    def __init__(self, runtime: Runtime, bulk: Bulk, source: Source, workers: int, on_progress: Progress) -> None:
        self._runtime, self._bulk, self._source = runtime, bulk, source
        self._workers, self._on_progress = workers, on_progress
        self._lock, self._busy = threading.Lock(), Busy()
        self._in_lanes: Counter[bool] = Counter()
        # Hashes of the keys of those of which it was told while they were loaded: all of the archive in little memory.
        self._told: set[int] = set()
        self._looks_first = False
        self._done = 0
        self._hydrated = Hydrated()

    def run(self) -> Hydrated:
        """All of it, one after another."""
        self._pass(LOADING, self._load)
        # Whoever runs before whoever waits: else a sweeper would see a free slot.
        for running in (True, False):
            if self._in_lanes[running]:
                self._pass(PLACING, partial(self._place, running=running))
        self._pass(CHECKING, self._check)
        return self._hydrated

    def _pass(self, what: str, do: Callable[[Sequence[Line]], None]) -> None:
        self._done = 0

        def work(lines: Sequence[Line]) -> None:
            do(lines)
            with self._lock:
                self._done += len(lines)
                self._on_progress(what, self._done)

        tell = self._tell if what == LOADING else lambda what: None
        work_through(self._source.chunks(tell), self._workers, work)

    def _tell(self, what: str) -> None:
        with self._lock:
            self._hydrated.tell(what)

    def _load(self, lines: Sequence[Line]) -> None:
        found: list[_Read] = []
        for line in lines:
            try:
                found.append(_Read(line, self._read(line)))
            except LineError as error:
                self._source.put_aside(line, str(error))
                self._tell(f"{line}: {error}")
        with self._busy.hold({read.key for read in found}):
            while found:
                # One that comes twice is looked at again, once it is there.
                first = {read.key: read for read in reversed(found)}
                self._load_different(first)
                found = [read for read in found if first[read.key] is not read]
        with self._lock:
            self._hydrated.lines += len(lines)

    def _read(self, line: Line) -> Kept:
        kept = self._source.read(line)
        if kept.entity.kind not in self._runtime.definitions.kinds:
            raise LineError(f"there is no definition of kind {kept.entity.kind!r}")
        return _at_home(self._runtime, kept)

    def _load_different(self, found: Mapping[Key, _Read]) -> None:
        now, definitions = self._runtime.clock.now(), self._runtime.definitions
        new, met = [load_of(read.kept, definitions, now) for read in found.values()], dict[Key, str]()
        if self._looks_first:
            new, met = self._sorted(new)
        if new:
            refused, too_large = self._put(new)
            # There before, written by an earlier attempt that was not answered, or by somebody else meanwhile.
            still_new, met_late = self._sorted([load for load in new if load.key in refused])
            for load in still_new:
                met_late[load.key] = f"{name_of(load)}: it is there without its first event; restore or remove it"
            met |= too_large | met_late
        # What is there costs a look and a write that is refused, unless one looks first. It rarely comes alone.
        self._looks_first = bool(met)
        self._count(found, met)

    def _put(self, loads: Sequence[Load]) -> tuple[set[Key], dict[Key, str]]:
        """Those that were refused, and what is to be said of those with an item that is too large."""
        try:
            return set(self._again(lambda: self._bulk.put(loads))), {}
        except TooLargeError as error:
            if len(loads) == 1:
                return set(), {loads[0].key: f"{name_of(loads[0])}: {error}; it was left out"}
        refused, told = set[Key](), dict[Key, str]()
        for load in loads:
            found, too_large = self._put([load])
            refused |= found
            told |= too_large
        return refused, told

    def _sorted(self, loads: Sequence[Load]) -> tuple[list[Load], dict[Key, str]]:
        """Those to be written, and what is to be said of the others."""
        standing = self._again(lambda: self._bulk.standing(loads)) if loads else {}
        new, met = [], {}
        for load in loads:
            what = hindrance(load, standing[load.key])
            if what:
                met[load.key] = what
            else:
                new.append(load)
        return new, met

    def _count(self, found: Mapping[Key, _Read], met: Mapping[Key, str]) -> None:
        with self._lock:
            said = Counter(met.values())
            self._hydrated.there += said[SAME]
            self._hydrated.moved_on += said[MOVED_ON]
            self._hydrated.loaded += len(found) - len(met)
            for key, read in found.items():
                self._note(read.kept, kept_new=key not in met)
            wrong = {key: what for key, what in met.items() if what not in (SAME, MOVED_ON)}
            self._told |= set(map(hash, wrong))
            for what in wrong.values():
                self._hydrated.tell(what)
        for key, what in wrong.items():
            self._source.put_aside(found[key].line, what)

    def _note(self, kept: Kept, *, kept_new: bool) -> None:
        entity, definitions = kept.entity, self._runtime.definitions
        if kept_new:
            self._hydrated.events += len(kept.events)
            self._hydrated.opened += len(kept.open)
        for version in sorted({event.definition for event in kept.events}):
            if definitions.find(entity.kind, version) is None:
                self._hydrated.unknown[f"{entity.kind} version {version}"] += 1
        if is_in_lane(self._runtime, kept):
            self._in_lanes[is_running(self._runtime, kept)] += 1

    def _readable(self, lines: Sequence[Line]) -> list[Kept]:
        found = []
        for line in lines:
            try:
                found.append(self._read(line))
            except LineError:
                # Told when it was to be loaded.
                continue
        return found

    def _place(self, lines: Sequence[Line], *, running: bool) -> None:
        for kept in self._readable(lines):
            is_meant = is_in_lane(self._runtime, kept) and is_running(self._runtime, kept) == running
            if is_meant and self._is_put_back(kept):
                with self._lock:
                    self._hydrated.placed += 1

    def _is_put_back(self, kept: Kept) -> bool:
        try:
            return self._again(partial(put_back, self._runtime, kept))
        except HistoryConflictError:
            # Damaged, and told when it was met.
            return False

    def _check(self, lines: Sequence[Line]) -> None:
        now = self._runtime.clock.now()
        loads: dict[Key, Load] = {}
        for kept in self._readable(lines):
            load = load_of(kept, self._runtime.definitions, now)
            loads.setdefault(load.key, load)
        if not loads:
            return
        found = self._again(lambda: self._bulk.histories(list(loads.values())))
        wrong = {key: what for key, load in loads.items() if (what := difference(load, found[key]))}
        with self._lock:
            for key, what in wrong.items():
                if hash(key) not in self._told:
                    self._hydrated.tell(what)
            self._hydrated.checked += len(loads) - len(wrong)

    def _again(self, work: Callable[[], _Result]) -> _Result:
        return again(self._runtime.clock, _ATTEMPTS, work)


def _at_home(runtime: Runtime, kept: Kept) -> Kept:
    """The history as one that began here, if it says nowhere that it began elsewhere."""
    home, first = runtime.region, kept.events[0]
    if kept.entity.home == home:
        return kept
    if kept.entity.home:
        raise LineError(f"{away(runtime, kept.entity.home)}; load it there")
    events = [first._replace(home=home), *kept.events[1:]]
    return kept._replace(entity=kept.entity._replace(home=home), events=events)
