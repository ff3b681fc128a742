"""A state that is left in time never fires its timer; one that is not, does, once, and by itself."""

from __future__ import annotations

import time
from datetime import timedelta

from tests.acceptance.conftest import Deployed, an_order

A_SECOND = 1.0


def timers(deployed: Deployed, pk: str) -> list[tuple[str, str]]:
    """Of which version the timers are that the table holds for an entity, and what they fire."""
    return [(i["version"]["N"], i["trigger"]["S"]) for i in deployed.items(pk) if i["sk"]["S"] == "timer"]


def test_what_is_not_taken_up_in_time_expires_and_what_is_does_not(deployed: Deployed) -> None:
    flow = deployed.flow
    set_at = flow.create("trial", "late").event.at
    flow.create("trial", "in-time")
    assert timers(deployed, "trial#late") == timers(deployed, "trial#in-time") == [("1", "expire")]
    flow.fire("trial", "in-time", "begin")

    time.sleep(A_SECOND)
    assert deployed.sweep()["timers_fired"] == 1
    deployed.settle()

    created, expired = flow.history("trial", "late")
    assert (expired.trigger, expired.target, expired.by) == ("expire", "expired", "timer")
    assert created.at == set_at
    assert (expired.at - set_at).total_seconds() >= A_SECOND
    assert deployed.effects("trial", "late") == {"2 wrap_up": ("done", 1)}
    assert flow.get("trial", "in-time").state == "begun"
    assert [event.trigger for event in flow.history("trial", "in-time")] == ["create", "begin"]
    assert timers(deployed, "trial#late") == []
    assert "timers_fired" not in deployed.sweep()


def test_an_order_that_nobody_pays_says_when_it_will_expire(deployed: Deployed) -> None:
    flow = deployed.flow
    event = flow.create("order", "unpaid", an_order("ada@unpaid.example.com")).event
    timer = flow.operations.explain("order", "unpaid").timer
    assert timer is not None
    assert (timer.trigger, timer.at - event.at) == ("expire", timedelta(minutes=30))
    flow.fire("order", "unpaid", "pay", {"amount": "59.90", "payment": "pi_1"})
    assert flow.operations.explain("order", "unpaid").timer is None
