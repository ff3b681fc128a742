"""What definitions publish, from the transition to the message, on ports in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.clock import FakeClock
from workflow import Workflow
from workflow.errors import MessageTooLargeError, PublishError, PublishRefusedError
from workflow.runtime.publish.port import Message, Target
from workflow.testing import MemoryDelivery, MemoryPublisher, MemoryStore

ORDER = """\
kind: order
version: {version}
initial: placed
data:
  email: {{type: string, sensitive: {sensitive}}}
  total: decimal
states:
  placed:
    on_enter: [publish: {{sqs: orders.fifo, detail_type: OrderPlaced}}]
  paid:
    on_enter:
      - publish: {{sqs: orders.fifo}}
      - publish: {{eventbridge: shop, overflow: a-bucket}}
        catch: {{MessageTooLargeError: shorten}}
  short: {{final: true}}
transitions:
  pay:
    from: placed
    to: paid
    requires: {{amount: decimal, card: {{type: string, sensitive: true, optional: true}}}}
  shorten: {{from: paid, to: short}}
"""
INVOICE = """\
kind: invoice
version: 1
initial: sent
data: {email: string}
states:
  sent: {final: true, on_enter: [publish: {sqs: orders.fifo, detail_type: OrderPlaced, overflow: invoices}]}
transitions: {}
"""


class Shop:
    """Orders and invoices, a publisher, and somebody to deliver."""

    def __init__(self, folder: Path, **files: str) -> None:
        for name, text in files.items():
            (folder / f"{name}.yaml").write_text(text)
        self.clock, self.publisher = FakeClock(), MemoryPublisher()
        self.flow = Workflow(folder, MemoryStore(), clock=self.clock, publisher=self.publisher)
        self.delivery = MemoryDelivery(self.flow, workers=16)

    def place(self, *ids: str, **data: Any) -> None:
        for id in ids:
            self.flow.create("order", id, {"email": "ada@example.com", "total": 1, **data})

    def statuses(self, id: str) -> dict[str, str]:
        return {
            f"{entry.version} {hook}": outcome.status
            for entry in self.flow.effects("order", id)
            for hook, outcome in entry.outcomes.items()
        }

    def keys(self, service: str, name: str) -> list[str]:
        return [envelope["id"] for envelope in self.publisher.envelopes(service, name)]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path, order=ORDER.format(version=1, sensitive="true"), invoice=INVOICE)


QUEUE, PLACED = Target("sqs", "orders.fifo"), "publish:sqs:orders.fifo:OrderPlaced"


def test_ten_effects_are_one_call_and_each_is_committed(shop: Shop) -> None:
    shop.place(*(str(n) for n in range(25)))
    assert shop.delivery.run().effects_done == 25
    assert sorted(shop.publisher.calls) == [(QUEUE, 5), (QUEUE, 10), (QUEUE, 10)]
    assert sorted(shop.keys("sqs", "orders.fifo")) == sorted(f"order#{n}#1#{PLACED}" for n in range(25))


def test_the_effects_of_two_kinds_go_in_one_call_each_asked_for_in_its_own_way(shop: Shop) -> None:
    asked = []
    publish = shop.publisher.publish
    shop.publisher.publish = lambda target, messages: asked.extend(messages) or publish(target, messages)  # type: ignore[func-returns-value,method-assign]
    shop.place("1")
    shop.flow.create("invoice", "1", {"email": "ada@example.com"})
    shop.delivery.run()
    assert shop.publisher.calls == [(QUEUE, 2)]
    assert {(m.group, m.overflow, "email" in m.envelope["data"]["data"]) for m in asked} == {
        ("order#1", "", False),
        ("invoice#1", "invoices", True),
    }


def test_of_two_messages_of_one_event_each_is_asked_for_in_its_own_way(shop: Shop) -> None:
    asked: list[Message] = []
    publish = shop.publisher.publish
    shop.publisher.publish = lambda target, messages: asked.extend(messages) or publish(target, messages)  # type: ignore[func-returns-value,method-assign]
    shop.place("1")
    shop.flow.fire("order", "1", "pay", {"amount": 1})
    shop.delivery.run()
    assert [(message.type, message.overflow) for message in asked] == [
        ("OrderPlaced", ""),
        ("order.pay", ""),
        ("order.pay", "a-bucket"),
    ]


def test_one_that_is_not_taken_comes_again_alone_and_holds_up_its_own_entity_only(shop: Shop) -> None:
    shop.place("1", "2", "3")
    shop.publisher.fail_once(f"order#2#1#{PLACED}", PublishError("busy"))
    shop.delivery.run()
    assert shop.publisher.calls == [(QUEUE, 3), (QUEUE, 1)]
    assert [shop.statuses(id) for id in ("1", "2", "3")] == [{f"1 {PLACED}": "done"}] * 3
    assert shop.flow.effects("order", "2")[0].outcomes[PLACED].attempts == 2
    assert shop.flow.effects("order", "1")[0].outcomes[PLACED].attempts == 1


def test_one_that_is_refused_waits_for_a_person_and_the_others_go_on(shop: Shop) -> None:
    shop.place("1", "2")
    shop.publisher.fail_once(f"order#1#1#{PLACED}", PublishRefusedError("bad"))
    shop.flow.fire("order", "1", "pay", {"amount": 1})
    shop.flow.fire("order", "2", "pay", {"amount": 1})
    shop.delivery.run()
    (parked,) = [entry.parked for entry in shop.flow.operations.parked()]
    assert parked is not None
    assert (parked.hook, parked.why, parked.next_at, parked.error) == (
        PLACED,
        "refused",
        None,
        "PublishRefusedError: bad",
    )
    assert shop.keys("eventbridge", "shop") == ["order#2#2#publish:eventbridge:shop"]
    shop.flow.operations.redrive("order", "1")
    shop.delivery.sweep()
    assert set(shop.statuses("1").values()) == {"done"}


def test_a_target_that_is_gone_is_asked_again_later_and_others_hear_meanwhile(shop: Shop) -> None:
    shop.place("1")
    shop.delivery.run()
    shop.flow.fire("order", "1", "pay", {"amount": 1})
    shop.publisher.remove("eventbridge", "shop")
    shop.delivery.run()
    assert shop.statuses("1")["2 publish:eventbridge:shop"] == "failed"
    assert shop.keys("sqs", "orders.fifo")[-1] == "order#1#2#publish:sqs:orders.fifo"
    shop.publisher.restore("eventbridge", "shop")
    shop.clock.advance(3600)
    shop.delivery.sweep()
    assert shop.statuses("1")["2 publish:eventbridge:shop"] == "done"


def test_the_versions_of_an_entity_arrive_in_order_behind_one_that_failed(shop: Shop) -> None:
    shop.place("1")
    shop.publisher.remove("sqs", "orders.fifo")
    shop.flow.fire("order", "1", "pay", {"amount": 1})
    shop.delivery.run()
    shop.publisher.restore("sqs", "orders.fifo")
    shop.clock.advance(3600)
    shop.delivery.sweep()
    assert [envelope["data"]["version"] for envelope in shop.publisher.envelopes("sqs", "orders.fifo")] == [1, 2]


def test_a_message_too_large_can_be_caught(shop: Shop) -> None:
    shop.place("1")
    shop.publisher.fail_once("order#1#2#publish:eventbridge:shop", MessageTooLargeError("too much"))
    shop.flow.fire("order", "1", "pay", {"amount": 1})
    shop.delivery.run()
    assert shop.flow.get("order", "1").state == "short"


def test_without_a_publisher_it_waits_and_says_so(tmp_path: Path) -> None:
    shop = Shop(tmp_path, order=ORDER.format(version=1, sensitive="true"))
    flow = Workflow(tmp_path, shop.flow.runtime.store, clock=shop.clock)
    flow.create("order", "1", {"email": "ada@example.com", "total": 1})
    MemoryDelivery(flow).run()
    (entry,) = flow.effects("order", "1")
    assert entry.outcomes[PLACED].status == "failed"
    assert entry.outcomes[PLACED].error == (
        f"HookNotRegisteredError: '{PLACED}': this Workflow was given nothing to publish by; give it a publisher"
    )


def test_what_an_older_version_calls_sensitive_is_left_out_too(tmp_path: Path) -> None:
    older, newer = ORDER.format(version=1, sensitive="true"), ORDER.format(version=2, sensitive="false")
    shop = Shop(tmp_path, older=older, newer=newer)
    shop.place("1")
    shop.delivery.run()
    assert shop.publisher.envelopes("sqs", "orders.fifo")[0]["data"]["data"] == {"total": 1}


def test_of_the_payload_only_what_is_declared_and_not_sensitive_is_told(shop: Shop) -> None:
    shop.place("1")
    shop.flow.fire("order", "1", "pay", {"amount": "1.50", "card": "4242", "note": "of nobody's making"})
    shop.delivery.run()
    assert shop.publisher.envelopes("eventbridge", "shop")[0]["data"]["payload"] == {"amount": 1.5}


@pytest.mark.parametrize(
    ("by", "told"), [("clerk 7", "clerk 7"), ("ada@example.com", None), ("for ADA@example.com", None)]
)
def test_who_asked_is_told_unless_in_the_words_of_a_secret(shop: Shop, by: str, told: str | None) -> None:
    shop.flow.create("order", "1", {"email": "ada@example.com", "total": 1}, by=by)
    shop.delivery.run()
    assert shop.publisher.envelopes("sqs", "orders.fifo")[0]["data"].get("by") == told


def test_a_fifo_target_in_memory_takes_a_key_once_and_another_one_every_time() -> None:
    publisher, shop_bus = MemoryPublisher(), Target("eventbridge", "shop")
    message = Message("k", "g", "t", FakeClock().now(), {"id": "k"})
    for target in (QUEUE, QUEUE, shop_bus, shop_bus):
        assert publisher.publish(target, [message]) == {}
    assert (len(publisher.envelopes(*QUEUE)), len(publisher.envelopes(*shop_bus))) == (1, 2)
