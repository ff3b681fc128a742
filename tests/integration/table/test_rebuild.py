"""A read model of the shipped payments, made again on real engines, beside those that write to it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from handlers import clients
from tests.engines import create_table, new_client, template
from tests.fakes.faults import Wire
from tests.shipped import HANDLERS, REPOSITORY
from workflow import Effect, Workflow, hook, projection
from workflow.aws.clock import SystemClock
from workflow.aws.records import TableRecords
from workflow.aws.table import TableStore
from workflow.definition.load import load_definitions
from workflow.operations import Operations

HISTORY = "payments"
MANY = 40


class Till:
    """Payments on one engine, and their history in a table of the template's shape."""

    def __init__(self, url: str, handlers: Sequence[Any] = HANDLERS) -> None:
        self.client = new_client(url)
        self.table = create_table(self.client)
        described = template()["Resources"]["PaymentHistory"]["Properties"]
        taken = {name: described[name] for name in ("BillingMode", "AttributeDefinitions", "KeySchema")}
        self.client.create_table(TableName=HISTORY, **taken)
        definitions = load_definitions(REPOSITORY / "definitions")
        store = TableStore(self.client, self.table)
        self.flow = Workflow(definitions, store, handlers=handlers, hooks_required=False, ledger=_Silent())  # type: ignore[arg-type]
        self.wire = Wire(self.client)

    @property
    def operations(self) -> Operations:
        return Operations(self.flow.runtime, TableRecords(self.client, self.table))

    def pay(self, payment: str, refunds: int = 1) -> None:
        data = {"email": f"{payment}@example.com", "order": "42", "currency": "eur", "amount": 5990}
        self.flow.create("payment", payment, data)
        self.flow.fire("payment", payment, "capture", {"captured": 5990, "at": 10})
        for number in range(1, refunds + 1):
            self.refund(payment, number)

    def refund(self, payment: str, number: int) -> None:
        payload = {"refunded": 100 * number, "captured": 5990, "at": 10 + number}
        self.flow.fire("payment", payment, "refund", payload)

    def lines(self) -> dict[tuple[str, str], dict[str, Any]]:
        pages = self.client.get_paginator("scan").paginate(TableName=HISTORY, ConsistentRead=True)
        return {(i["email"]["S"], i["line"]["S"]): i for page in pages for i in page["Items"]}


class _Silent:
    """A ledger that nobody may write to."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"a rebuild called {name} of the ledger")


@pytest.fixture(params=["dynamodb_local", "ministack"])
def till(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Till:
    till = Till(request.getfixturevalue(f"{request.param}_url"))
    monkeypatch.setattr(clients, "_clients", {"dynamodb": till.client})
    monkeypatch.setenv("PAYMENT_HISTORY_TABLE", HISTORY)
    return till


def test_every_line_is_made_once_more_and_the_table_of_events_is_only_read(till: Till) -> None:
    for number in range(MANY):
        till.pay(f"pi_{number}")
    till.wire.sent.clear()
    rebuilt = till.operations.rebuild("payment_history", workers=4)
    assert (rebuilt.entities, rebuilt.events, rebuilt.failed) == (MANY, 3 * MANY, 0)
    lines = till.lines()
    assert len(lines) == 4 * MANY
    assert lines["pi_7@example.com", "42#pi_7"]["refunded"] == {"N": "100"}
    # A scan, and two writes a line: no event was read by itself.
    assert set(till.wire.operations()) <= {"Scan", "PutItem"}
    assert till.wire.operations().count("PutItem") == 6 * MANY
    till.operations.rebuild("payment_history", workers=4)
    assert till.lines() == lines


def test_a_rebuild_beside_live_traffic_never_puts_older_in_the_place_of_newer(till: Till) -> None:
    for number in range(6):
        till.pay(f"pi_{number}", refunds=3)
    rebuilding = threading.Thread(target=lambda: till.operations.rebuild("payment_history", workers=2))
    rebuilding.start()
    for refund in (4, 5):
        for number in range(6):
            till.refund(f"pi_{number}", refund)
            # As the stream's Lambda does with each event, at once.
            till.operations.rebuild("payment_history", kind="payment", id=f"pi_{number}")
    rebuilding.join()
    lines = till.lines()
    for number in range(6):
        standing = lines[f"pi_{number}@example.com", f"42#pi_{number}"]
        assert (standing["version"], standing["refunded"]) == ({"N": "7"}, {"N": "500"})
    assert len(lines) == 6 * 8


def test_a_damaged_event_is_told_without_its_data_and_the_others_go_on(till: Till) -> None:
    for payment in ("pi_1", "pi_2"):
        till.pay(payment)
    till.client.update_item(
        TableName=till.table,
        Key={"pk": {"S": "payment#pi_1"}, "sk": {"S": "event#000000000002"}},
        UpdateExpression="SET edge = :card",
        ExpressionAttributeValues={":card": {"M": {"4111 1111": {"BOOL": True}}}},
    )
    rebuilt = till.operations.rebuild("payment_history")
    assert (rebuilt.entities, rebuilt.events, rebuilt.failed) == (1, 3, 1)
    assert rebuilt.told[0].startswith("payment pi_1: item payment#pi_1 event#000000000002 was changed by hand: ")
    assert "4111" not in str(rebuilt)


def test_batches_write_many_lines_with_one_call(dynamodb_local_url: str) -> None:
    till: Till

    @projection(name="payment_history", batch=25)
    def in_batches(effects: Sequence[Effect]) -> None:
        puts = [{"PutRequest": {"Item": _line(effect)}} for effect in effects]
        till.client.batch_write_item(RequestItems={HISTORY: puts})

    @hook
    def tell_refund(effect: Effect) -> None:
        raise AssertionError("it stays silent")

    till = Till(dynamodb_local_url, [in_batches, tell_refund])
    for number in range(MANY):
        till.pay(f"pi_{number}")
    till.wire.sent.clear()
    rebuilt = till.operations.rebuild("payment_history", workers=1)
    assert (rebuilt.entities, rebuilt.events, rebuilt.failed) == (MANY, 3 * MANY, 0)
    assert len(till.lines()) == 3 * MANY
    assert till.wire.operations().count("BatchWriteItem") <= 3 * MANY // 25 + 4


def _line(effect: Effect) -> dict[str, Any]:
    data = effect.entity.data
    return {
        "email": {"S": data["email"]},
        "line": {"S": f"{effect.id}#{effect.version:06d}"},
        "step": {"S": effect.event.trigger},
    }


def test_how_fast_it_goes_is_told(dynamodb_local_url: str, tell_figure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    till = Till(dynamodb_local_url)
    monkeypatch.setattr(clients, "_clients", {"dynamodb": till.client})
    monkeypatch.setenv("PAYMENT_HISTORY_TABLE", HISTORY)
    for number in range(MANY):
        till.pay(f"pi_{number}")
    clock = SystemClock()
    began = clock.now()
    rebuilt = till.operations.rebuild("payment_history", workers=8)
    seconds = (clock.now() - began).total_seconds()
    tell_figure(f"rebuild: {rebuilt.events / seconds:,.0f} events/s, two conditional writes each, DynamoDB Local")
    assert rebuilt.failed == 0
