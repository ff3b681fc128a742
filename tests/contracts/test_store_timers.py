"""What every store promises about timers: set with their transition, found when due, changed only where they stand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contracts.conftest import Ports
from tests.writes import BEGINNING, committed, creation, requested, step
from workflow.aws import items
from workflow.runtime.ports import SetTimer, Write

MANY = 40


def _timed(write: Write, seconds: float = 1800, trigger: str = "expire") -> Write:
    event = write.event
    at = BEGINNING + timedelta(seconds=seconds)
    return replace(write, timer=SetTimer(event.kind, event.entity_id, event.version, trigger, at))


def test_a_timer_is_set_with_its_transition(ports: Ports) -> None:
    write = committed(ports.store, _timed(creation()))
    assert ports.store.find_timer("order", "42") == write.timer
    assert ports.store.find_timer("order", "43") is None


def test_a_write_that_is_contested_sets_no_timer(ports: Ports) -> None:
    first = committed(ports.store, _timed(requested(creation(), "r")))
    for contested in (_timed(creation(), 1), _timed(requested(step(first.after), "r"), 2)):
        assert ports.store.commit(contested) is not None
        assert ports.store.find_timer("order", "42") == first.timer


def test_the_next_timer_takes_the_place_of_the_last(ports: Ports) -> None:
    first = committed(ports.store, _timed(creation()))
    later = committed(ports.store, _timed(requested(step(first.after), "r"), 60, "remind"))
    assert ports.store.find_timer("order", "42") == later.timer
    assert list(ports.store.due_timers(BEGINNING + timedelta(days=1))) == [later.timer]


def test_a_step_without_a_timer_leaves_the_one_of_the_version_before(ports: Ports) -> None:
    first = committed(ports.store, _timed(creation()))
    committed(ports.store, step(first.after))
    assert ports.store.find_timer("order", "42") == first.timer


def test_a_timer_is_due_from_its_moment_on(ports: Ports) -> None:
    write = committed(ports.store, _timed(creation(), 60))
    assert write.timer is not None
    assert list(ports.store.due_timers(write.timer.at - timedelta(milliseconds=1))) == []
    assert list(ports.store.due_timers(write.timer.at)) == [write.timer]


def test_due_timers_come_from_every_share(ports: Ports) -> None:
    writes = [committed(ports.store, _timed(creation(f"#{number} ü"), number)) for number in range(MANY)]
    due = list(ports.store.due_timers(BEGINNING + timedelta(seconds=MANY // 2)))
    assert sorted(due) == sorted(write.timer for write in writes[: MANY // 2 + 1] if write.timer)


def test_a_timer_is_changed_into_another_or_none(ports: Ports) -> None:
    write = committed(ports.store, _timed(creation(), 60))
    assert write.timer is not None
    later = write.timer._replace(trigger="cancel", at=BEGINNING + timedelta(seconds=90))
    ports.store.change_timer(write.timer, later)
    assert ports.store.find_timer("order", "42") == later
    assert list(ports.store.due_timers(BEGINNING + timedelta(seconds=89))) == []
    ports.store.change_timer(later, None)
    assert ports.store.find_timer("order", "42") is None
    assert list(ports.store.due_timers(BEGINNING + timedelta(days=1))) == []


@pytest.mark.parametrize("into", ["nothing", "another"])
def test_a_timer_that_does_not_stand_any_more_is_not_changed(ports: Ports, into: str) -> None:
    first = committed(ports.store, _timed(creation(), 60))
    later = committed(ports.store, _timed(step(first.after), 60))
    assert first.timer is not None
    assert later.timer is not None
    wanted = first.timer._replace(refused="too late") if into == "another" else None
    ports.store.change_timer(first.timer, wanted)
    ports.store.change_timer(later.timer._replace(at=BEGINNING), wanted)
    assert ports.store.find_timer("order", "42") == later.timer
    ports.store.change_timer(later.timer, None)
    ports.store.change_timer(later.timer, wanted)
    assert ports.store.find_timer("order", "42") is None


def test_a_refused_timer_is_kept_and_is_due_no_more(ports: Ports) -> None:
    write = committed(ports.store, _timed(creation(), 60))
    assert write.timer is not None
    refused = write.timer._replace(refused="order 42: no transition: ü")
    ports.store.change_timer(write.timer, refused)
    assert ports.store.find_timer("order", "42") == refused
    assert list(ports.store.due_timers(BEGINNING + timedelta(days=1))) == []


@pytest.mark.not_on(memory="nobody writes there past the framework")
def test_a_timer_that_was_changed_by_hand_keeps_no_other_from_being_due(
    ports: Ports, caplog: pytest.LogCaptureFixture
) -> None:
    writes = [committed(ports.store, _timed(creation(str(number)), number)) for number in range(MANY)]
    ports.client.update_item(
        TableName=ports.table,
        Key=items.key("order", "7", "timer"),
        UpdateExpression="REMOVE #version",
        ExpressionAttributeNames={"#version": "version"},
    )
    due = list(ports.store.due_timers(BEGINNING + timedelta(days=1)))
    others = [write.timer for write in writes if write.timer and write.timer.entity_id != "7"]
    assert sorted(due) == sorted(others)
    assert "a timer cannot be read: item order#7 timer was changed by hand: it lacks 'version'" in caplog.text
