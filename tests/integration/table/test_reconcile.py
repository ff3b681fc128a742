"""A third of the stream is lost: reconcile and the sweeper restore all of it, on DynamoDB's own engine."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.fakes.clock import FakeClock
from tests.integration.table.conftest import OnTable, open_on
from workflow.aws.records import TableRecords
from workflow.operations import Operations
from workflow.runtime import reconcile
from workflow.runtime.changes import Change, Copies
from workflow.runtime.deliver import Deliverer
from workflow.runtime.records import WalkProgress
from workflow.runtime.sweep import Sweeper

ENTITIES = 300


@pytest.fixture
def half_delivered(dynamodb_local_url: str) -> OnTable:
    """Orders that were paid ten minutes ago; every third one's change never came by."""
    clock = FakeClock()
    opened = open_on(dynamodb_local_url, clock)

    def pay(number: int) -> Change | None:
        before = opened.flow.create("order", str(number)).entity
        paid = opened.flow.fire("order", str(number), "pay", {"amount": 1}, held=before)
        copies = Copies(before, paid.entity, paid.event)
        place = ("order", str(number), 1, 2, "placed", "paid", 1, "pay", str(number), copies)
        return Change(*place) if number % 3 else None

    with ThreadPoolExecutor(8) as pool:
        changes = [change for change in pool.map(pay, range(ENTITIES)) if change]
    delivered = Deliverer(opened.flow.runtime).deliver(changes, until=clock.now() + timedelta(minutes=1))
    assert delivered.failed == []
    clock.advance(600)
    return opened


def _operations(on_table: OnTable) -> Operations:
    return Operations(on_table.flow.runtime, TableRecords(on_table.client, on_table.table))


def test_a_third_of_the_stream_is_restored_after_an_interruption_and_verify_finds_nothing(
    half_delivered: OnTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    operations, clock = _operations(half_delivered), half_delivered.flow.runtime.clock
    monkeypatch.setattr(reconcile, "_KEEP_EVERY", 10)

    def stop(progress: WalkProgress) -> None:
        if progress.looked_at >= ENTITIES // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        operations.reconcile(on_progress=stop)
    found = operations.reconcile()
    assert found.broken == []
    for _ in range(3):
        Sweeper(half_delivered.flow.runtime).sweep(until=clock.now() + timedelta(minutes=1))
    assert Counter(half_delivered.notes.keys) == {
        f"order#{number}#2#{hook}": 1 for number in range(ENTITIES) for hook in ("receipt", "loyalty")
    }
    verified = operations.verify()
    assert (verified.findings, verified.entities, verified.effects) == ([], ENTITIES, 2 * ENTITIES)
