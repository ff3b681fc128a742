"""Who waits at a moment, counted on the indexes of a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.emf import metrics
from tests.integration.table.conftest import OnTable
from tests.samples import JOB, definitions
from workflow import Workflow
from workflow.aws import gauges
from workflow.aws.gauges import Gauges
from workflow.aws.ledger import TableLedger
from workflow.aws.metrics import EmfMeter
from workflow.aws.table import TableStore
from workflow.runtime.ledger_entry import OWED, LedgerEntry, Parked

KINDS = definitions(JOB)


def _counted(on_table: OnTable, **given: Any) -> dict[tuple[str, ...], Any]:
    meter = EmfMeter("shop", FakeClock())
    table, kinds = given.pop("table", on_table.table), given.pop("kinds", KINDS)
    Gauges(on_table.client, table, kinds, **given).count(meter)
    return metrics(meter.take())


def _park(on_table: OnTable, number: int, *, by_itself: bool = False, region: str = "") -> None:
    now = on_table.flow.runtime.clock.now()
    parked = Parked("receipt", "attempts", now, now + timedelta(minutes=1) if by_itself else None)
    entry = LedgerEntry("order", str(number), 2, "", now, {"receipt": OWED}, parked)
    assert TableLedger(on_table.client, on_table.table, region).put(entry, None) is None


def test_those_are_counted_that_wait_for_a_person_and_in_each_lane_those_that_wait_for_their_turn(
    on_table: OnTable,
) -> None:
    assert _counted(on_table) == {
        ("ParkedNow", "table=shop"): 0,
        ("LaneWaiting", "table=shop", "kind=job", "lane=build"): 0,
    }
    for number in range(12):
        _park(on_table, number, by_itself=number >= 9)
    store, ledger = TableStore(on_table.client, on_table.table), TableLedger(on_table.client, on_table.table)
    jobs = Workflow(KINDS, store, ledger=ledger, clock=on_table.flow.runtime.clock, hooks_required=False)
    for number in range(5):
        jobs.create("job", str(number), {"repository": f"acme/{number % 2}"})
    jobs.fire("job", "4", "start")
    on_table.wire.sent.clear()
    assert _counted(on_table) == {
        ("ParkedNow", "table=shop"): 9,
        ("LaneWaiting", "table=shop", "kind=job", "lane=build"): 4,
    }
    # A query for each share of the index, and one for each lane.
    assert len(on_table.wire.sent) == 9


def test_who_waits_where_an_older_version_says_is_counted_too(on_table: OnTable) -> None:
    lane = replace(JOB.lanes["build"], waiting="queued")
    queued = replace(JOB.states["pending"], name="queued")
    newer = replace(JOB, version=2, initial="queued", states={**JOB.states, "queued": queued}, lanes={"build": lane})
    store, ledger = TableStore(on_table.client, on_table.table), TableLedger(on_table.client, on_table.table)
    for number, version in enumerate((JOB, JOB, newer)):
        flow = Workflow(definitions(version), store, ledger=ledger, hooks_required=False)
        flow.create("job", str(number), {"repository": "acme/0"})
    assert _counted(on_table, kinds=definitions(JOB, newer)) == {
        ("ParkedNow", "table=shop"): 0,
        ("LaneWaiting", "table=shop", "kind=job", "lane=build"): 3,
    }


def test_no_count_passes_over_more_than_so_many(on_table: OnTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "MOST_COUNTED", 1)
    for number in range(60):
        _park(on_table, number)
    assert _counted(on_table)["ParkedNow", "table=shop"] == 8


def test_in_a_global_table_each_region_counts_its_own(on_table: OnTable) -> None:
    _park(on_table, 1)
    for number in (2, 3):
        _park(on_table, number, region="eu-west-1")
    assert _counted(on_table)["ParkedNow", "table=shop"] == 1
    assert _counted(on_table, region="eu-west-1")["ParkedNow", "table=shop"] == 2


def test_what_cannot_be_counted_is_in_the_log_and_stops_nothing(
    on_table: OnTable, caplog: pytest.LogCaptureFixture
) -> None:
    assert _counted(on_table, table="elsewhere") == {}
    assert caplog.messages[0].startswith("who waits is not counted: counting 'parked#0' in table elsewhere: ")
