"""The simulator's world with its table on a real engine: real store, real ledger, real stream images, botocore."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import botocore.endpoint

from tests.engines import new_client
from tests.integration.faults.engine_table import EngineTable, streams_client
from tests.integration.faults.fated_wire import FatedWire, PerActor, VirtualTime
from workflow.aws.client import make_client
from workflow.aws.ledger import TableLedger
from workflow.aws.stream import plans
from workflow.aws.table import TableStore
from workflow.runtime.ports import Ledger, Store
from workflow.testing.simulation import Fate, Outcome, Scenario
from workflow.testing.simulation.schedule import play
from workflow.testing.simulation.story import Story, ending
from workflow.testing.simulation.table import Table
from workflow.testing.simulation.world import World


class EngineWorld(World):
    """Everything as in the simulator, but what stands between the runtime and its table, and the table."""

    def __init__(self, scenario: Scenario, fate: Fate, story: Story, endpoint_url: str) -> None:
        self._url = endpoint_url
        super().__init__(scenario, fate, story)

    def open_table(self) -> Table:
        """A table on the engine, in a database of its own."""
        self._client = new_client(self._url)
        streams = streams_client(self._url, self._client)
        declared = plans(self.scenario.definitions)
        self.engine = EngineTable(self.scheduler, self.log, self._client, streams, declared)
        return self.engine

    def open_ports(self) -> tuple[Store, Ledger]:
        """What the actors use, with a wire of its own."""
        key = self._client._request_signer._credentials.access_key
        client = make_client("dynamodb", endpoint_url=self._url, access_key=key)
        FatedWire(self, client)
        store = TableStore(client, self.engine.name)
        store._unanswered._thread = PerActor()  # type: ignore[assignment]
        return store, TableLedger(client, self.engine.name)

    def start_sweep(self) -> None:
        """Mostly only if something is due: an idle sweep is seventeen reads, and each of them is a real request."""
        if self._is_anything_due() or self.fate.happens(6):
            super().start_sweep()

    def _is_anything_due(self) -> bool:
        now, found = self.runtime.clock.now(), [self.engine.of(key) for key in self.engine.entity_keys()]
        timers = [records.timer.at for records in found if records.timer and not records.timer.refused]
        waiting = [e.parked.next_at for records in found for e in records.entries if e.parked and e.parked.next_at]
        return any(at <= now for at in [*timers, *waiting])

    def close(self) -> None:
        """Leaves nothing on the engine."""
        self._client.delete_table(TableName=self.engine.name)


def run_on_engine(scenario: Scenario, seed: int, endpoint_url: str, *, telling: bool = False) -> Outcome:
    """Plays one schedule on the engine; the same seed does the same again."""
    # Botocore draws its waits from here.
    random.seed(seed)
    world = EngineWorld(scenario, Fate(seed), Story(telling), endpoint_url)
    with _virtual(world):
        try:
            return play(world)
        finally:
            world.close()


def tell(outcome: Outcome) -> str:
    """The story of a schedule."""
    return "\n".join([*outcome.lines, *ending(outcome.breaches)])


@contextmanager
def _virtual(world: World) -> Iterator[None]:
    log = logging.getLogger("workflow")
    was_disabled, log.disabled = log.disabled, True
    real: Any = botocore.endpoint.time  # type: ignore[attr-defined]
    botocore.endpoint.time = VirtualTime(real, world.scheduler)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        botocore.endpoint.time = real  # type: ignore[attr-defined]
        log.disabled = was_disabled
