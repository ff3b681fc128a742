"""Ten thousand events, each delivered one to five times, in any order, by eight handlers at once."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from queue import Empty, Queue

from tests.engines import create_table, new_client
from workflow import Definitions, Effect, Workflow, hook
from workflow.aws.ledger import TableLedger
from workflow.aws.table import TableStore
from workflow.definition.definition import Definition, HookUse, State, Transition
from workflow.engine.events import fold
from workflow.runtime.changes import Change, Copies
from workflow.runtime.deliver import Deliverer
from workflow.runtime.missed import step_of
from workflow.runtime.ports import Ledger, Store
from workflow.testing import MemoryStore

_HANDLERS = 8
_STATES = ("even", "odd")
# Every second event owes nothing, so that the chain of those that do has gaps; two hooks where it owes.
COUNTER = Definition(
    kind="counter",
    version=1,
    initial="even",
    data={},
    states={
        "even": State("even"),
        "odd": State("odd", on_enter=(HookUse("first"), HookUse("second"))),
    },
    transitions=(Transition("add", "even", "odd"), Transition("add", "odd", "even")),
)


class Crowd:
    """Handlers that take batches from one pile, and put back what must come again."""

    def __init__(self, store: Store, ledger: Ledger) -> None:
        self.ran: Counter[str] = Counter()
        self.begun: dict[str, list[tuple[int, str]]] = {}
        self._lock = threading.Lock()
        self.accepted: dict[str, list[str]] = {}
        hooks = [self._hook("first"), self._hook("second")]
        self.flow = Workflow(Definitions((COUNTER,)), store, ledger=ledger, handlers=hooks)

    def _hook(self, name: str) -> Callable[[Effect], None]:
        @hook(name=name)
        def noting(effect: Effect) -> None:
            with self._lock:
                self.ran[effect.key] += 1
                self.begun.setdefault(effect.id, []).append((effect.version, name))

        return noting

    def live(self, entity_id: str, events: int) -> list[Change]:
        """One entity's whole life, and the changes that the stream would bring."""
        made = [self.flow.create("counter", entity_id)]
        made += [self.flow.fire("counter", entity_id, "add", held=made[-1].entity)]
        for _ in range(events - 2):
            made.append(self.flow.fire("counter", entity_id, "add", held=made[-1].entity))
        self.accepted[entity_id] = [accepted.event.id for accepted in made]
        before = [None, *(accepted.entity for accepted in made)]
        steps = [step_of(one.event, old, one.entity) for one, old in zip(made, before, strict=False)]
        return [step._replace(snapshots=Copies(step.snapshots.before(), step.snapshots.after())) for step in steps]

    def deliver(self, changes: list[Change]) -> int:
        """Delivers all of it, and returns how many batches that took."""
        pile: Queue[list[Change]] = Queue()
        for first in range(0, len(changes), 100):
            pile.put(changes[first : first + 100])
        with ThreadPoolExecutor(_HANDLERS) as pool:
            return sum(pool.map(lambda _: self._handle(pile), range(_HANDLERS)))

    def _handle(self, pile: Queue[list[Change]]) -> int:
        deliverer, batches = Deliverer(self.flow.runtime, workers=1), 0
        while True:
            try:
                batch = pile.get(timeout=0.2)
            except Empty:
                return batches
            batches += 1
            failed = deliverer.deliver(batch, until=self.flow.runtime.clock.now() + timedelta(minutes=1)).failed
            if failed:
                pile.put(failed)


def _check(crowd: Crowd, entities: int, events: int) -> None:
    owed = [version for version in range(1, events + 1) if version % 2 == 0]
    for number in range(entities):
        entity_id = str(number)
        history = crowd.flow.history("counter", entity_id)
        assert [event.id for event in history] == crowd.accepted[entity_id]
        assert [event.version for event in history] == list(range(1, events + 1))
        assert fold(history) == crowd.flow.get("counter", entity_id)
        standing = [
            (entry.version, hook, outcome.status, outcome.attempts)
            for entry in crowd.flow.effects("counter", entity_id)
            for hook, outcome in entry.outcomes.items()
        ]
        assert standing == [(version, hook, "done", 1) for version in owed for hook in ("first", "second")]
        assert crowd.begun[entity_id] == [(version, hook) for version in owed for hook in ("first", "second")]


def _run(crowd: Crowd, *, entities: int, events: int) -> str:
    with ThreadPoolExecutor(_HANDLERS) as pool:
        lives = list(pool.map(lambda number: crowd.live(str(number), events), range(entities)))
    fate = random.Random(20260131)
    changes = [change for life in lives for change in life for _ in range(fate.randint(1, 5))]
    fate.shuffle(changes)
    assert len(changes) > 2 * entities * events
    crowd.deliver(changes)
    _check(crowd, entities, events)
    assert crowd.ran.total() == entities * events
    assert set(crowd.ran.values()) == {1}
    delivered = f"{len(changes):,} deliveries shuffled over {entities} entities, {_HANDLERS} handlers"
    return f"{entities * events:,} events, {delivered}: each of {crowd.ran.total():,} effects committed once, in order"


def test_ten_thousand_events_repeated_and_shuffled_are_each_committed_once_in_order(
    tell_figure: Callable[[str], None],
) -> None:
    store = MemoryStore()
    tell_figure(_run(Crowd(store, store.ledger), entities=500, events=20))


def test_two_hundred_events_on_dynamodb_likewise(dynamodb_local_url: str, tell_figure: Callable[[str], None]) -> None:
    client = new_client(dynamodb_local_url)
    table = create_table(client)
    told = _run(Crowd(TableStore(client, table), TableLedger(client, table)), entities=50, events=4)
    tell_figure(f"DynamoDB Local: {told}")
