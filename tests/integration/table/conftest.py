"""Workflows on DynamoDB Local, with the wire between at a test's hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.engines import create_table, new_client
from tests.fakes.clock import FakeClock
from tests.fakes.faults import Wire
from tests.fakes.hooks import Notebook
from tests.fakes.uses import LATER, using
from tests.samples import COUNTER, ORDER, definitions, entering
from workflow import Workflow
from workflow.aws.clock import SystemClock
from workflow.aws.ledger import TableLedger
from workflow.aws.table import TableStore
from workflow.definition.definition import Definition
from workflow.runtime.deliver import Delivered
from workflow.runtime.ports import Clock
from workflow.runtime.sweep import Sweeper

HOOKED = using(entering(ORDER, paid=["receipt", "loyalty"], shipped=["notify"]), retry=LATER)


@dataclass
class OnTable:
    """A workflow on a table of its own."""

    flow: Workflow
    client: Any
    table: str
    wire: Wire
    notes: Notebook

    def item(self, sk: str = "entity", pk: str = "order#42") -> dict[str, Any] | None:
        """An item as it lies in the table."""
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        found: dict[str, Any] = self.client.get_item(TableName=self.table, Key=key, ConsistentRead=True)
        return found.get("Item")

    def sweep(self) -> Delivered:
        """What the sweeper does now."""
        runtime = self.flow.runtime
        return Sweeper(runtime, workers=4).sweep(until=runtime.clock.now() + timedelta(minutes=1))


def open_on(url: str, clock: Clock, definition: Definition = HOOKED) -> OnTable:
    client = new_client(url)
    table = create_table(client)
    notes = Notebook("receipt", "loyalty", "notify")
    flow = Workflow(
        definitions(definition, COUNTER),
        TableStore(client, table),
        ledger=TableLedger(client, table),
        handlers=notes.handlers,
        clock=clock,
    )
    return OnTable(flow, client, table, Wire(client), notes)


@pytest.fixture
def on_table(dynamodb_local_url: str, clock: FakeClock) -> OnTable:
    """On DynamoDB Local, with a clock that nobody waits for; the order 42 is placed."""
    opened = open_on(dynamodb_local_url, clock)
    opened.flow.create("order", "42", {"total": 100})
    opened.wire.sent.clear()
    return opened


@pytest.fixture(params=["dynamodb_local", "ministack"])
def on_engine(request: pytest.FixtureRequest) -> OnTable:
    """On each engine that keeps its promises under threads, with the real clock."""
    return open_on(request.getfixturevalue(f"{request.param}_url"), SystemClock())
