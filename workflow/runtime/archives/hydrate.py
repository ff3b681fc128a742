"""Hydrate: build a table from histories, as if all of it had happened there, and run no hook for it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, TypeVar

from workflow.engine.entity import Entity
from workflow.errors import HistoryConflictError, TooLargeError
from workflow.runtime.again import again
from workflow.runtime.archives.bulk import Bulk, Found, Key, Load, Standing
from workflow.runtime.archives.line import Kept, LineError
from workflow.runtime.archives.loads import load_of
from workflow.runtime.archives.parts import Line
from workflow.runtime.archives.source import Source
from workflow.runtime.archives.work import Busy, work_through
from workflow.runtime.home import away
from workflow.runtime.lane_view import misplaced
from workflow.runtime.mend_lane import mend_place
from workflow.runtime.runtime import Runtime
from workflow.runtime.start_waiting import watch_lane

WORKERS = 4
_ATTEMPTS = 10
_MOST_TOLD = 1000

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


@dataclass(slots=True)
class Hydrated:
    """What came of it: how many entities were loaded, were there already, or have moved on since; how many were put
    back into lanes, and checked at the end. `told` says what was not loaded and why, at most a thousand of `wrong`.
    `opened` counts effects that were still owed when they were archived; `unknown` entities by a definition version
    that is not loaded here."""

    lines: int = 0
    loaded: int = 0
    there: int = 0
    moved_on: int = 0
    placed: int = 0
    checked: int = 0
    events: int = 0
    opened: int = 0
    wrong: int = 0
    told: list[str] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)

    def tell(self, what: str) -> None:
        """Counts something wrong, and keeps what it is."""
        self.wrong += 1
        if len(self.told) < _MOST_TOLD:
            self.told.append(what)


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
        for is_running in (True, False):
            if self._in_lanes[is_running]:
                self._pass(PLACING, partial(self._place, is_running=is_running))
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
                met_late[load.key] = f"{_name(load)}: it is there without its first event; restore or remove it"
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
                return set(), {loads[0].key: f"{_name(loads[0])}: {error}; it was left out"}
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
            what = _met(load, standing[load.key])
            if what:
                met[load.key] = what
            else:
                new.append(load)
        return new, met

    def _count(self, found: Mapping[Key, _Read], met: Mapping[Key, str]) -> None:
        with self._lock:
            said = Counter(met.values())
            self._hydrated.there += said[_SAME]
            self._hydrated.moved_on += said[_MOVED_ON]
            self._hydrated.loaded += len(found) - len(met)
            for key, read in found.items():
                self._note(read.kept, kept_new=key not in met)
            wrong = {key: what for key, what in met.items() if what not in (_SAME, _MOVED_ON)}
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
        if self._in_lane(kept):
            self._in_lanes[self._runs(kept)] += 1

    def _in_lane(self, kept: Kept) -> bool:
        definition = self._runtime.get_definition(kept.entity.kind)
        return kept.place is not None or kept.entity.state in definition.lane_of

    def _runs(self, kept: Kept) -> bool:
        if kept.place is not None:
            return not kept.place.is_waiting
        lane = self._runtime.get_definition(kept.entity.kind).lane_of[kept.entity.state]
        return lane.running == kept.entity.state

    def _readable(self, lines: Sequence[Line]) -> list[Kept]:
        found = []
        for line in lines:
            try:
                found.append(self._read(line))
            except LineError:
                # Told when it was to be loaded.
                continue
        return found

    def _place(self, lines: Sequence[Line], is_running: bool) -> None:
        for kept in self._readable(lines):
            is_meant = self._in_lane(kept) and self._runs(kept) == is_running
            if is_meant and self._is_put_back(kept):
                with self._lock:
                    self._hydrated.placed += 1

    def _is_put_back(self, kept: Kept) -> bool:
        try:
            return self._again(partial(self._put_back, kept))
        except HistoryConflictError:
            # Damaged, and told when it was met.
            return False

    def _put_back(self, kept: Kept) -> bool:
        """Gives the entity the place that it had, or that its state asks for; not if it has one or has moved on."""
        runtime, kind, entity_id, place = self._runtime, kept.entity.kind, kept.entity.id, kept.place
        entity = runtime.store.find_entity(kind, entity_id)
        if entity is None or entity.event_id != kept.entity.event_id:
            return False
        if entity.place is not None:
            if entity.place.is_waiting:
                # One that was interrupted may have come no further than to the place.
                watch_lane(runtime, entity.place.at(kind))
            return False
        fits = place is not None and not misplaced(runtime.definitions, kind, entity.state, place)
        if place is None or not fits or not runtime.store.move_in_lane(entity, place):
            return mend_place(runtime, kind, entity_id)
        if place.is_waiting:
            # No event tells of it, to bring somebody who looks.
            watch_lane(runtime, place.at(kind))
        return True

    def _check(self, lines: Sequence[Line]) -> None:
        now = self._runtime.clock.now()
        loads: dict[Key, Load] = {}
        for kept in self._readable(lines):
            load = load_of(kept, self._runtime.definitions, now)
            loads.setdefault(load.key, load)
        if not loads:
            return
        found = self._again(lambda: self._bulk.histories(list(loads.values())))
        wrong = {key: what for key, load in loads.items() if (what := _difference(load, found[key]))}
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


_SAME, _MOVED_ON = "same", "moved on"


def _name(load: Load) -> str:
    return " ".join(load.key)


def _met(load: Load, standing: Standing) -> str:
    """What stands in the way of writing the load; '' if nothing does."""
    entity, own = standing.entity, load.entity
    if standing.damaged:
        return _damaged(load, standing.damaged)
    if entity is None:
        return _another(load) if standing.first not in ("", load.events[0].id) else ""
    if entity.version == own.version and _is_same(entity, own):
        return _SAME
    if entity.version > own.version and standing.last == own.event_id:
        return _MOVED_ON
    return _another(load, entity)


def _is_same(entity: Entity, own: Entity) -> bool:
    # Where in a lane it stands is settled after the loading.
    return entity._replace(place=None) == own


def _another(load: Load, entity: Entity | None = None) -> str:
    at = f"at version {entity.version}" if entity else "without an entity"
    return (
        f"{_name(load)}: it is there {at} with another history than the {load.entity.version} events to be loaded; "
        f"it was left alone"
    )


def _damaged(load: Load, what: str) -> str:
    return f"{_name(load)}: it is there and cannot be read: {what}; it was left alone"


def _difference(load: Load, found: Found) -> str:
    """Where what stands in the table is not what was to be loaded; '' if it is."""
    entity, events = found.entity, found.events
    if found.damaged:
        return _damaged(load, found.damaged)
    if entity is None:
        return f"{_name(load)}: it is not there"
    if entity.version < load.entity.version or (
        entity.version == load.entity.version and not _is_same(entity, load.entity)
    ):
        return _another(load, entity)
    wrong = next((event.version for event in load.events if events.get(event.version) != event), 0)
    if not wrong:
        return ""
    if events.get(load.entity.version) != load.events[-1]:
        return _another(load, entity)
    return f"{_name(load)}: event {wrong} is not what was to be loaded"
