"""What a transition and its effects cost, counted exactly on the wire."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from tests.fakes.clock import FakeClock
from tests.fakes.faults import Sent
from tests.fakes.records import record
from tests.fakes.units import write_units
from tests.fakes.uses import using
from tests.integration.table.conftest import HOOKED, OnTable, open_on
from workflow.aws import due_items, items
from workflow.aws.delivery_items import PAUSES
from workflow.aws.lambdas.stream import StreamHandler
from workflow.aws.stream import look, plans
from workflow.engine.events import evolve
from workflow.runtime.deliver import Deliverer


def _units(on_table: OnTable) -> int:
    sent = list(on_table.wire.sent)
    units = write_units(
        sent, lambda key: on_table.client.get_item(TableName=on_table.table, Key=key, ConsistentRead=True)["Item"]
    )
    on_table.wire.sent.clear()
    return units


def _calls(on_table: OnTable) -> list[str]:
    """The operations sent since the last look; the read of the pauses, eventually consistent, by a name of its own."""
    calls = [_name(sent) for sent in on_table.wire.sent]
    on_table.wire.sent.clear()
    return calls


def _name(sent: Sent) -> str:
    if sent.operation != "GetItem" or sent.body["Key"] != PAUSES:
        return sent.operation
    assert not sent.body.get("ConsistentRead")
    return "pauses"


def test_a_transition_is_one_read_and_one_transaction(on_table: OnTable) -> None:
    on_table.flow.fire("order", "42", "pay", {"amount": 100})
    assert _calls(on_table) == ["GetItem", "TransactWriteItems"]
    on_table.flow.fire("order", "42", "annotate", {"note": "x"}, request_id="r")
    assert _calls(on_table) == ["GetItem", "TransactWriteItems"]


def test_every_read_but_a_listing_is_consistent(on_table: OnTable) -> None:
    flow = on_table.flow
    flow.fire("order", "42", "pay", {"amount": 100}, request_id="r")
    flow.fire("order", "42", "pay", {"amount": 100}, request_id="r")
    for read in (flow.get, flow.history, flow.effects, flow.violations):
        read("order", "42")
    reads = [sent for sent in on_table.wire.sent if sent.operation in ("GetItem", "Query")]
    assert len(reads) >= 8
    assert all(sent.body["ConsistentRead"] is True for sent in reads)


def test_a_creation_is_one_transaction(on_table: OnTable) -> None:
    on_table.flow.create("order", "new", request_id="r")
    assert _calls(on_table) == ["TransactWriteItems"]


def test_with_the_entity_at_hand_it_is_one_transaction_and_no_read(on_table: OnTable) -> None:
    held = on_table.flow.get("order", "42")
    _calls(on_table)
    for trigger, payload in (("pay", {"amount": 100}), ("annotate", {"note": "x"}), ("ship", {"carrier": "DHL"})):
        held = on_table.flow.fire("order", "42", trigger, payload, held=held).entity
        assert _calls(on_table) == ["TransactWriteItems"]


def test_a_transition_writes_4_units_and_6_with_a_request_id(on_table: OnTable) -> None:
    on_table.flow.fire("order", "42", "pay", {"amount": 100})
    assert _units(on_table) == 4
    on_table.flow.fire("order", "42", "annotate", {"note": "x"}, request_id="r")
    assert _units(on_table) == 6
    on_table.flow.fire("order", "42", "ship", {"carrier": "DHL"})
    assert _units(on_table) == 4


def test_entity_and_event_of_a_well_filled_order_fit_a_kilobyte_each(on_table: OnTable) -> None:
    data = {"email": "someone.with.a.long.name@example.com", "total": "1234.56", "note": "x" * 550}
    on_table.flow.create("order", "a-rather-long-order-id-0123456789abcdef", data, request_id="r", by="shop:checkout")
    assert _units(on_table) == 6


def test_an_engine_that_counts_as_aws_does_counts_the_same(ministack_url: str, clock: FakeClock) -> None:
    on_ministack = open_on(ministack_url, clock)
    counted: list[tuple[float, float]] = []
    events = on_ministack.client.meta.events
    events.register(
        "provide-client-params.dynamodb", lambda params, **_: {**params, "ReturnConsumedCapacity": "INDEXES"}
    )
    events.register(
        "after-call.dynamodb.TransactWriteItems", lambda parsed, **_: counted.append(_table_and_index(parsed))
    )
    held = on_ministack.flow.create("order", "42").entity
    held = on_ministack.flow.fire("order", "42", "pay", {"amount": 100}, held=held).entity
    on_ministack.flow.fire("order", "42", "annotate", {"note": "x"}, held=held, request_id="r")
    # The index apart: one write for a line that is new or only changes, two for one that moves to another state.
    assert counted == [(4, 1), (4, 2), (6, 1)]


def _table_and_index(parsed: dict[str, Any]) -> tuple[float, float]:
    (consumed,) = parsed["ConsumedCapacity"]
    return consumed["WriteCapacityUnits"], consumed["GlobalSecondaryIndexes"]["by_state"]["WriteCapacityUnits"]


def _deliver(on_table: OnTable, *versions: int, deliverer: Deliverer | None = None) -> Deliverer:
    """Delivers the given versions of the order 42 as the stream would show them; a deliverer may be a process's own."""
    deliverer = deliverer or Deliverer(on_table.flow.runtime, workers=4)
    store = on_table.flow.runtime.store
    images: list[Any] = [None]
    entity = None
    for event in store.events("order", "42"):
        entity = evolve(entity, event)
        images.append(items.write_entity(entity, event))
    on_table.wire.sent.clear()
    batch = [record(version, images[version - 1], images[version]) for version in versions]
    found = look(batch, plans(on_table.flow.definitions))
    assert len(found.changes) <= len(versions)
    now = on_table.flow.runtime.clock.now()
    delivered = deliverer.deliver(found.changes, until=now + timedelta(minutes=1))
    assert delivered.failed == []
    return deliverer


def test_an_event_that_owes_effects_is_one_claim_and_one_write_for_each_hook(on_table: OnTable) -> None:
    on_table.flow.fire("order", "42", "pay", {"amount": 100})
    _deliver(on_table, 1, 2)
    assert _calls(on_table) == ["PutItem", "pauses", "UpdateItem", "UpdateItem"]
    assert [run[2] for run in on_table.notes.ran] == ["receipt", "loyalty"]


def test_another_process_reads_once_whether_the_effects_before_are_settled(on_table: OnTable) -> None:
    on_table.flow.fire("order", "42", "pay", {"amount": 100})
    _deliver(on_table, 1, 2)
    on_table.flow.fire("order", "42", "ship", {"carrier": "DHL"})
    _deliver(on_table, 3)
    (read, *_) = on_table.wire.sent
    assert read.body["ConsistentRead"] is True
    assert _calls(on_table) == ["GetItem", "PutItem", "pauses", "UpdateItem"]


def test_the_process_that_settled_them_reads_nothing(on_table: OnTable) -> None:
    on_table.flow.fire("order", "42", "pay", {"amount": 100})
    deliverer = _deliver(on_table, 1, 2)
    on_table.flow.fire("order", "42", "ship", {"carrier": "DHL"})
    _deliver(on_table, 3, deliverer=deliverer)
    assert _calls(on_table) == ["PutItem", "UpdateItem"]


def test_events_of_one_batch_need_no_read_of_one_another(on_table: OnTable) -> None:
    for trigger, payload in (("pay", {"amount": 100}), ("annotate", {"note": "x"}), ("ship", {"carrier": "DHL"})):
        on_table.flow.fire("order", "42", trigger, payload)
    _deliver(on_table, 1, 2, 3, 4)
    run = ["UpdateItem", "UpdateItem"]
    assert _calls(on_table) == ["PutItem", "pauses", *run, "PutItem", *run, "PutItem", "UpdateItem"]


def test_which_hooks_are_paused_is_read_once_in_ten_seconds(on_table: OnTable, clock: FakeClock) -> None:
    on_table.flow.fire("order", "42", "pay", {"amount": 100})
    deliverer = _deliver(on_table, 2)
    assert _calls(on_table).count("pauses") == 1
    reads = []
    for version, seconds in enumerate((0, 9.9, 0.1, 9.9), 3):
        clock.advance(seconds)
        on_table.flow.fire("order", "42", "annotate", {"note": "x"})
        _deliver(on_table, version, deliverer=deliverer)
        reads.append(_calls(on_table).count("pauses"))
    assert reads == [0, 0, 1, 0]


def test_an_effect_with_a_then_is_one_claim_and_one_transaction(dynamodb_local_url: str, clock: FakeClock) -> None:
    on_table = open_on(dynamodb_local_url, clock, using(HOOKED, "loyalty", then="ship"))
    on_table.flow.create("order", "42")
    on_table.flow.fire("order", "42", "pay", {"amount": 100})
    _deliver(on_table, 1, 2)
    assert _calls(on_table) == ["PutItem", "pauses", "UpdateItem", "TransactWriteItems"]


def test_a_sweep_without_anything_due_is_one_query_a_share_and_queue(on_table: OnTable) -> None:
    on_table.wire.sent.clear()
    on_table.sweep()
    assert Counter(_calls(on_table)) == Counter({"Query": 2 * due_items.DUE_SHARDS})


def test_an_event_that_owes_nothing_is_no_call_at_all(on_table: OnTable) -> None:
    on_table.flow.fire("order", "42", "reprice", {"total": 1})
    on_table.flow.fire("order", "42", "cancel")
    _deliver(on_table, 1, 2, 3)
    assert _calls(on_table) == []


def test_effects_that_were_done_cost_one_refused_claim(on_table: OnTable) -> None:
    on_table.flow.fire("order", "42", "pay", {"amount": 100})
    deliverer = _deliver(on_table, 2)
    _deliver(on_table, 2, deliverer=deliverer)
    assert _calls(on_table) == ["PutItem"]


def test_hooks_that_read_images_and_event_cost_one_read_together(on_table: OnTable) -> None:
    for hook in ("receipt", "loyalty"):
        on_table.notes.failing[hook] = lambda effect: (effect.entity, effect.before, effect.event, effect.event)
    on_table.flow.fire("order", "42", "pay", {"amount": 100})
    _deliver(on_table, 2)
    assert Counter(_calls(on_table)) == Counter({"pauses": 1, "PutItem": 1, "UpdateItem": 2, "GetItem": 1})


def test_a_hook_that_fires_on_its_own_entity_adds_one_transaction(on_table: OnTable) -> None:
    on_table.notes.failing["receipt"] = lambda effect: effect.fire("ship", {"carrier": "DHL"})
    on_table.flow.fire("order", "42", "pay", {"amount": 100})
    _deliver(on_table, 2)
    assert _calls(on_table) == ["PutItem", "pauses", "TransactWriteItems", "UpdateItem", "UpdateItem"]


def test_a_batch_of_plain_edits_and_foreign_items_is_no_call(on_table: OnTable) -> None:
    item = on_table.item()
    assert item is not None
    on_table.wire.sent.clear()
    edited = {**item, "data": {"M": {"total": {"N": "5"}}}}
    event = on_table.item("event#000000000001")
    on_table.wire.sent.clear()
    answer = StreamHandler(on_table.flow.runtime).handle([record(1, item, edited), record(2, None, event)], 60_000)
    assert answer == {"batchItemFailures": []}
    assert _calls(on_table) == []
