"""A life of orders over streams of each view, read from the engine: the same ledger as with both images."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engines import create_table, filter_patterns, new_client
from tests.fakes.faults import Wire
from tests.fakes.hooks import Notebook
from tests.integration.table.conftest import HOOKED, OnTable
from tests.samples import COUNTER, definitions
from workflow import Effect, Workflow
from workflow.aws.client import make_client
from workflow.aws.clock import SystemClock
from workflow.aws.lambdas.stream import StreamHandler
from workflow.aws.ledger import TableLedger
from workflow.aws.table import TableStore
from workflow.local.pump.filters import Filter
from workflow.local.pump.shards import StreamReader
from workflow.local.pump.wire import to_wire

MINUTE_MS = 60_000
WHOLE = "NEW_AND_OLD_IMAGES"
VIEWS = ("NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY")
Seen = list[tuple[int, str, Any, Any]]


class Viewed(OnTable):
    """A workflow on a table whose stream has one of the views, and all that its stream brings."""

    def __init__(self, url: str, view: str) -> None:
        client = new_client(url)
        table = create_table(client, view=view)
        notes = Notebook("receipt", "loyalty", "notify")
        flow = Workflow(
            definitions(HOOKED, COUNTER),
            TableStore(client, table),
            ledger=TableLedger(client, table),
            handlers=notes.handlers,
            clock=SystemClock(),
        )
        super().__init__(flow, client, table, Wire(client), notes)
        key = client._request_signer._credentials.access_key
        arn = client.describe_table(TableName=table)["Table"]["LatestStreamArn"]
        self._arn = arn
        self._reader = StreamReader(
            make_client("dynamodbstreams", endpoint_url=url, access_key=key), arn, "TRIM_HORIZON"
        )
        self._reader.find_shards()
        self._filter = Filter(filter_patterns())
        self.seen: Seen = []
        for name in ("receipt", "loyalty", "notify"):
            notes.failing[name] = self._look

    def _look(self, effect: Effect) -> None:
        before = effect.before
        self.seen.append((effect.version, effect.hook, effect.entity.data, before.data if before else None))

    def records(self) -> list[dict[str, Any]]:
        """What is new on the stream and passes the template's filter, as Lambda would be given it."""
        found = [to_wire(one, self._arn) for shard in self._reader.open_shards() for one in self._reader.read(shard)]
        return [one for one in found if self._filter.passes(one)]

    def live(self) -> None:
        """What becomes of an order."""
        flow = self.flow
        flow.create("order", "42", {"total": 100})
        flow.fire("order", "42", "pay", {"amount": 100})
        flow.fire("order", "42", "annotate", {"note": "x"})
        flow.fire("order", "42", "ship", {"carrier": "DHL"})

    def ledger(self) -> list[tuple[int, str, str, int]]:
        """Version, hook, status and attempts of every effect."""
        return [
            (entry.version, hook, outcome.status, outcome.attempts)
            for entry in self.flow.effects("order", "42")
            for hook, outcome in entry.outcomes.items()
        ]


@pytest.fixture(params=["dynamodb_local", "ministack"])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest.mark.parametrize("view", VIEWS)
def test_a_life_leads_to_the_same_ledger_and_hooks_see_the_same(url: str, view: str) -> None:
    whole, viewed = Viewed(url, WHOLE), Viewed(url, view)
    for table in (whole, viewed):
        table.live()
        handler, given = StreamHandler(table.flow.runtime), table.records()
        assert {one["dynamodb"]["StreamViewType"] for one in given} == {WHOLE if table is whole else view}
        for batch in (given[:1], given[1:3], given[3:]):
            # The entity has moved on already.
            assert handler.handle(batch, MINUTE_MS) == {"batchItemFailures": []}
    assert viewed.ledger() == whole.ledger()
    assert viewed.seen == whole.seen
    assert (len(viewed.seen), viewed.flow.violations("order", "42")) == (5, [])


@pytest.mark.parametrize("view", VIEWS)
def test_writes_by_hand_are_seen_and_run_nothing(url: str, view: str) -> None:
    table = Viewed(url, view)
    table.flow.create("order", "42", {"total": 100})
    item, handler = table.item(), StreamHandler(table.flow.runtime)
    assert item is not None
    key = {name: item[name] for name in ("pk", "sk")}
    handler.handle(table.records(), MINUTE_MS)
    writes = [{"state": {"S": "paid"}}, {"version": {"N": "9"}}, {"edge": {"S": "none"}}]
    for change in writes:
        table.client.put_item(TableName=table.table, Item={**item, **change})
        assert handler.handle(table.records(), MINUTE_MS) == {"batchItemFailures": []}
    table.client.delete_item(TableName=table.table, Key=key)
    assert handler.handle(table.records(), MINUTE_MS) == {"batchItemFailures": []}
    assert [violation.reason for violation in table.flow.violations("order", "42")] == [
        "the state went from 'placed' to 'paid' without an event",
        "the entity is at version 9, its history has no event 9",
        "what was written by hand in the entity's place is none",
        "the entity was deleted by hand",
    ]
    assert table.notes.ran == []
