"""What every store promises about a transition that an effect asks for: both are written, or neither."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contracts.conftest import Ports
from tests.writes import BEGINNING, committed, creation, requested, step
from workflow.runtime.ledger_entry import OWED, LedgerEntry, Outcome, Parked, Settlement
from workflow.runtime.ports import Contested, SetTimer, Write

DONE = Outcome("done", 2, BEGINNING, 12, note="ü")
HELD = LedgerEntry("order", "42", 1, "one", BEGINNING.replace(microsecond=0), {"zebra": OWED, "aardvark": OWED})
AFTER = HELD._replace(parked=Parked("", "following", BEGINNING, BEGINNING)).with_outcome("zebra", DONE)


def _settling(write: Write, owner: str = "one", after: LedgerEntry = AFTER) -> Write:
    return replace(write, settles=Settlement(owner, after, "zebra"))


def _with_more(write: Write, more: str) -> Write:
    """The same with a request, a timer, or both."""
    if "request" in more:
        write = requested(write, "r")
    if "timer" in more:
        at = BEGINNING + timedelta(seconds=60)
        write = replace(write, timer=SetTimer("order", "42", write.event.version, "expire", at))
    return write


each_part = pytest.mark.parametrize("more", ["", "request", "timer", "request and timer"])


@each_part
def test_outcome_and_transition_are_written_together(ports: Ports, more: str) -> None:
    first = committed(ports.store, creation())
    ports.ledger.put(HELD, None)
    write = committed(ports.store, _settling(_with_more(step(first.after), more)))
    assert ports.store.find_entity("order", "42") == write.after
    assert list(ports.store.events("order", "42")) == [first.event, write.event]
    assert ports.store.find_timer("order", "42") == write.timer
    assert ports.store.find_request("order", "42", "r") == write.request
    assert ports.ledger.find("order", "42", 1) == AFTER


@each_part
@pytest.mark.parametrize("holder", ["other", "nobody"])
def test_an_owner_who_lost_the_entry_writes_neither(ports: Ports, more: str, holder: str) -> None:
    first = committed(ports.store, creation())
    stands = HELD._replace(owner="other") if holder == "other" else None
    if stands:
        ports.ledger.put(stands, None)
    write = _settling(_with_more(step(first.after), more))
    assert ports.store.commit(write) == Contested(None, None, None, lease_lost=True)
    assert ports.store.find_entity("order", "42") == first.after
    assert list(ports.store.events("order", "42")) == [first.event]
    assert ports.store.find_timer("order", "42") is None
    assert ports.store.find_request("order", "42", "r") is None
    assert ports.ledger.find("order", "42", 1) == stands


@each_part
def test_a_stale_version_settles_nothing(ports: Ports, more: str) -> None:
    first = committed(ports.store, creation())
    paid = committed(ports.store, step(first.after))
    ports.ledger.put(HELD, None)
    late = _settling(_with_more(step(first.after, "cancel", "cancelled"), more))
    assert ports.store.commit(late) == Contested(paid.after, paid.event, None)
    assert ports.ledger.find("order", "42", 1) == HELD
    assert ports.store.find_timer("order", "42") is None


@each_part
def test_a_stale_version_and_a_lost_lease_are_both_told(ports: Ports, more: str) -> None:
    first = committed(ports.store, creation())
    paid = committed(ports.store, step(first.after))
    ports.ledger.put(HELD._replace(owner="other"), None)
    late = _settling(_with_more(step(first.after, "cancel", "cancelled"), more))
    assert ports.store.commit(late) == Contested(paid.after, paid.event, None, lease_lost=True)


def test_a_used_request_id_and_a_lost_lease_are_both_told(ports: Ports) -> None:
    first = committed(ports.store, requested(creation(), "r"))
    write = _settling(requested(step(first.after), "r"))
    assert ports.store.commit(write) == Contested(None, None, first.request, lease_lost=True)


@pytest.mark.not_on(memory="has no network to lose an answer on", moto="ignores ClientRequestToken")
def test_the_same_write_again_is_the_same_success_though_the_entry_has_moved_on(ports: Ports) -> None:
    first = committed(ports.store, creation())
    ports.ledger.put(HELD, None)
    write = committed(ports.store, _settling(step(first.after)))
    ports.ledger.commit("one", AFTER._replace(owner="next"))
    assert ports.store.commit(write) is None
    assert ports.ledger.find("order", "42", 1) == AFTER._replace(owner="next")
