"""Taking over the effects of a delivery that is gone, or only slow, on a bad network (promise 4)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.faults import lose_response, pass_through
from tests.integration.table.conftest import OnTable
from tests.writes import creation
from workflow.errors import ClaimError
from workflow.runtime.changes import Change, Copies
from workflow.runtime.claims import Claims
from workflow.runtime.ledger_entry import OWED, LedgerEntry, Outcome, Parked

CHANGE = Change("order", "42", 0, 1, "", "placed", 1, "create", "1", Copies(None, creation().after))


def _claims(on_table: OnTable, owner: str) -> Claims:
    runtime = on_table.flow.runtime
    return Claims(runtime.ledger, runtime.clock, owner, runtime.clock.now() + timedelta(seconds=60))


def _claim(on_table: OnTable, owner: str) -> LedgerEntry:
    entry = _claims(on_table, owner).claim(CHANGE, ("greet", "bill"))
    assert entry is not None
    return entry


@pytest.mark.parametrize("status", ["done", "failed"])
def test_what_a_slow_owner_commits_while_another_takes_over_is_not_forgotten(
    on_table: OnTable, clock: FakeClock, status: str
) -> None:
    slow = _claim(on_table, "slow")
    clock.advance(61)
    outcome = Outcome(status, 1, clock.now(), 1, "" if status == "done" else "ValueError: no")  # type: ignore[arg-type]

    def commits_now(request: object) -> None:
        on_table.wire.faults.clear()
        _claims(on_table, "slow").commit(slow.with_outcome("greet", outcome), "greet")

    on_table.wire.fail(pass_through, commits_now, operation="PutItem")  # type: ignore[arg-type]
    with pytest.raises(ClaimError, match="taken by another delivery at the same moment"):
        _claim(on_table, "other")
    assert on_table.flow.effects("order", "42")[0].outcomes == {"greet": outcome, "bill": OWED}
    taken = _claim(on_table, "other")
    expected = (
        {"greet": outcome, "bill": Outcome("unknown", 1)}
        if status == "done"
        else {"greet": outcome._replace(status="owed"), "bill": OWED}
    )
    assert (taken.owner, taken.outcomes) == ("other", expected)
    assert list(on_table.flow.effects("order", "42")) == [
        taken._replace(lease_until=on_table.flow.effects("order", "42")[0].lease_until)
    ]


def test_a_first_claim_whose_answer_was_lost_is_ours(on_table: OnTable) -> None:
    on_table.wire.fail(lose_response, operation="PutItem")
    assert _claim(on_table, "one").outcomes == {"greet": OWED, "bill": OWED}
    assert on_table.wire.operations() == ["PutItem", "PutItem"]


def test_a_take_over_whose_answer_was_lost_is_ours(on_table: OnTable, clock: FakeClock) -> None:
    _claim(on_table, "gone")
    clock.advance(61)
    on_table.wire.fail(pass_through, lose_response, operation="PutItem")
    taken = _claim(on_table, "one")
    (stands,) = on_table.flow.effects("order", "42")
    assert (stands.owner, stands.outcomes) == ("one", {"greet": Outcome("unknown", 1), "bill": OWED})
    assert taken.is_as(stands)


def test_an_outcome_whose_answer_was_lost_is_committed_once(on_table: OnTable, clock: FakeClock) -> None:
    entry = _claim(on_table, "one")
    on_table.wire.fail(lose_response, operation="UpdateItem")
    done = Outcome("done", 1, clock.now(), 1)
    _claims(on_table, "one").commit(entry.with_outcome("greet", done), "greet")
    (kept,) = on_table.flow.effects("order", "42")
    assert kept.outcomes == {"greet": done, "bill": OWED}


def test_giving_an_entry_away_whose_answer_was_lost_is_no_lost_lease(on_table: OnTable, clock: FakeClock) -> None:
    """Repeated, it no longer finds its owner."""
    entry = _claim(on_table, "one")
    on_table.wire.fail(lose_response, operation="UpdateItem")
    parked = Parked("greet", "retry", clock.now(), clock.now(), "no")
    _claims(on_table, "one").put_aside(entry, "greet", parked)
    (kept,) = on_table.flow.effects("order", "42")
    assert (kept.owner, kept.parked) == ("", parked)
    assert on_table.wire.operations().count("UpdateItem") == 2


def test_an_entry_whose_answer_was_lost_is_told_as_written(on_table: OnTable, clock: FakeClock) -> None:
    ledger = on_table.flow.runtime.ledger
    entry = LedgerEntry(
        "order", "42", 1, "one", clock.now(), {"greet": OWED, "bill": Outcome("failed", 1, clock.now())}
    )
    taken = entry._replace(owner="other", parked=Parked("greet", "following", clock.now(), clock.now()))
    for after, found in ((entry, None), (taken, entry)):
        on_table.wire.sent.clear()
        on_table.wire.fail(lose_response, operation="PutItem")
        assert ledger.put(after, found) is None
        assert on_table.wire.operations() == ["PutItem", "PutItem"]
    assert [one._replace(lease_until=clock.now()) for one in ledger.entries("order", "42")] == [
        taken._replace(lease_until=clock.now())
    ]


def test_an_entry_that_somebody_took_after_the_answer_was_lost_is_theirs(on_table: OnTable, clock: FakeClock) -> None:
    ledger = on_table.flow.runtime.ledger
    entry = LedgerEntry("order", "42", 1, "one", clock.now(), {"greet": OWED})

    def taken(request: object) -> None:
        on_table.wire.faults.clear()
        (stands,) = ledger.entries("order", "42")
        assert ledger.put(entry._replace(owner="other"), stands) is None

    on_table.wire.fail(lose_response, taken, operation="PutItem")  # type: ignore[arg-type]
    stands = ledger.put(entry, None)
    assert stands is not None
    assert stands.owner == "other"
