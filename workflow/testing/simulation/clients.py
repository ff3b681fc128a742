"""People and programs that ask for things: each is an actor with commands, made up by fate or given as a script."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from workflow.definition.definition import CREATE
from workflow.engine.entity import Entity
from workflow.errors import ContentionError, EffectNotParkedError, Refused, Retryable, ThrottledError
from workflow.runtime.accepted import Accepted
from workflow.runtime.ask import Ask
from workflow.runtime.fire import create, fire
from workflow.runtime.ledger_entry import LedgerEntry
from workflow.runtime.people import pause, redrive, resume, skip
from workflow.testing.simulation.fate import Odds
from workflow.testing.simulation.log import Call, Key
from workflow.testing.simulation.payloads import payload_for, trigger_from
from workflow.testing.simulation.scheduler import SECOND

if TYPE_CHECKING:
    from workflow.testing.simulation.world import World

_ATTEMPTS = 5
_THINKS = (0.0, 0.05, 1.0, 8.0, 65.0, 700.0)
_THINK_ODDS = Odds(6, 6, 4, 2, 3, 1)


@dataclass(frozen=True)
class Command:
    """One thing a client does: `what` is create, fire, wait, write_raw, delete_raw, delete_row, pause, resume,
    redrive, skip, sweep, rush or trim.

    `same_as_before` repeats the request before it, under its request id; with another payload if one is given.
    """

    what: str
    kind: str = ""
    id: str = ""
    trigger: str = ""
    payload: dict[str, object] = field(default_factory=dict)
    request_id: str = ""
    holds: bool = False
    seconds: float = 0.0
    hook: str = ""


class Client:
    """Asks for one thing after another, and asks again with the same request id where it got no clear answer."""

    def __init__(self, world: World, name: str) -> None:
        self._world, self._name = world, name
        self._held: dict[Key, Entity] = {}
        self._asked: list[Ask] = []

    def run(self, commands: Iterable[Command]) -> None:
        """Does all of them, in order."""
        for command in commands:
            name = "ask" if command.what in ("create", "fire", "repeat") else command.what
            getattr(self, f"_{name}")(command)

    def _ask(self, command: Command) -> None:
        ask = self._ask_of(command)
        number = self._world.next_command()
        attempts = _ATTEMPTS if ask.request_id else 1
        for attempt in range(1, attempts + 1):
            call = self._call(replace(ask, by=f"{self._name}/{number}.{attempt}"), number)
            if call.answer in ("accepted", "refused"):
                break
            if attempt < attempts:
                self._world.scheduler.sleep(round((0.1, 1.0, 5.0, 30.0)[attempt - 1] * SECOND))
        if ask.request_id and command.what != "repeat":
            self._asked.append(ask)

    def _ask_of(self, command: Command) -> Ask:
        if command.what == "repeat":
            if not self._asked:
                return Ask(command.kind, command.id, command.trigger or CREATE, command.payload)
            earlier = self._asked[-1]
            return replace(earlier, payload=command.payload) if command.payload else earlier
        trigger = CREATE if command.what == "create" else command.trigger
        held = self._held.get((command.kind, command.id)) if command.holds else None
        return Ask(command.kind, command.id, trigger, command.payload, command.request_id, held=held)

    def _call(self, ask: Ask, command: int) -> Call:
        world, key = self._world, (ask.kind, ask.entity_id)
        call = Call(command, ask, world.table.version(key))
        world.log.calls.append(call)
        world.tell(f"asks for {ask}" + (f" under {ask.request_id!r}" if ask.request_id else "") + _given(ask))
        try:
            accepted = (create if ask.trigger == CREATE else fire)(world.runtime, ask)
        except Refused as error:
            call.answer, call.error = "refused", error
        except (ContentionError, ThrottledError) as error:
            call.answer, call.error = "not written", error
        except Retryable as error:
            call.answer, call.error = "unknown", error
        else:
            self._accepted(call, accepted)
        call.last_version = world.table.version(key)
        world.tell(f"is told: {_told(call)}")
        return call

    def _accepted(self, call: Call, accepted: Accepted) -> None:
        call.answer = "accepted"
        call.event, call.entity, call.repeated = accepted.event, accepted.entity, accepted.repeated
        self._held[(call.ask.kind, call.ask.entity_id)] = accepted.entity

    def _wait(self, command: Command) -> None:
        self._world.scheduler.sleep(round(command.seconds * SECOND))

    def _write_raw(self, command: Command) -> None:
        world, key = self._world, (command.kind, command.id)
        if world.table.entity(key) is None:
            return
        state = command.trigger
        world.table.write_raw(key, state, raises_version=command.holds)
        world.tell(f"writes {command.kind} {command.id} by hand: {state!r}, version {world.table.version(key)}")

    def _delete_raw(self, command: Command) -> None:
        key = (command.kind, command.id)
        if self._world.table.entity(key) is not None:
            self._world.table.delete_raw(key)
            self._world.tell(f"deletes {command.kind} {command.id} by hand")

    def _delete_row(self, command: Command) -> None:
        for lane, row in list(self._world.table.lane_rows()):
            if (lane.kind, row.entity_id) == (command.kind, command.id):
                self._world.table.delete_row_raw(lane, row)
                self._world.tell(f"deletes the row of {row.entity_id} in {lane} by hand")

    def _rush(self, command: Command) -> None:
        self._world.rush.start()

    def _pause(self, command: Command) -> None:
        self._world.tell(f"pauses {command.hook!r}")
        self._try(lambda: pause(self._world.runtime, command.hook, "to look at it", self._name))

    def _resume(self, command: Command) -> None:
        self._world.tell(f"resumes {command.hook!r}")
        self._try(lambda: list(resume(self._world.runtime, command.hook)))

    def _redrive(self, command: Command) -> None:
        for entry in self._parked():
            self._world.tell(f"redrives {entry}")
            self._try(partial(redrive, self._world.runtime, entry))

    def _skip(self, command: Command) -> None:
        for entry in self._parked()[:1]:
            hook = entry.first_open
            self._world.tell(f"skips {hook!r} of {entry}")
            self._world.log.skipped.add(f"{entry.kind}#{entry.entity_id}#{entry.version}#{hook}")
            self._try(partial(skip, self._world.runtime, entry, "no longer needed", self._name))

    def _parked(self) -> list[LedgerEntry]:
        found: list[LedgerEntry] = []
        self._try(lambda: found.extend(self._world.runtime.ledger.parked()))
        return [entry for entry in found if entry.parked and entry.parked.next_at is None]

    def _sweep(self, command: Command) -> None:
        self._world.start_sweep()

    def _trim(self, command: Command) -> None:
        if not self._world.profile.is_fair:
            self._world.trim()

    def _try(self, work: Callable[[], object]) -> None:
        try:
            work()
        except (Retryable, EffectNotParkedError) as error:
            self._world.tell(f"is told: {error}")


def _given(ask: Ask) -> str:
    held = f", holding version {ask.held.version}" if ask.held else ""
    return f" with {dict(ask.payload)!r}{held}" if ask.payload else held


def _told(call: Call) -> str:
    if call.event is not None:
        return f"accepted, version {call.event.version}" + (" (repeated)" if call.repeated else "")
    return f"{call.answer}: {type(call.error).__name__}: {call.error}"


_WHAT = ("fire", "fire", "repeat", "redrive", "skip", "pause", "resume", "sweep", "write_raw", "reuse", "trim")
_WHAT_ODDS = Odds(30, 0, 5, 4, 1, 1, 2, 3, 1, 1, 1)
_IN_LANES = (*_WHAT, "rush", "delete_raw", "delete_row")
_IN_LANES_ODDS = Odds(30, 0, 4, 3, 1, 1, 1, 2, 0, 1, 1, 1, 0, 0)
_BY_HAND_ODDS = Odds(30, 0, 4, 3, 1, 1, 1, 2, 4, 1, 1, 1, 1, 2)


def commands_by_fate(world: World, count: int) -> Iterator[Command]:
    """So many commands on the world's entities, each made up when its turn comes."""
    fate = world.fate
    for _ in range(count):
        seconds = _THINKS[fate.weighted(_THINK_ODDS)]
        if seconds:
            yield Command("wait", seconds=seconds)
        kind, entity_id = world.entities[fate.choose(len(world.entities))]
        if world.table.entity((kind, entity_id)) is None and not fate.happens(10):
            data = payload_for(world, (kind, ""), "")
            yield Command("create", kind, entity_id, payload=data, request_id=_request_id(world))
            continue
        yield _command(world, kind, entity_id, _what(world))


def rushes_by_fate(world: World) -> Iterator[Command]:
    """Entities that come to wait in lanes, all at once, and a rush of those who start them."""
    for kind, entity_id in world.entities[: 2 + world.fate.choose(len(world.entities))]:
        if world.table.entity((kind, entity_id)) is None:
            yield Command("create", kind, entity_id, payload=payload_for(world, (kind, ""), ""))
    yield Command("rush")
    yield Command("wait", seconds=_THINKS[world.fate.weighted(_THINK_ODDS)])
    yield Command("rush")


def _what(world: World) -> str:
    if not (world.is_crowded and world.lane_watch):
        return _WHAT[world.fate.weighted(_WHAT_ODDS)]
    return _IN_LANES[world.fate.weighted(_BY_HAND_ODDS if world.lanes_by_hand else _IN_LANES_ODDS)]


def _request_id(world: World) -> str:
    return f"request {world.next_request()}" if world.fate.choose(3) else ""


def _command(world: World, kind: str, entity_id: str, what: str) -> Command:
    fate = world.fate
    trigger = trigger_from(world, (kind, entity_id))
    payload = payload_for(world, (kind, entity_id), trigger)
    if what == "write_raw":
        states = list(world.definition(kind).states)
        state = states[fate.choose(len(states))]
        return Command(what, kind, entity_id, state, holds=bool(fate.choose(2)))
    if what in ("pause", "resume"):
        hooks = sorted(world.definition(kind).hooks) or ["none"]
        return Command(what, hook=hooks[fate.choose(len(hooks))])
    if what == "reuse":
        return Command("repeat", kind, entity_id, trigger, {"unheard_of": world.next_request()})
    if what != "fire":
        return Command(what, kind, entity_id, trigger, {})
    return Command(what, kind, entity_id, trigger, payload, request_id=_request_id(world), holds=fate.happens(3))
