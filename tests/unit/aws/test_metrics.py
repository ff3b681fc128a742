"""What an invocation counted, as the lines that CloudWatch makes metrics of."""

from __future__ import annotations

import json
import threading

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.emf import metrics, read_emf
from tests.samples import ORDER, definitions
from workflow import Refused, Workflow
from workflow.aws.metrics import (
    DELIVERY_LAG,
    EFFECTS_PARKED,
    LANE_WAITING,
    MOST_VALUES,
    TRANSITIONS,
    VIOLATIONS,
    WEBHOOK_ANSWERS,
    EmfMeter,
)
from workflow.runtime.metering import REFUSALS
from workflow.testing import MemoryStore


def test_a_line_is_written_for_each_set_of_dimensions_however_often_something_was_counted() -> None:
    clock = FakeClock()
    meter = EmfMeter("orders", clock)
    for _ in range(3):
        meter.count(TRANSITIONS, 2)
        meter.count(VIOLATIONS)
        meter.count(REFUSALS, kind="order", reason="GuardError")
    meter.count(REFUSALS, kind="job", reason="GuardError")
    meter.keep(DELIVERY_LAG, [250, 40])
    assert read_emf(meter.take()) == [
        {
            "_aws": {
                "Timestamp": int(clock.now().timestamp() * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": "Workflow",
                        "Dimensions": [["table"]],
                        "Metrics": [
                            {"Name": "Transitions", "Unit": "Count"},
                            {"Name": "Violations", "Unit": "Count"},
                            {"Name": "DeliveryLag", "Unit": "Milliseconds"},
                        ],
                    }
                ],
            },
            "table": "orders",
            "Transitions": 6,
            "Violations": 3,
            "DeliveryLag": [250, 40],
        },
        *(
            {
                "_aws": {
                    "Timestamp": int(clock.now().timestamp() * 1000),
                    "CloudWatchMetrics": [
                        {
                            "Namespace": "Workflow",
                            "Dimensions": [["table"], ["table", "kind", "reason"]],
                            "Metrics": [{"Name": "Refusals", "Unit": "Count"}],
                        }
                    ],
                },
                "table": "orders",
                "kind": kind,
                "reason": "GuardError",
                "Refusals": number,
            }
            for kind, number in (("job", 1), ("order", 3))
        ),
    ]
    assert meter.take() == []


def test_each_metric_has_the_dimensions_that_somebody_alarms_on() -> None:
    meter = EmfMeter("orders", FakeClock())
    meter.count(EFFECTS_PARKED, 2, kind="order", hook="")
    meter.count(EFFECTS_PARKED, 1, kind="order", hook="greet")
    meter.count(LANE_WAITING, 0, kind="job", lane="build")
    meter.count(WEBHOOK_ANSWERS, source="", outcome="unknown")
    assert metrics(meter.take()) == {
        ("EffectsParked",): 3,
        ("EffectsParked", "table=orders"): 3,
        ("EffectsParked", "table=orders", "kind=order", "hook=none"): 2,
        ("EffectsParked", "table=orders", "kind=order", "hook=greet"): 1,
        ("LaneWaiting", "table=orders", "kind=job", "lane=build"): 0,
        ("WebhookAnswers", "table=orders", "outcome=unknown"): 1,
        ("WebhookAnswers", "table=orders", "source=none", "outcome=unknown"): 1,
    }


def test_a_metric_keeps_as_many_values_as_a_line_may_hold() -> None:
    meter = EmfMeter("orders", FakeClock())
    meter.keep(DELIVERY_LAG, range(60))
    meter.keep(DELIVERY_LAG, range(60, 200))
    (document,) = read_emf(meter.take())
    assert document[DELIVERY_LAG] == list(range(MOST_VALUES))


def test_nothing_is_written_where_nothing_was_counted(capsys: pytest.CaptureFixture[str]) -> None:
    meter = EmfMeter("orders", FakeClock())
    meter.keep(DELIVERY_LAG, [])
    with meter.written():
        pass
    assert capsys.readouterr().out == ""


def test_what_was_counted_is_written_also_when_the_work_fails(capsys: pytest.CaptureFixture[str]) -> None:
    meter = EmfMeter("orders", FakeClock())

    def work() -> None:
        with meter.written():
            meter.count(TRANSITIONS)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["Transitions"] == 1


def test_threads_lose_no_count() -> None:
    meter = EmfMeter("orders", FakeClock())

    def work() -> None:
        for _ in range(2000):
            meter.count(TRANSITIONS)
            meter.count(REFUSALS, kind="order", reason="GuardError")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert metrics(meter.take()) == {
        ("Transitions", "table=orders"): 16_000,
        ("Refusals", "table=orders"): 16_000,
        ("Refusals", "table=orders", "kind=order", "reason=GuardError"): 16_000,
    }


def test_a_meter_without_a_table_still_says_something() -> None:
    meter = EmfMeter("", FakeClock())
    meter.count(TRANSITIONS)
    assert metrics(meter.take()) == {("Transitions", "table=none"): 1}


def test_who_asks_for_what_there_is_not_makes_no_dimension() -> None:
    meter = EmfMeter("orders", FakeClock())
    flow = Workflow(definitions(ORDER), MemoryStore(), meter=meter)
    for kind, entity_id, trigger in (("mine", "1", "pay"), ("order", "mine", "pay"), ("order", "mine2", "mine")):
        with pytest.raises(Refused):
            flow.fire(kind, entity_id, trigger)
        with pytest.raises(Refused):
            flow.create(kind, entity_id, {"mine": 1})
    assert metrics(meter.take()) == {
        ("Refusals", "table=orders"): 6,
        ("Refusals", "table=orders", "kind=none", "reason=UnknownKindError"): 2,
        ("Refusals", "table=orders", "kind=order", "reason=EntityNotFoundError"): 2,
        ("Refusals", "table=orders", "kind=order", "reason=PayloadError"): 2,
    }
