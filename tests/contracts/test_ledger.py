"""What every ledger promises: one owner at a time, outcomes fenced by it, and nothing forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.contracts.conftest import Ports
from workflow.errors import ClaimError, LeaseLostError
from workflow.runtime.ledger_entry import LedgerEntry, Outcome

NOW = datetime.fromisoformat("2026-01-31T12:00:00.250Z")
LEASE_END = NOW + timedelta(seconds=60)
LATER = LEASE_END + timedelta(milliseconds=1)


def _claim(owner: str = "one", *, version: int = 7, hooks: tuple[str, ...] = ("zebra", "aardvark")) -> LedgerEntry:
    return LedgerEntry("order", "42", version, owner, LEASE_END, {hook: Outcome() for hook in hooks})


def _done(attempt: int = 1, *, seconds: int = 1) -> Outcome:
    return Outcome("done", attempt, NOW + timedelta(seconds=seconds), took_ms=12)


def _failed(attempt: int = 1, *, seconds: int = 1) -> Outcome:
    return Outcome("failed", attempt, NOW + timedelta(seconds=seconds), took_ms=5, error="ValueError: ü \n no")


def test_a_first_claim_takes_all_effects_of_the_event(ports: Ports) -> None:
    assert ports.ledger.claim(_claim(), NOW) == _claim()
    assert list(ports.ledger.entries("order", "42")) == [_claim()]


def test_while_a_lease_lasts_nobody_else_gets_the_effects(ports: Ports) -> None:
    ports.ledger.claim(_claim("one"), NOW)
    with pytest.raises(ClaimError, match="effects of order 42 version 7"):
        ports.ledger.claim(_claim("other"), LEASE_END - timedelta(milliseconds=1))
    assert list(ports.ledger.entries("order", "42")) == [_claim("one")]


def test_a_claim_repeated_by_its_owner_is_the_same_claim(ports: Ports) -> None:
    ports.ledger.claim(_claim(), NOW)
    assert ports.ledger.claim(_claim(), NOW + timedelta(seconds=1)) == _claim()


def test_an_outcome_is_kept_with_all_it_says(ports: Ports) -> None:
    entry = ports.ledger.claim(_claim(), NOW)
    ports.ledger.commit(entry, "zebra", _done())
    outcomes = {"zebra": _done(), "aardvark": Outcome()}
    assert list(ports.ledger.entries("order", "42")) == [_claim()._replace(outcomes=outcomes)]


def test_committing_an_outcome_again_changes_nothing(ports: Ports) -> None:
    entry = ports.ledger.claim(_claim(), NOW)
    ports.ledger.commit(entry, "zebra", _done())
    ports.ledger.commit(entry, "zebra", _done())
    assert list(ports.ledger.entries("order", "42")) == [
        _claim()._replace(outcomes={"zebra": _done(), "aardvark": Outcome()})
    ]


def test_settled_effects_are_shown_and_not_taken(ports: Ports) -> None:
    entry = ports.ledger.claim(_claim("one"), NOW)
    for hook in ("zebra", "aardvark"):
        ports.ledger.commit(entry, hook, _done())
    settled = _claim("one")._replace(outcomes={"zebra": _done(), "aardvark": _done()})
    assert ports.ledger.claim(_claim("other"), NOW) == settled
    assert ports.ledger.claim(_claim("other"), LATER) == settled
    assert settled.settled
    assert list(ports.ledger.entries("order", "42")) == [settled]


def test_hooks_keep_the_order_they_run_in(ports: Ports) -> None:
    hooks = tuple(f"hook_{number}" for number in (9, 1, 10, 2, 5, 0, 3))
    ports.ledger.claim(_claim(hooks=hooks), NOW)
    assert [list(entry.outcomes) for entry in ports.ledger.entries("order", "42")] == [list(hooks)]
    with pytest.raises(ClaimError):
        ports.ledger.claim(_claim("other", hooks=hooks), NOW)
    taken = ports.ledger.claim(_claim("other", hooks=hooks)._replace(lease_until=LATER), LATER)
    assert list(taken.outcomes) == list(hooks)


def test_taking_over_a_lease_that_ran_out_counts_an_attempt_for_the_hook_that_was_next(ports: Ports) -> None:
    entry = ports.ledger.claim(_claim("one"), NOW)
    ports.ledger.commit(entry, "zebra", _done())
    wanted = _claim("other")._replace(lease_until=LATER + timedelta(seconds=60))
    taken = ports.ledger.claim(wanted, LATER)
    assert taken == wanted._replace(outcomes={"zebra": _done(), "aardvark": Outcome("owed", 1)})
    assert list(ports.ledger.entries("order", "42")) == [taken]


def test_a_lease_is_over_at_the_moment_it_ends(ports: Ports) -> None:
    ports.ledger.claim(_claim("one"), NOW)
    assert ports.ledger.claim(_claim("other"), LEASE_END).owner == "other"


def test_an_owner_whose_lease_passed_on_commits_nothing(ports: Ports) -> None:
    lost = ports.ledger.claim(_claim("one"), NOW)
    taken = ports.ledger.claim(_claim("other"), LATER)
    with pytest.raises(LeaseLostError, match="zebra"):
        ports.ledger.commit(lost, "zebra", _done())
    assert list(ports.ledger.entries("order", "42")) == [taken]
    ports.ledger.commit(taken, "zebra", _done(2))
    with pytest.raises(LeaseLostError):
        ports.ledger.commit(lost, "zebra", _failed())
    assert [entry.outcomes["zebra"] for entry in ports.ledger.entries("order", "42")] == [_done(2)]


def test_an_owner_who_never_claimed_commits_nothing(ports: Ports) -> None:
    with pytest.raises(LeaseLostError):
        ports.ledger.commit(_claim(), "zebra", _done())
    assert list(ports.ledger.entries("order", "42")) == []


def test_a_failure_ends_the_lease_and_keeps_its_attempt(ports: Ports) -> None:
    entry = ports.ledger.claim(_claim("one"), NOW)
    ports.ledger.commit(entry, "zebra", _failed())
    ended = _claim("one")._replace(lease_until=_failed().at, outcomes={"zebra": _failed(), "aardvark": Outcome()})
    assert list(ports.ledger.entries("order", "42")) == [ended]
    taken = ports.ledger.claim(_claim("other"), NOW + timedelta(seconds=1))
    assert taken.owner == "other"
    assert taken.outcomes["zebra"].attempts == 1
    assert not taken.settled


def test_an_attempt_cut_off_after_a_failure_counts_as_well(ports: Ports) -> None:
    entry = ports.ledger.claim(_claim("one"), NOW)
    ports.ledger.commit(entry, "zebra", _failed(1))
    ports.ledger.claim(_claim("two"), NOW + timedelta(seconds=1))
    third = ports.ledger.claim(_claim("three"), LATER)
    assert third.outcomes["zebra"].attempts == 2
    assert third.outcomes["aardvark"] == Outcome()


def test_the_ledger_of_an_entity_comes_in_version_order(ports: Ports) -> None:
    for version in (10, 9, 100, 1):
        ports.ledger.claim(_claim(version=version), NOW)
    ports.ledger.claim(_claim()._replace(entity_id="43"), NOW)
    assert [entry.version for entry in ports.ledger.entries("order", "42")] == [1, 9, 10, 100]
    assert [entry.version for entry in ports.ledger.entries("order", "43")] == [7]
    assert list(ports.ledger.entries("order", "44")) == []


def test_effects_of_one_version_are_claimed_apart_from_anothers(ports: Ports) -> None:
    ports.ledger.claim(_claim("one", version=1), NOW)
    assert ports.ledger.claim(_claim("other", version=2), NOW) == _claim("other", version=2)


def test_a_lease_on_no_whole_millisecond_never_lasts_longer_than_said(ports: Ports) -> None:
    end = NOW + timedelta(microseconds=700)
    ports.ledger.claim(_claim("one")._replace(lease_until=end), NOW)
    assert ports.ledger.claim(_claim("other"), end).owner == "other"


def test_effects_let_go_are_anybodys_at_once_and_count_no_attempt(ports: Ports) -> None:
    entry = ports.ledger.claim(_claim("one"), NOW)
    ports.ledger.release(entry, NOW)
    assert ports.ledger.claim(_claim("two"), NOW).outcomes == {"zebra": Outcome(), "aardvark": Outcome()}
    for late in (lambda: ports.ledger.release(entry, NOW), lambda: ports.ledger.commit(entry, "zebra", _done())):
        with pytest.raises(LeaseLostError):
            late()
