"""What every ledger promises: written if what was found still stands, or by its owner; and nothing forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.contracts.conftest import Ports
from workflow.errors import LeaseLostError
from workflow.runtime.ledger_entry import OWED, RELEASED, Attempt, LedgerEntry, Outcome, Parked

NOW = datetime.fromisoformat("2026-01-31T12:00:00.250Z")
LEASE_END = NOW + timedelta(seconds=60)
LATER = LEASE_END + timedelta(milliseconds=1)


def _entry(owner: str = "one", *, version: int = 7, hooks: tuple[str, ...] = ("zebra", "aardvark")) -> LedgerEntry:
    return LedgerEntry("order", "42", version, owner, LEASE_END, dict.fromkeys(hooks, OWED))


def _aside(at: datetime | None = NOW, *, since: datetime = NOW) -> Parked:
    return Parked("zebra", "retry" if at else "attempts", since, at, "ValueError: ü \n no")


DONE = Outcome("done", 1, NOW + timedelta(microseconds=1), took_ms=12)
FULL = Outcome(
    "parked",
    3,
    NOW + timedelta(microseconds=7),
    took_ms=5,
    error="ValueError: ü \n no",
    trace="line 1\nline 2",
    earlier=(Attempt(NOW, 1, "KeyError: a"), Attempt(NOW + timedelta(microseconds=3), 0, "KeyError: b")),
    note="caught by 'decline'",
    forgiven=2,
)


def _standing(ports: Ports, version: int = 7) -> LedgerEntry | None:
    return ports.ledger.find("order", "42", version)


def test_an_entry_is_put_where_nothing_stands(ports: Ports) -> None:
    assert ports.ledger.put(_entry(), None) is None
    assert _standing(ports) == _entry()
    assert list(ports.ledger.entries("order", "42")) == [_entry()]


def test_what_was_never_put_is_not_found(ports: Ports) -> None:
    ports.ledger.put(_entry(), None)
    assert [ports.ledger.find(*key) for key in (("order", "42", 8), ("order", "43", 7), ("job", "42", 7))] == [None] * 3


def test_where_something_stands_nothing_is_put_and_what_stands_is_told(ports: Ports) -> None:
    ports.ledger.put(_entry("one"), None)
    assert ports.ledger.put(_entry("other"), None) == _entry("one")
    assert _standing(ports) == _entry("one")


@pytest.mark.parametrize(
    "outcome", [OWED, DONE, FULL, Outcome("unknown", 1), Outcome("skipped", 2, NOW, error="x", note="by Ada: ü")]
)
@pytest.mark.parametrize("parked", [None, _aside(), _aside(None), Parked("", "following", NOW, LATER)])
def test_an_entry_is_kept_with_all_it_says(ports: Ports, outcome: Outcome, parked: Parked | None) -> None:
    entry = _entry()._replace(outcomes={"zebra": outcome, "aardvark": DONE}, parked=parked)
    ports.ledger.put(entry, None)
    assert _standing(ports) == entry
    after = entry._replace(owner="other", lease_until=LATER, outcomes={"zebra": DONE, "aardvark": OWED}, parked=None)
    assert ports.ledger.put(after, entry) is None
    assert _standing(ports) == after
    assert list(ports.ledger.entries("order", "42")) == [after]


@pytest.mark.parametrize(
    "meanwhile",
    [
        {"owner": "somebody"},
        {"lease_until": LATER},
        {"outcomes": {"zebra": DONE, "aardvark": OWED}},
        {"outcomes": {"zebra": OWED, "aardvark": Outcome("owed", 1)}},
        {"parked": None},
        {"parked": _aside()._replace(next_at=LATER)},
        {"parked": _aside()._replace(next_at=None)},
        {"parked": _aside()._replace(why="paused")},
        {"parked": _aside()._replace(error="")},
        {"parked": _aside(since=LATER)},
    ],
    ids=str,
)
def test_an_entry_that_is_not_as_it_was_found_stays_and_is_told(ports: Ports, meanwhile: dict[str, object]) -> None:
    found = _entry()._replace(parked=_aside())
    stands = found._replace(**meanwhile)
    ports.ledger.put(stands, None)
    assert ports.ledger.put(_entry("other"), found) == stands
    assert _standing(ports) == stands
    assert ports.ledger.put(_entry("other"), stands) is None
    assert _standing(ports) == _entry("other")


def test_an_entry_that_was_put_aside_meanwhile_is_not_as_it_was_found(ports: Ports) -> None:
    stands = _entry()._replace(parked=_aside())
    ports.ledger.put(stands, None)
    assert ports.ledger.put(_entry("other"), _entry()) == stands
    assert _standing(ports) == stands


def test_what_was_found_and_is_gone_is_not_put(ports: Ports) -> None:
    assert ports.ledger.put(_entry("other"), _entry("one")) is not None
    assert _standing(ports) is None


def test_an_outcome_is_committed_and_the_others_stay(ports: Ports) -> None:
    ports.ledger.put(_entry(), None)
    for hook in ("aardvark", "zebra"):
        ports.ledger.commit("one", _entry().with_outcome(hook, FULL), hook)
    assert _standing(ports) == _entry()._replace(outcomes={"zebra": FULL, "aardvark": FULL})


def test_committing_an_outcome_again_changes_nothing(ports: Ports) -> None:
    ports.ledger.put(_entry(), None)
    for _ in range(2):
        ports.ledger.commit("one", _entry().with_outcome("zebra", DONE), "zebra")
    assert _standing(ports) == _entry().with_outcome("zebra", DONE)


def test_a_commit_without_a_hook_leaves_every_outcome(ports: Ports) -> None:
    ports.ledger.put(_entry().with_outcome("zebra", DONE), None)
    after = _entry(RELEASED)._replace(lease_until=NOW, parked=_aside())
    ports.ledger.commit("one", after)
    assert _standing(ports) == after.with_outcome("zebra", DONE)


def test_a_commit_sets_and_clears_that_the_entity_is_put_aside(ports: Ports) -> None:
    ports.ledger.put(_entry(), None)
    for parked in (_aside(), _aside(None), Parked("", "following", NOW, NOW), None):
        after = _entry()._replace(parked=parked)
        ports.ledger.commit("one", after)
        assert _standing(ports) == after
        due = [] if parked is None or parked.next_at is None else [7]
        assert [one.version for one in ports.ledger.due(NOW)] == due
        assert list(ports.ledger.parked()) == ([after] if parked else [])


def test_an_owner_to_whom_the_entry_passed_commits_nothing(ports: Ports) -> None:
    ports.ledger.put(_entry("one"), None)
    ports.ledger.put(_entry("other"), _entry("one"))
    for hook in ("zebra", ""):
        with pytest.raises(LeaseLostError, match="effects of order 42 version 7"):
            ports.ledger.commit("one", _entry("one")._replace(parked=_aside()).with_outcome("zebra", DONE), hook)
    assert _standing(ports) == _entry("other")
    ports.ledger.commit("other", _entry("other").with_outcome("zebra", DONE), "zebra")
    assert _standing(ports) == _entry("other").with_outcome("zebra", DONE)


def test_an_owner_who_gave_the_entry_away_commits_no_more(ports: Ports) -> None:
    ports.ledger.put(_entry("one"), None)
    released = _entry(RELEASED)._replace(lease_until=NOW)
    ports.ledger.commit("one", released)
    with pytest.raises(LeaseLostError):
        ports.ledger.commit("one", _entry("one").with_outcome("zebra", DONE), "zebra")
    assert _standing(ports) == released


def test_nothing_is_committed_where_nothing_stands(ports: Ports) -> None:
    for hook in ("zebra", ""):
        with pytest.raises(LeaseLostError):
            ports.ledger.commit("one", _entry("one"), hook)
    assert _standing(ports) is None


def test_hooks_keep_the_order_they_run_in(ports: Ports) -> None:
    hooks = tuple(f"hook_{number}" for number in (9, 1, 10, 2, 5, 0, 3))
    entry = _entry(hooks=hooks)
    ports.ledger.put(entry, None)
    ports.ledger.commit("one", entry.with_outcome("hook_5", DONE), "hook_5")
    found = _standing(ports)
    assert found is not None
    told = ports.ledger.put(_entry("other", hooks=hooks), None)
    assert told is not None
    assert list(found.outcomes) == list(told.outcomes) == list(hooks)


def test_the_ledger_of_an_entity_comes_in_version_order(ports: Ports) -> None:
    for version in (10, 9, 100, 1):
        ports.ledger.put(_entry(version=version), None)
    ports.ledger.put(_entry()._replace(entity_id="43"), None)
    assert [entry.version for entry in ports.ledger.entries("order", "42")] == [1, 9, 10, 100]
    assert [entry.version for entry in ports.ledger.entries("order", "43")] == [7]
    assert list(ports.ledger.entries("order", "44")) == []


def test_a_lease_on_no_whole_millisecond_never_lasts_longer_than_said(ports: Ports) -> None:
    end = NOW + timedelta(microseconds=700)
    entry = _entry()._replace(lease_until=end)
    ports.ledger.put(entry, None)
    found = _standing(ports)
    assert found is not None
    assert NOW <= found.lease_until <= end
    # What was found may be given back as it was written, or as it was read.
    assert ports.ledger.put(_entry("other"), found) is None
    ports.ledger.put(entry._replace(version=8), None)
    assert ports.ledger.put(_entry("other", version=8), entry._replace(version=8)) is None
