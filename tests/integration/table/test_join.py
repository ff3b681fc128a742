"""The last parcels of an order that arrive at the same moment: it is delivered, once, on real engines."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count

import pytest

from handlers.order import are_parcels
from tests.engines import create_table, new_client
from tests.shipped import REPOSITORY
from workflow import Definitions, Workflow, hook
from workflow.aws.ledger import TableLedger
from workflow.aws.table import TableStore
from workflow.definition.load import load_definitions
from workflow.engine.events import fold
from workflow.runtime.changes import Change, Copies
from workflow.runtime.deliver import Deliverer

ROUNDS = 25
PARCELS = ("A", "B", "C")
ORDER = {"email": "a@b.c", "name": "A", "currency": "EUR", "total": 1, "lines": [{"sku": "s", "quantity": 1}]}
SCAN = {"status": "delivered", "at": "2026-11-20T10:57:00Z"}
HOOKS = ("record_line", "send_receipt", "send_shipping_notice", "send_refund_notice", "tell_customer", "alert_shop")


@pytest.fixture(params=["dynamodb_local", "ministack"])
def flow(request: pytest.FixtureRequest) -> Workflow:
    """The shipped orders and shipments on a table of their own, with hooks that do nothing."""
    client = new_client(request.getfixturevalue(f"{request.param}_url"))
    table = create_table(client)
    shipped = load_definitions(REPOSITORY / "definitions")
    kinds = tuple(definition for definition in shipped if definition.kind in ("order", "shipment"))
    handlers = [are_parcels, *(hook(name=name)(lambda effect: None) for name in HOOKS)]
    store, ledger = TableStore(client, table), TableLedger(client, table)
    return Workflow(Definitions(kinds), store, ledger=ledger, handlers=handlers)


def shipped_order(flow: Workflow, id: str) -> list[Change]:
    """An order that has left in three parcels, each of which was delivered; what the stream says of them."""
    flow.create("order", id, ORDER)
    flow.fire("order", id, "pay", {"amount": 1, "payment": "p"})
    parcels = [f"{id}-{parcel}" for parcel in PARCELS]
    flow.fire("order", id, "ship", {"carrier": "DHL", "parcels": parcels})
    changes = []
    for parcel in parcels:
        before = flow.create("shipment", parcel, {"order": id, "carrier": "DHL"}).entity
        after = flow.fire("shipment", parcel, "scan", SCAN).entity
        way = (before.state, after.state, after.definition, "scan", "1")
        changes.append(Change("shipment", parcel, 1, 2, *way, Copies(before, after)))
    return changes


def deliver_at_once(flow: Workflow, changes: list[Change]) -> None:
    """Each change in an invocation of its own, all at the same moment."""
    together = threading.Barrier(len(changes), timeout=30)

    def deliver(change: Change) -> None:
        deliverer = Deliverer(flow.runtime, workers=1)
        until = flow.runtime.clock.now() + timedelta(minutes=1)
        together.wait()
        deliverer.deliver([change], until=until)

    with ThreadPoolExecutor(len(changes)) as pool:
        list(pool.map(deliver, changes))


def test_parcels_that_arrive_at_once_neither_miss_the_orders_delivery_nor_double_it(flow: Workflow) -> None:
    contended = 0
    commit = flow.runtime.store.commit
    tries = count()
    flow.runtime.store.commit = lambda write: next(tries) * 0 or commit(write)  # type: ignore[method-assign]
    for number in range(ROUNDS):
        id = str(number)
        changes = shipped_order(flow, id)
        began = next(tries)
        deliver_at_once(flow, changes)
        contended += next(tries) - began - 1 > len(PARCELS)
        history = flow.history("order", id)
        assert [event.target for event in history] == ["placed", "paid", "shipped", "shipped", "shipped", "delivered"]
        assert sorted(history[-1].changes["arrived"]) == [f"{id}-{parcel}" for parcel in PARCELS]
        assert fold(history) == flow.get("order", id)
    # Otherwise nothing was proven.
    assert contended > ROUNDS // 5


def test_what_is_delivered_to_two_invocations_at_once_and_once_more_arrives_once(flow: Workflow) -> None:
    for number in range(ROUNDS // 5):
        id = str(number)
        changes = shipped_order(flow, id)
        deliver_at_once(flow, [*changes, *changes])
        deliver_at_once(flow, changes)
        assert [event.target for event in flow.history("order", id)[3:]] == ["shipped", "shipped", "delivered"]
        for parcel in PARCELS:
            (entry,) = flow.effects("shipment", f"{id}-{parcel}")
            assert {name: (one.status, one.note) for name, one in entry.outcomes.items()} == {
                "fire:order.parcel_delivered": ("done", ""),
                "tell_customer": ("done", ""),
            }
