"""Whatever a stream shows, nothing is lost of an entity one of whose events was damaged by hand (promise 4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.records import records, seen
from tests.unit.runtime.delivery import Bench
from workflow.aws.stream import look, plans

VIEWS = ("NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY")


def _lived(triggers: list[str]) -> Bench:
    bench = Bench(workers=1)
    bench.paid()
    for trigger in triggers:
        bench.flow.fire("order", "42", trigger)
    return bench


def _deliver(bench: Bench, given: list[dict[str, Any]], cuts: set[int]) -> None:
    """The records, in batches that are cut there."""
    for first, last in zip([0, *sorted(cuts)], [*sorted(cuts), len(given)], strict=True):
        found = look(given[first:last], plans(bench.flow.definitions))
        until = bench.clock.now() + timedelta(minutes=1)
        assert bench.deliverer.deliver(found.changes, until=until, partial=found.partial).failed == []


@pytest.mark.parametrize("view", VIEWS)
@settings(max_examples=100, deadline=None)
@given(st.data())
def test_what_a_damaged_event_holds_up_waits_for_a_person_and_runs_once_it_is_mended(
    view: str, data: st.DataObject
) -> None:
    notes = data.draw(st.integers(0, 4))
    bench = _lived(["annotate"] * notes + data.draw(st.sampled_from([[], ["ship"], ["cancel"]])))
    last = bench.flow.get("order", "42").version
    whole = [(event.version, "done") for event in bench.flow.history("order", "42") if event.owing == event.version]
    version, brought = data.draw(st.integers(1, last)), seen(view, records(bench.store))
    bench.store.damaged.add(("order", "42", version))
    _deliver(bench, brought, data.draw(st.sets(st.integers(1, last - 1))))
    bench.store.damaged.clear()
    if waiting := bench.waiting_for():
        ((at, _, why),) = waiting
        assert (why, at >= version) == ("broken", True)
        bench.flow.operations.redrive("order", "42")
        bench.sweep()
    settled = dict.fromkeys((version, status) for version, _, status, _ in bench.statuses())
    assert (list(settled), bench.waiting_for()) == (whole, [])
    assert [run[1] for run in bench.notes.ran] == sorted(run[1] for run in bench.notes.ran)
    assert len(set(bench.notes.keys)) == len(bench.notes.ran)
