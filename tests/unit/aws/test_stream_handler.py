"""The stream's Lambda on whole batches: what it runs, what it answers, what it logs."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.emf import metrics
from tests.fakes.hooks import raising
from tests.fakes.log import of_line
from tests.fakes.records import event_record, image, position, record, records
from tests.unit.runtime.delivery import Bench
from workflow import Effect, Refused
from workflow.aws.lambdas.stream import StreamHandler
from workflow.aws.metrics import EmfMeter
from workflow.errors import StoreUnavailableError
from workflow.runtime.ledger_entry import OWED, LedgerEntry

MINUTE = 60_000


def _handle(bench: Bench, *given: dict[str, Any]) -> list[str]:
    answer = StreamHandler(bench.flow.runtime, workers=4).handle(list(given), MINUTE)
    assert list(answer) == ["batchItemFailures"]
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_a_batch_runs_what_it_owes_and_counts_what_it_saw(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench()
    bench.paid()
    bench.flow.fire("order", "42", "cancel")
    given = [*records(bench.store), event_record(7, bench.flow.history("order", "42")[0]), {}]
    assert _handle(bench, *given) == []
    assert [run[2] for run in bench.notes.ran] == ["greet", "receipt", "loyalty"]
    ran = ["order#42#1#greet", "order#42#2#receipt", "order#42#2#loyalty"]
    assert caplog.messages == [*(f"effect {key} ran (attempt 1)" for key in ran), "delivered"]
    assert of_line(caplog.records[0]) == {"took_ms": 0}
    assert of_line(caplog.records[-1]) == {
        "records": 5,
        "transitions": 3,
        "unchanged": 0,
        "foreign": 2,
        "elsewhere": 0,
        "malformed": 0,
        "effects_done": 3,
        "effects_failed": 0,
        "put_aside": 0,
        "waiting": 0,
        "for_people": 0,
        "started": 0,
        "violations": 0,
        "to_come_again": 0,
        "reads": 0,
    }


def test_failing_entities_are_put_aside_and_nothing_comes_again() -> None:
    bench = Bench()
    for entity_id in "abcd":
        bench.paid(entity_id)
    bench.notes.failing["receipt"] = lambda effect: 1 / int(effect.id not in ("b", "c"))
    batch = records(bench.store)
    assert _handle(bench, *batch) == []
    assert [bench.statuses(entity_id)[-1][2] for entity_id in "abcd"] == ["done", "owed", "owed", "done"]
    assert [bench.waiting_for(entity_id) for entity_id in "abcd"] == [
        [],
        [(2, "receipt", "retry")],
        [(2, "receipt", "retry")],
        [],
    ]
    bench.notes.failing.clear()
    bench.notes.forget()
    assert _handle(bench, *batch) == []
    assert bench.notes.ran == []
    assert bench.sweep(after=30).effects_done == 4


def test_of_two_entities_that_cannot_be_delivered_the_lower_place_is_named_and_the_others_go_on() -> None:
    bench = Bench()
    for entity_id in "abcd":
        bench.paid(entity_id)
    lease_until = bench.clock.now() + timedelta(seconds=60)
    for entity_id in ("b", "c"):
        claimed = LedgerEntry("order", entity_id, 2, "alive", lease_until, {"receipt": OWED, "loyalty": OWED})
        bench.store.ledger.put(claimed, None)
    batch = records(bench.store)
    # In the order of the stream: a1 a2 b1 b2 c1 c2 d1 d2.
    assert _handle(bench, *batch) == [position(4)]
    assert [bench.statuses(entity_id)[-1][2] for entity_id in "abcd"] == ["done", "owed", "owed", "done"]
    bench.notes.forget()
    bench.clock.advance(60)
    assert _handle(bench, *batch[3:]) == []
    assert sorted(bench.notes.ran) == [(i, 2, hook, n) for i in "bc" for hook, n in (("loyalty", 1), ("receipt", 2))]


def test_an_empty_batch_is_answered() -> None:
    assert _handle(Bench()) == []


def test_a_hook_may_read_its_event_once_for_all_hooks_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    reads = []
    find_event = bench.store.find_event

    def counted(kind: str, entity_id: str, version: int) -> Any:
        reads.append(version)
        return find_event(kind, entity_id, version)

    monkeypatch.setattr(bench.store, "find_event", counted)
    for hook in ("receipt", "loyalty"):
        bench.notes.failing[hook] = lambda effect: (effect.event, effect.event.payload)
    bench.paid()
    batch = records(bench.store)
    reads.clear()
    assert _handle(bench, *batch) == []
    assert reads == [2]


def test_an_event_that_cannot_be_read_is_a_failure_of_its_hook_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()

    def down(*_: object) -> None:
        raise StoreUnavailableError("no answer")

    bench.notes.failing["receipt"] = lambda effect: effect.event
    bench.paid()
    batch = records(bench.store)
    monkeypatch.setattr(bench.store, "find_event", down)
    assert _handle(bench, *batch) == []
    assert bench.waiting_for() == [(2, "receipt", "retry")]
    assert bench.statuses()[1:] == [(2, "receipt", "failed", 1), (2, "loyalty", "owed", 0)]


def test_an_image_whose_data_cannot_be_read_fails_without_a_word_of_it(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.notes.failing["greet"] = raising(lambda effect: ValueError(effect.entity.data["email"]))
    bench.flow.create("order", "42", {"email": "canary@example.com"})
    (creation,) = records(bench.store)
    creation["dynamodb"]["NewImage"]["data"]["M"]["total"] = {"N": "canary"}
    assert _handle(bench, creation) == []
    (entry,) = bench.flow.effects("order", "42")
    # No time could mend it.
    assert bench.waiting_for() == [(1, "greet", "refused")]
    assert entry.outcomes["greet"].status == "parked"
    assert "canary" not in caplog.text + str(entry)


def test_a_batch_counts_what_became_of_it_in_one_line_and_one_for_each_hook_that_waits_for_a_person(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refused(effect: Effect) -> None:
        if effect.id == "b":
            raise Refused("no such customer")

    bench = Bench()
    bench.notes.failing |= {"receipt": raising(ConnectionError("away")), "greet": refused}
    for entity_id in "ab":
        bench.paid(entity_id)
    edited = image(bench.store, bench.store.find_entity("order", "a"))
    assert edited is not None
    batch = [*records(bench.store), record(9, edited, {**edited, "state": {"S": "shipped"}})]
    for one in batch:
        one["dynamodb"]["ApproximateCreationDateTime"] = int(bench.clock.now().timestamp()) - 2
    meter = EmfMeter("orders", bench.clock)
    StreamHandler(bench.flow.runtime, meter=meter, workers=1).handle(batch, MINUTE)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert bench.clock.slept == []
    assert metrics(lines) == {
        ("Transitions", "table=orders"): 4,
        ("EffectsDone", "table=orders"): 1,
        ("EffectsFailed", "table=orders"): 2,
        ("EffectsPutAside", "table=orders"): 1,
        ("EffectsParked",): 1,
        ("EffectsParked", "table=orders"): 1,
        ("EffectsParked", "table=orders", "kind=order", "hook=greet"): 1,
        ("Violations", "table=orders"): 1,
        ("DeliveryLag", "table=orders"): [2123.0] * 5,
    }


def test_what_was_seen_of_a_batch_is_told_also_when_it_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench()
    bench.paid()
    handler = StreamHandler(bench.flow.runtime, meter=EmfMeter("orders", bench.clock))

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(handler._deliverer, "deliver", broken)
    with pytest.raises(RuntimeError):
        handler.handle(records(bench.store), MINUTE)
    assert metrics(capsys.readouterr().out.splitlines()) == {("Transitions", "table=orders"): 2}
