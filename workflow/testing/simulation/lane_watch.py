"""Promise 9 at every moment: after each write, who runs and who waits by the entities' own states, and what a start saw
before it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from workflow.definition.definition import Lane
from workflow.engine.decide import Command, decide
from workflow.engine.entity import Entity
from workflow.engine.events import Event, fold
from workflow.engine.place import LaneKey, Place
from workflow.errors import Refused
from workflow.runtime.lane_ports import InLane
from workflow.runtime.ports import Write
from workflow.testing.simulation.lane_looks import Look, Schedulers, Stand
from workflow.testing.simulation.lane_order import Order, key_in, order_in
from workflow.testing.simulation.log import Key
from workflow.testing.simulation.scheduler import Actor, find_current

if TYPE_CHECKING:
    from workflow.testing.simulation.world import World


class LaneWatch:
    """Looks at all lanes after each write to the table. Who was put somewhere by hand is not held against anybody."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.stands: dict[Key, Stand] = {}
        self.by_framework: set[Key] = set()
        self.by_hand = False
        self.starts = 0
        self.looks_at_rest: Counter[str] = Counter()
        self.schedulers = Schedulers()
        self._told: dict[tuple[Actor | None, str, str], int] = {}
        self._looks: dict[tuple[Actor | None, LaneKey], Look] = {}
        self._sent: dict[str, Look] = {}

    def tell_limit(self, name: str, key: str, limit: int) -> None:
        """The actor was told how many of the key may run."""
        self._told[(find_current(), name, key)] = limit

    def note_look(self, lane: LaneKey, asked_for: int) -> None:
        """The actor reads the lane now."""
        waiting = sorted(self._waiting(lane))
        versions = {key: self._world.table.version(key) for _, key in waiting}
        before = self._looks.get((find_current(), lane))
        if before is not None and asked_for > before.asked_for:
            # It reads further, since somebody has refused.
            versions |= before.first_versions
            asked_for = before.asked_for
        running = sum(self.stands[key].lane == lane for key in self.by_framework)
        self._looks[(find_current(), lane)] = Look(asked_for, running, waiting, versions, self._limit(lane))
        actor = find_current()
        if actor is not None and asked_for:
            self.schedulers.note(actor)

    def _waiting(self, lane: LaneKey) -> list[tuple[Order, Key]]:
        found = []
        for key, stand in self.stands.items():
            entity = self._world.table.entity(key)
            if stand.lane == lane and not stand.runs and entity is not None and key not in self._world.log.tainted:
                found.append((order_in(self._declared(lane), entity, stand.since), key))
        return found

    def _limit(self, lane: LaneKey) -> int:
        declared = self._declared(lane)
        if not declared.limit_function:
            return declared.limit
        return self._told.get((find_current(), declared.limit_function, lane.key), 0)

    def _declared(self, lane: LaneKey) -> Lane:
        return self._world.definition(lane.kind).lanes[lane.lane]

    def note_sent(self, write: Write) -> None:
        """The actor sends the write: it may arrive long after, and not by the actor's own hand."""
        if write.after.place is not None and not write.after.place.is_waiting:
            look = self._looks.get((find_current(), write.after.place.at(write.event.kind)))
            if look is not None:
                self._sent.setdefault(write.token, look)

    def note_commit(self, write: Write) -> None:
        """The write was made."""
        event = write.event
        key = (event.kind, event.entity_id)
        before = self.stands.get(key)
        self._follow(key, event)
        after = self.stands.get(key)
        if after is not None and after.runs and (before is None or not before.runs or before.lane != after.lane):
            self._check_start(key, write, after)
        self.check_rows()

    def _follow(self, key: Key, event: Event) -> None:
        entity, before = self._world.table.entity(key), self.stands.pop(key, None)
        assert entity is not None
        lane = self._world.definition(key[0]).lane_of.get(entity.state)
        if lane is None:
            self.by_framework.discard(key)
            return
        runs = entity.state == lane.running
        if before is not None and runs and before.runs and before.lane.lane == lane.name:
            # The slot that it holds is what counts, whatever has become of its data.
            self.stands[key] = before
            return
        at = LaneKey(key[0], lane.name, key_in(lane, entity))
        stays = before is not None and before.lane == at and before.runs == runs
        self.stands[key] = Stand(at, runs, before.since if before is not None and stays else event.at)
        (self.by_framework.add if runs else self.by_framework.discard)(key)

    def _check_start(self, key: Key, write: Write, stand: Stand) -> None:
        log, look = self._world.log, self._sent.get(write.token)
        self.starts += 1
        if look is None and key in log.tainted:
            # Written by hand out of the running state and fired back: the slot was never given back.
            self.by_framework.discard(key)
            return
        if look is not None:
            self.stands[key] = stand = stand._replace(told=look.told)
        others = [other for other in self.by_framework if self.stands[other].lane == stand.lane]
        allowed = max(self.stands[other].told for other in others)
        if len(others) > allowed:
            log.breach(9, f"{len(others)} run in the {stand.lane}, of at most {allowed}: {_named(others)}")
        elif look is None:
            log.breach(9, f"{' '.join(key)} was started in the {stand.lane}, at which nobody had looked")
        elif look.running + look.started >= look.told and key not in log.tainted:
            ran = f"{look.running + look.started} of at most {look.told} ran"
            log.breach(9, f"{' '.join(key)} was started in the {stand.lane}, where {ran} when it was looked at")
        elif write.event.by.startswith("lane:"):
            self._check_turn(key, look, stand)
        if look is not None:
            look.started += 1

    def _check_turn(self, key: Key, look: Look, stand: Stand) -> None:
        """Whoever came before it at the look, by what they themselves say, has refused since."""
        if key in self._world.log.tainted or self.by_hand:
            return
        own = next((order for order, other in look.waiting if other == key), None)
        if own is None:
            self._world.log.breach(9, f"{' '.join(key)} was started, and did not wait in the {stand.lane} at the look")
            return
        for order, other in look.waiting:
            if order < own and not self._has_refused(other, look.first_versions[other], stand):
                text = f"{' '.join(key)} was started in the {stand.lane}, and {' '.join(other)} comes before it"
                self._world.log.breach(9, text)

    def _has_refused(self, key: Key, first_version: int, stand: Stand) -> bool:
        history = self._world.table.history(key)
        versions = range(first_version, len(history) + 1)
        return any(not self.accepts(fold(history[:version]), stand.lane) for version in versions)

    def accepts(self, entity: Entity | None, lane: LaneKey) -> bool:
        """Whether the entity waits in the lane and would be started."""
        declared = self._declared(lane)
        if entity is None or entity.state != declared.waiting or key_in(declared, entity) != lane.key:
            return False
        command = Command(declared.trigger, {}, "id", "checker", "")
        now = self._world.runtime.clock.now()
        return not isinstance(decide(self._world.runtime.machine(lane.kind), entity, command, now), Refused)

    def would_have_started(self, key: Key, stand: Stand) -> bool:
        """Whether it would have been started at any time since it came to wait there."""
        history = self._world.table.history(key)
        while history and self.accepts(fold(history), stand.lane):
            history = history[:-1]
        # What it left to come here, or nothing; a clock that is wrong must not tell since when it waits.
        return not history or history[-1].target != self._declared(stand.lane).waiting

    def note_by_hand(self, key: Key, *, moved: bool = True) -> None:
        """Somebody wrote past the framework to the entity, or (not `moved`) to its row."""
        self.by_hand = True
        entity = self._world.table.entity(key)
        before = self.stands.pop(key, None)
        if not moved:
            if before is not None:
                self.stands[key] = before
            self.by_framework.discard(key)
            return
        lane = self._world.definition(key[0]).lane_of.get(entity.state) if entity else None
        if entity is None or lane is None:
            self.by_framework.discard(key)
            return
        runs = entity.state == lane.running
        stays = before is not None and before.runs == runs and before.lane.lane == lane.name
        at = before.lane if before is not None and stays else LaneKey(key[0], lane.name, key_in(lane, entity))
        since = before.since if before is not None and stays else entity.changed_at
        self.stands[key] = Stand(at, runs, since)
        if not (stays and key in self.by_framework):
            self.by_framework.discard(key)

    def check_rows(self, *, always: bool = False) -> None:
        """Rows and entities say the same, and what the entities say is so."""
        if self.by_hand and not always:
            return
        table, rows = self._world.table, list(self._world.table.lane_rows())
        own: list[tuple[LaneKey, InLane]] = []
        for key in table.entity_keys():
            entity = table.entity(key)
            if entity is not None and entity.place is not None:
                own.append((entity.place.at(entity.kind), InLane(entity.id, entity.place)))
        if sorted(own) != sorted(rows):
            missing, extra = [x for x in own if x not in rows], [x for x in rows if x not in own]
            self._world.log.breach(
                9, f"of the entities' places these have no row: {missing}; these rows nobody: {extra}"
            )
        for key, stand in {**dict.fromkeys(table.entity_keys()), **self.stands}.items():
            self._check_place(key, stand)

    def _check_place(self, key: Key, stand: Stand | None) -> None:
        entity = self._world.table.entity(key)
        place = entity.place if entity else None
        if self.by_hand:
            # What was mended is somewhere since another moment, and maybe in another slot.
            fits = (place is None) == (stand is None) and (place is None or place.is_waiting != _runs(stand))
        else:
            fits = _as_stand(key, place) == (stand and stand._replace(told=0))
        if not fits:
            self._world.log.breach(9, f"{entity!r} stands at {place}, and by its state and history it is {stand}")


def _runs(stand: Stand | None) -> bool:
    return stand is not None and stand.runs


def _as_stand(key: Key, place: Place | None) -> Stand | None:
    return Stand(place.at(key[0]), not place.is_waiting, place.since) if place else None


def _named(keys: list[Key]) -> str:
    return ", ".join(sorted(" ".join(key) for key in keys))
