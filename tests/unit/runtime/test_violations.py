"""Changes that the framework did not make, and versions that never came by (promises 2, 3 and 7)."""

from __future__ import annotations

import pytest

from tests.unit.runtime.delivery import Bench
from workflow.engine.entity import Entity
from workflow.runtime.changes import Change, Copies
from workflow.runtime.ports import Violation


def _raw(
    bench: Bench, before: Entity | None, after: Entity | None, *, trigger: str = "", position: str = "900"
) -> Change:
    """What the stream shows of a write made by hand."""
    some = after or before
    assert some is not None
    return Change(
        kind="order",
        entity_id="42",
        before_version=before.version if before else 0,
        version=after.version if after else 0,
        source=before.state if before else "",
        target=after.state if after else "",
        definition=some.definition,
        trigger=trigger or some.trigger,
        position=position,
        snapshots=Copies(before, some),
        follows=before.owing if before else 0,
        gone="" if after else "the entity was deleted by hand",
    )


def _violation(bench: Bench, change: Change, reason: str) -> Violation:
    return Violation(
        kind="order",
        entity_id="42",
        position=change.position,
        at=bench.clock.now(),
        reason=reason,
        source=change.source,
        target=change.target,
        before_version=change.before_version,
        version=change.version,
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"state": "cancelled"}, "the state went from 'paid' to 'cancelled' without an event"),
        ({"state": "shipped"}, "the state went from 'paid' to 'shipped' without an event"),
        ({"version": 1}, "the version went back from 2 to 1"),
        ({"version": -3}, "the version went back from 2 to -3"),
        ({"version": 0}, "the version went back from 2 to 0"),
        ({"version": 3}, "the version went from 2 to 3 without an event"),
        ({"version": 3, "state": "shipped", "trigger": "ship"}, "the version went from 2 to 3 without an event"),
        (
            {"version": 3, "event_id": "made-up"},
            "version 1 of the definition has no transition 'pay' from 'paid' to 'paid'",
        ),
        (
            {"version": 3, "event_id": "made-up", "state": "placed", "trigger": "cancel"},
            "version 1 of the definition has no transition 'cancel' from 'paid' to 'placed'",
        ),
        (
            {"version": 3, "event_id": "made-up", "state": "flown", "trigger": "fly"},
            "version 1 of the definition has no transition 'fly' from 'paid' to 'flown'",
        ),
        ({"version": 5_000_000_000}, "the entity is at version 5000000000, its history has no event 5000000000"),
    ],
)
def test_a_raw_write_is_recorded_as_a_violation_and_runs_no_hook(
    bench: Bench, caplog: pytest.LogCaptureFixture, changed: dict[str, object], reason: str
) -> None:
    bench.paid()
    paid = bench.flow.get("order", "42")
    change = _raw(bench, paid, paid._replace(**changed))
    for _ in range(2):
        delivered = bench.deliver(change)
        assert (delivered.failed, delivered.violations) == ([], 1)
    assert bench.notes.ran == []
    assert bench.flow.violations("order", "42") == [_violation(bench, change, reason)]
    assert f"violation: order 42 version {changed.get('version') or 2}: {reason}" in caplog.text


def test_a_deletion_is_a_violation(bench: Bench) -> None:
    bench.paid()
    change = _raw(bench, bench.flow.get("order", "42"), None)
    assert bench.deliver(change).failed == []
    assert bench.flow.violations("order", "42") == [_violation(bench, change, "the entity was deleted by hand")]
    assert bench.notes.ran == []


def test_an_entity_put_there_by_hand_is_a_violation(bench: Bench) -> None:
    bench.paid("other")
    forged = bench.flow.get("order", "other")._replace(id="42", version=3)
    change = _raw(bench, None, forged)
    bench.deliver(change)
    assert bench.flow.violations("order", "42") == [
        _violation(bench, change, "the entity is at version 3, its history has no event 3")
    ]
    assert bench.notes.ran == []


def test_later_changes_of_an_entity_go_on_after_a_violation(bench: Bench) -> None:
    placed, paid = bench.paid()
    raw = _raw(bench, bench.flow.get("order", "42"), bench.flow.get("order", "42")._replace(state="shipped"))
    delivered = bench.deliver(placed, raw, paid)
    assert (delivered.failed, delivered.violations, delivered.effects_done) == ([], 1, 3)


def _jump(bench: Bench, after: int, **changed: object) -> Change:
    """The stream shows version `after` and then the entity as it is now, nothing in between."""
    before = bench.store.changes()[after - 1].snapshots.after() if after else None
    now = bench.flow.get("order", "42")
    return _raw(bench, before, now._replace(**changed))


def test_versions_that_never_came_by_are_read_from_the_history(bench: Bench) -> None:
    bench.only_paid()
    bench.flow.fire("order", "42", "annotate", {"note": "x"})
    bench.flow.fire("order", "42", "ship", {"carrier": "DHL"})
    seen = []
    for name in ("receipt", "loyalty", "notify"):
        bench.notes.failing[name] = lambda effect: seen.append((effect.event, effect.before, effect.entity))
    delivered = bench.deliver(_jump(bench, 1))
    assert (delivered.failed, delivered.violations) == ([], 0)
    assert bench.notes.ran == [
        ("42", version, hook, 1)
        for version, hook in ((2, "receipt"), (2, "loyalty"), (3, "receipt"), (3, "loyalty"), (4, "notify"))
    ]
    entities = [change.snapshots.after() for change in bench.store.changes()]
    events = bench.flow.history("order", "42")
    versions = [step.version for step, _, _ in seen]
    assert versions == [2, 2, 3, 3, 4]
    assert seen == [(events[v - 1], entities[v - 2], entities[v - 1]) for v in versions]


def test_a_whole_life_that_never_came_by_is_read_from_the_history(bench: Bench) -> None:
    bench.paid()
    assert bench.deliver(_jump(bench, 0)).failed == []
    assert bench.notes.ran == [("42", 1, "greet", 1), ("42", 2, "receipt", 1), ("42", 2, "loyalty", 1)]


def test_a_jump_that_fails_halfway_goes_on_where_it_failed(bench: Bench) -> None:
    bench.paid()
    bench.flow.fire("order", "42", "ship")
    jump = _jump(bench, 0)
    bench.notes.failing["loyalty"] = lambda effect: 1 / 0
    delivered = bench.deliver(jump)
    assert (delivered.failed, delivered.put_aside, delivered.waiting) == ([], 1, 1)
    bench.notes.failing.clear()
    bench.notes.forget()
    assert bench.sweep(after=30).effects_done == 2
    assert bench.notes.ran == [("42", 2, "loyalty", 2), ("42", 3, "notify", 1)]


@pytest.mark.parametrize(
    "changed", [{"state": "cancelled"}, {"trigger": "cancel"}, {"definition": 2}], ids=lambda changed: str(changed)
)
def test_a_jump_that_ends_elsewhere_than_its_history_is_a_violation_and_runs_no_hook(
    bench: Bench, changed: dict[str, object]
) -> None:
    bench.paid()
    bench.flow.fire("order", "42", "ship")
    delivered = bench.deliver(_jump(bench, 1, **changed))
    assert (delivered.failed, delivered.violations) == ([], 1)
    assert bench.notes.ran == []


def test_a_history_that_does_not_follow_is_a_violation_and_runs_no_hook(bench: Bench) -> None:
    bench.paid()
    bench.flow.fire("order", "42", "annotate", {"note": "x"})
    bench.flow.fire("order", "42", "ship")
    own = bench.store._events[("order", "42")]
    own[4] = own[4]._replace(source="placed")
    delivered = bench.deliver(_jump(bench, 1))
    assert (delivered.failed, delivered.violations) == ([], 1)
    assert bench.notes.ran == []


def test_an_event_in_the_gap_that_its_definition_does_not_declare_here_waits_with_all_that_follows(
    bench: Bench,
) -> None:
    bench.only_paid()
    bench.flow.fire("order", "42", "annotate", {"note": "x"})
    bench.flow.fire("order", "42", "ship")
    own = bench.store._events[("order", "42")]
    own[3] = own[3]._replace(trigger="forge")
    delivered = bench.deliver(_jump(bench, 1))
    assert (delivered.failed, delivered.violations, delivered.waiting) == ([], 0, 2)
    assert bench.notes.ran == [("42", 2, "receipt", 1), ("42", 2, "loyalty", 1)]
    assert bench.waiting_for() == [(3, "", "definition")]


def test_a_jump_to_an_event_that_is_not_the_entitys_own_is_a_violation(bench: Bench) -> None:
    bench.paid()
    bench.flow.fire("order", "42", "annotate", {"note": "x"})
    assert bench.deliver(_jump(bench, 1, event_id="made-up")).violations == 1
    assert bench.notes.ran == []
