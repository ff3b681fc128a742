"""However the stream splits, repeats and loses batches: each effect is committed once, in order (promises 4 to 7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.clock import FakeClock
from tests.properties.strategies import HOOKS, Asked, asks, definitions_of_a_kind
from workflow import Definitions, Effect, Refused, Workflow, hook
from workflow.definition.definition import Definition, HookUse, Retry
from workflow.runtime.changes import Change
from workflow.runtime.deliver import Deliverer
from workflow.runtime.ledger_entry import LedgerEntry
from workflow.runtime.sweep import Sweeper
from workflow.testing import MemoryLedger, MemoryStore

_ENTITIES = ("1", "#2", "drei ü 🚚")


class Crash(KeyboardInterrupt):
    """The process is gone in the middle of a hook: nobody hears of it."""


class CountingLedger(MemoryLedger):
    """Keeps a list of the effects committed as done."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[tuple[str, int, str]] = []

    def commit(self, owner: str, after: LedgerEntry, hook: str = "") -> None:
        super().commit(owner, after, hook)
        if hook and after.outcomes[hook].status == "done":
            self.done.append((after.entity_id, after.version, hook))


NEVER_ENOUGH = Retry(attempts=1000, first_seconds=30)
"""So many attempts that nothing ever waits for a person."""


class World:
    """A workflow whose hooks do what fate says, and a stream that is at least once."""

    def __init__(self, definition: Definition, fate: Iterator[str]) -> None:
        self.store, self.ledger, self.clock = MemoryStore(), CountingLedger(), FakeClock()
        self.store.ledger = self.ledger
        definition = patient(definition)
        self.started: list[tuple[str, int, str]] = []
        self.fate = fate
        self.flow = Workflow(
            Definitions((definition,)),
            self.store,
            ledger=self.ledger,
            handlers=[self._hook(name) for name in HOOKS],
            clock=self.clock,
        )

    def _hook(self, name: str) -> Any:
        @hook(name=name)
        def fated(effect: Effect) -> None:
            self.started.append((effect.id, effect.version, name))
            fate = next(self.fate, "well")
            if fate == "fails":
                raise ValueError("as fate had it")
            if fate == "crashes":
                raise Crash
            if fate == "fires":
                with suppress(Refused):
                    effect.fire("go", {"count": 1, "text": "long"})

        return fated

    def ask(self, asked: list[Asked]) -> None:
        for name in _ENTITIES:
            self.flow.create("kind", name)
        for one in asked:
            with suppress(Refused):
                self.flow.fire("kind", one.entity, one.trigger, one.payload)

    def sweep(self) -> bool:
        """One sweep; whether anything is left that it should do."""
        try:
            Sweeper(self.flow.runtime, workers=1).sweep(until=self.clock.now() + timedelta(seconds=60))
        except Crash:
            pass
        finally:
            self.clock.advance(700)
        return any(entry.parked for name in _ENTITIES for entry in self.flow.effects("kind", name))

    def deliver(self, changes: list[Change]) -> list[Change] | None:
        """One invocation; None if the process crashed in it."""
        until = self.clock.now() + timedelta(seconds=60)
        try:
            return Deliverer(self.flow.runtime, workers=1).deliver(changes, until=until).failed
        except Crash:
            return None
        finally:
            self.clock.advance(70)

    def drain(self, sizes: Iterator[int], answers: Iterator[bool], sweeps: Iterator[bool]) -> None:
        """Delivers the stream in batches, and sweeps in between and in the end until nothing is left; a batch comes
        again from its first failure, or whole if its answer is lost."""
        at, turns, left = 0, 0, True
        while (changes := list(self.store.changes(at))) or left:
            turns += 1
            assert turns < 2000, "it never comes to rest"
            if not changes or next(sweeps, False):
                left = self.sweep()
            if changes:
                batch, left = changes[: next(sizes, 100)], True
                failed = self.deliver(batch)
                if failed is not None and next(answers, True):
                    at = min(int(change.position) for change in failed) - 1 if failed else at + len(batch)


def _owed(world: World, definition: Definition) -> list[tuple[str, int, str]]:
    """What every history owes, entity by entity, in the order that promise 5 demands."""
    return [
        (name, event.version, owed)
        for name in _ENTITIES
        for event in world.flow.history("kind", name)
        for owed in definition.edges[(event.trigger, event.source, event.target)]
    ]


def patient(definition: Definition) -> Definition:
    """The definition with a retry that never ends, on entering, leaving and on the way."""

    def using(uses: tuple[HookUse, ...]) -> tuple[HookUse, ...]:
        return tuple(replace(use, retry=NEVER_ENOUGH) for use in uses)

    states = {
        name: replace(state, on_enter=using(state.on_enter), on_exit=using(state.on_exit))
        for name, state in definition.states.items()
    }
    transitions = tuple(replace(one, effects=using(one.effects)) for one in definition.transitions)
    return replace(definition, states=states, transitions=transitions)


fates = st.lists(st.sampled_from(["well", "well", "fails", "crashes", "fires"]), max_size=30)


@settings(max_examples=150, deadline=None)
@given(
    definitions_of_a_kind(),
    st.lists(asks, max_size=20),
    fates,
    st.lists(st.integers(1, 6), max_size=30),
    st.lists(st.booleans(), max_size=30),
    st.lists(st.booleans(), max_size=30),
)
def test_each_effect_is_committed_once_and_begun_in_order_however_the_stream_behaves(
    definition: Definition,
    asked: list[Asked],
    fate: list[str],
    sizes: list[int],
    answers: list[bool],
    sweeps: list[bool],
) -> None:
    world = World(definition, iter(fate))
    world.ask(asked)
    world.drain(iter(sizes), iter(answers), iter(sweeps))
    owed = _owed(world, definition)
    assert Counter(world.ledger.done) == Counter(owed)
    for name in _ENTITIES:
        first_starts = list(dict.fromkeys(start for start in world.started if start[0] == name))
        assert first_starts == [one for one in owed if one[0] == name]
        assert world.flow.violations("kind", name) == []
        assert all(entry.settled and not entry.parked for entry in world.flow.effects("kind", name))


@settings(max_examples=60, deadline=None)
@given(definitions_of_a_kind(), st.lists(asks, max_size=20), st.data())
def test_versions_that_the_stream_lost_are_made_up_from_the_history(
    definition: Definition, asked: list[Asked], data: st.DataObject
) -> None:
    world = World(definition, iter(()))
    world.ask(asked)
    seen: dict[str, Change] = {}
    kept = [
        change
        for change in world.store.changes()
        if change.version == world.flow.get("kind", change.entity_id).version or data.draw(st.booleans())
    ]
    for change in kept:
        last = seen.get(change.entity_id)
        joined = change
        if last is None or last.version < change.before_version:
            joined = change._replace(
                before_version=last.version if last else 0,
                source=last.target if last else "",
                follows=last.snapshots.after().owing if last else 0,
                snapshots=_Joined(last, change),
            )
        seen[change.entity_id] = change
        assert world.deliver([joined]) == []
    owed = _owed(world, definition)
    assert Counter(world.ledger.done) == Counter(owed)
    for name in _ENTITIES:
        assert [start for start in world.started if start[0] == name] == [one for one in owed if one[0] == name]
        assert world.flow.violations("kind", name) == []


class _Joined:
    """OLD of one change and NEW of a later one."""

    def __init__(self, first: Change | None, last: Change) -> None:
        self._first, self._last = first, last

    def before(self) -> Any:
        return self._first.snapshots.after() if self._first else None

    def after(self) -> Any:
        return self._last.snapshots.after()
