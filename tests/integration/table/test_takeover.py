"""Taking over the effects of a delivery that is gone, or only slow, on a bad network (promise 4)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.fakes.faults import lose_response, pass_through
from tests.integration.table.conftest import OnTable
from workflow.errors import ClaimError
from workflow.runtime.ledger_entry import LedgerEntry, Outcome

NOW = datetime.fromisoformat("2026-01-31T12:00:00Z")
LATER = NOW + timedelta(seconds=61)


def _claim(owner: str, at: datetime = NOW) -> LedgerEntry:
    return LedgerEntry("order", "42", 1, owner, at + timedelta(seconds=60), {"greet": Outcome(), "bill": Outcome()})


def test_a_slow_owner_who_commits_while_another_takes_over_is_not_forgotten(on_table: OnTable) -> None:
    ledger = on_table.flow.runtime.ledger
    slow = ledger.claim(_claim("slow"), NOW)
    done = Outcome("done", 1, LATER, 1)

    def commits_now(request: object) -> None:
        on_table.wire.faults.clear()
        ledger.commit(slow, "greet", done)

    on_table.wire.fail(pass_through, commits_now, operation="PutItem")  # type: ignore[arg-type]
    with pytest.raises(ClaimError, match="taken by another delivery at the same moment"):
        ledger.claim(_claim("other", LATER), LATER)
    taken = ledger.claim(_claim("other", LATER), LATER)
    assert taken == _claim("other", LATER)._replace(outcomes={"greet": done, "bill": Outcome("owed", 1)})


def test_a_failure_that_is_committed_while_another_takes_over_is_not_forgotten(on_table: OnTable) -> None:
    ledger = on_table.flow.runtime.ledger
    slow = ledger.claim(_claim("slow"), NOW)
    failed = Outcome("failed", 1, LATER, 1, "ValueError: no")

    def commits_now(request: object) -> None:
        on_table.wire.faults.clear()
        ledger.commit(slow, "greet", failed)

    on_table.wire.fail(pass_through, commits_now, operation="PutItem")  # type: ignore[arg-type]
    with pytest.raises(ClaimError):
        ledger.claim(_claim("other", LATER), LATER)
    (entry,) = ledger.entries("order", "42")
    assert (entry.owner, entry.outcomes["greet"]) == ("slow", failed)


def test_a_first_claim_whose_answer_was_lost_is_ours(on_table: OnTable) -> None:
    on_table.wire.fail(lose_response, operation="PutItem")
    assert on_table.flow.runtime.ledger.claim(_claim("one"), NOW) == _claim("one")
    assert on_table.wire.operations() == ["PutItem", "PutItem"]


def test_a_take_over_whose_answer_was_lost_is_ours(on_table: OnTable) -> None:
    ledger = on_table.flow.runtime.ledger
    ledger.claim(_claim("gone"), NOW)
    on_table.wire.fail(pass_through, lose_response, operation="PutItem")
    taken = ledger.claim(_claim("one", LATER), LATER)
    assert (taken.owner, taken.outcomes["greet"].attempts) == ("one", 1)
    assert list(ledger.entries("order", "42")) == [taken]


def test_an_outcome_whose_answer_was_lost_is_committed_once(on_table: OnTable) -> None:
    ledger = on_table.flow.runtime.ledger
    entry = ledger.claim(_claim("one"), NOW)
    on_table.wire.fail(lose_response, operation="UpdateItem")
    ledger.commit(entry, "greet", Outcome("done", 1, NOW, 1))
    (kept,) = ledger.entries("order", "42")
    assert kept.outcomes == {"greet": Outcome("done", 1, NOW, 1), "bill": Outcome()}
