"""A stream that does not show both images: each view leads to what both images would have led to, or says why not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.records import image, record, records, seen
from tests.unit.runtime.delivery import Bench
from workflow import Effect
from workflow.aws import bare_records
from workflow.aws.stream import look, plans
from workflow.errors import HistoryConflictError, ThrottledError, WorkflowError
from workflow.runtime.deliver import Delivered
from workflow.runtime.ledger_entry import Parked

WHOLE = "NEW_AND_OLD_IMAGES"
VIEWS = ("NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY")

Seen = list[tuple[int, str, dict[str, Any], dict[str, Any] | None]]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def _deliver(bench: Bench, view: str, given: list[dict[str, Any]]) -> Delivered:
    found = look(seen(view, given), plans(bench.flow.definitions), bench.store.region)
    until = bench.clock.now() + timedelta(minutes=1)
    return bench.deliverer.deliver(found.changes, until=until, partial=found.partial)


def _life(bench: Bench) -> None:
    bench.paid(email="a@b.c")
    bench.flow.fire("order", "42", "annotate", {"note": "x"})
    bench.flow.fire("order", "42", "ship", {"carrier": "DHL"})


def _watch(bench: Bench) -> Seen:
    """What hooks see of the entity, and of what it was before, at each version."""
    looked: Seen = []

    def watched(effect: Effect) -> None:
        before = effect.before
        looked.append((effect.version, effect.hook, dict(effect.entity.data), dict(before.data) if before else None))

    for name in ("greet", "receipt", "loyalty", "notify"):
        bench.notes.failing[name] = watched
    return looked


def _whole(bench: Bench) -> tuple[list[tuple[int, str, str, int]], Seen]:
    other = Bench()
    looked = _watch(other)
    _life(other)
    _deliver(other, WHOLE, records(other.store))
    return other.statuses(), looked


@pytest.mark.parametrize("view", VIEWS)
def test_a_life_leads_to_the_same_ledger_and_hooks_see_the_same(bench: Bench, view: str) -> None:
    looked = _watch(bench)
    _life(bench)
    delivered = _deliver(bench, view, records(bench.store))
    assert (bench.statuses(), looked) == _whole(bench)
    assert (delivered.failed, delivered.violations, delivered.recalled > 0) == ([], 0, True)


@pytest.mark.parametrize("view", VIEWS)
def test_records_that_come_one_by_one_while_the_entity_moves_on_lead_to_the_same(bench: Bench, view: str) -> None:
    looked = _watch(bench)
    _life(bench)
    for one in records(bench.store):
        assert _deliver(bench, view, [one]).failed == []
    assert (bench.statuses(), looked) == _whole(bench)


@pytest.mark.parametrize("view", VIEWS)
def test_records_that_come_again_run_nothing_again(bench: Bench, view: str) -> None:
    _life(bench)
    for _ in range(2):
        assert _deliver(bench, view, records(bench.store)).failed == []
    assert [run[1:] for run in bench.notes.ran] == [
        (1, "greet", 1),
        (2, "receipt", 1),
        (2, "loyalty", 1),
        (3, "receipt", 1),
        (3, "loyalty", 1),
        (4, "notify", 1),
    ]


@pytest.mark.parametrize(("view", "reads"), [("NEW_IMAGE", 1), ("OLD_IMAGE", 1), ("KEYS_ONLY", 2)])
def test_a_transition_costs_few_reads_as_long_as_no_hook_looks(bench: Bench, view: str, reads: int) -> None:
    _life(bench)
    *earlier, last = records(bench.store)
    _deliver(bench, view, earlier)
    assert _deliver(bench, view, [last]).reads == reads


@pytest.mark.parametrize("view", VIEWS)
def test_an_entity_that_a_batch_names_several_times_is_read_together(bench: Bench, view: str) -> None:
    _life(bench)
    delivered = _deliver(bench, view, records(bench.store))
    # Of a creation everything is known from its new image.
    assert delivered.reads == {"NEW_IMAGE": 3, "OLD_IMAGE": 5, "KEYS_ONLY": 2}[view]


@pytest.mark.parametrize("view", ["NEW_IMAGE", "KEYS_ONLY"])
def test_what_one_batch_brings_is_run_without_walking_the_history(
    bench: Bench, view: str, caplog: pytest.LogCaptureFixture
) -> None:
    _life(bench)
    _deliver(bench, view, records(bench.store))
    assert "effects of earlier versions" not in caplog.text


def _by_hand(bench: Bench, **changed: Any) -> dict[str, Any]:
    """The item of an order that was paid, with something changed by hand, in the store as well."""
    item = image(bench.store, bench.flow.get("order", "42"))
    assert item is not None
    entity = bench.flow.get("order", "42")._replace(**changed)
    bench.store._entities["order", "42"] = entity
    written = {"state": {"S": entity.state}, "version": {"N": str(entity.version)}}
    return record(9, item, {**item, **written})


RAW: list[tuple[dict[str, Any], str]] = [
    ({"state": "shipped"}, "the state went from 'paid' to 'shipped' without an event"),
    ({"version": 3}, "the version went from 2 to 3 without an event"),
    ({"version": 9}, "the entity is at version 9, its history has no event 9"),
]


@pytest.mark.parametrize("view", [WHOLE, *VIEWS])
@pytest.mark.parametrize(("changed", "reason"), RAW)
def test_a_write_by_hand_is_seen_for_what_it_is(bench: Bench, view: str, changed: dict[str, Any], reason: str) -> None:
    bench.paid()
    _deliver(bench, view, records(bench.store))
    bench.notes.forget()
    assert _deliver(bench, view, [_by_hand(bench, **changed)]).failed == []
    assert bench.notes.ran == []
    (violation,) = bench.flow.violations("order", "42")
    after = {"state": "paid", "version": 2} | changed
    assert violation.reason == reason
    assert (violation.source, violation.before_version) == ("paid", 2)
    assert (violation.target, violation.version) == (after["state"], after["version"])


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        ("NEW_IMAGE", "the state went from 'placed' to 'paid' without an event"),
        ("OLD_IMAGE", "the version went back from 2 to 1"),
        ("KEYS_ONLY", "the version went back from 2 to 1"),
    ],
)
def test_a_version_that_was_set_back_by_hand_is_seen(bench: Bench, view: str, reason: str) -> None:
    bench.paid()
    _deliver(bench, view, records(bench.store))
    _deliver(bench, view, [_by_hand(bench, version=1)])
    assert [violation.reason for violation in bench.flow.violations("order", "42")] == [reason]


@pytest.mark.parametrize("view", VIEWS)
def test_what_is_written_by_hand_and_changes_no_state_is_no_violation(bench: Bench, view: str) -> None:
    bench.paid()
    _deliver(bench, view, records(bench.store))
    _deliver(bench, view, [_by_hand(bench, data={"total": 1})])
    assert bench.flow.violations("order", "42") == []
    assert len(bench.notes.ran) == 3


@pytest.mark.parametrize("view", VIEWS)
def test_a_deletion_by_hand_is_seen_and_what_came_before_is_run(bench: Bench, view: str) -> None:
    bench.paid()
    item = image(bench.store, bench.flow.get("order", "42"))
    given = [*records(bench.store), record(9, item, None)]
    del bench.store._entities["order", "42"]
    assert _deliver(bench, view, given).failed == []
    assert [run[1:3] for run in bench.notes.ran] == [(1, "greet"), (2, "receipt"), (2, "loyalty")]
    (violation,) = bench.flow.violations("order", "42")
    assert violation.reason == "the entity was deleted by hand"
    assert (violation.source, violation.before_version, violation.target, violation.version) == ("paid", 2, "", 0)


@pytest.mark.parametrize("view", ["OLD_IMAGE", "KEYS_ONLY"])
def test_a_write_by_hand_that_a_transition_went_on_from_is_seen_by_its_seam(bench: Bench, view: str) -> None:
    bench.flow.create("order", "42", {"total": 1})
    created = records(bench.store)
    _deliver(bench, view, created)
    placed = bench.flow.get("order", "42")
    raw = record(7, image(bench.store, placed), {**(image(bench.store, placed) or {}), "state": {"S": "paid"}})
    bench.store._entities["order", "42"] = placed._replace(state="paid")
    bench.flow.fire("order", "42", "ship", {"carrier": "DHL"})
    shipped = record(8, raw["dynamodb"]["NewImage"], image(bench.store, bench.flow.get("order", "42")))
    _deliver(bench, view, [raw, shipped])
    reasons = [violation.reason for violation in bench.flow.violations("order", "42")]
    assert reasons == ["the state went from 'placed' to 'paid' without an event"]
    assert bench.statuses()[-1] == (2, "notify", "done", 1)


@pytest.mark.parametrize("view", VIEWS)
def test_a_read_that_is_not_answered_brings_the_records_again(
    bench: Bench, view: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _life(bench)
    bench.flow.create("order", "43", {"total": 1})
    given = records(bench.store)
    with monkeypatch.context() as patch:
        _fail_for(bench, "42", patch, ThrottledError("reading order 42: throttled"))
        delivered = _deliver(bench, view, given)
    # Of a creation everything is known from its new image.
    first_failed = given[1 if view == "NEW_IMAGE" else 0]
    assert delivered.failed[0].position == first_failed["dynamodb"]["SequenceNumber"]
    assert ("43", 1, "greet", 1) in bench.notes.ran
    assert _deliver(bench, view, given).failed == []
    assert bench.statuses() == _whole(bench)[0]


@pytest.mark.parametrize("view", VIEWS)
def test_a_history_that_cannot_be_read_is_a_violation_and_delays_no_other_entity(
    bench: Bench, view: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _life(bench)
    bench.flow.create("order", "43", {"total": 1})
    given = records(bench.store)
    _fail_for(bench, "42", monkeypatch, HistoryConflictError("item order#42 event#2 was changed by hand"))
    assert _deliver(bench, view, given[1:]).failed == []
    (violation,) = bench.flow.violations("order", "42")
    assert violation.reason == "its history cannot be read: item order#42 event#2 was changed by hand"
    assert ("43", 1, "greet", 1) in bench.notes.ran


@pytest.mark.parametrize("view", VIEWS)
def test_an_event_that_was_damaged_by_hand_drops_no_record_beside_it(bench: Bench, view: str) -> None:
    _life(bench)
    bench.flow.create("order", "43", {"total": 1})
    given = records(bench.store)
    bench.store.damaged.add(("order", "42", 3))
    delivered = _deliver(bench, view, given)
    assert (delivered.failed, delivered.for_people) == ([], {("order", ""): 1})
    assert bench.statuses() == [(1, "greet", "done", 1), (2, "receipt", "done", 1), (2, "loyalty", "done", 1)]
    assert ("43", 1, "greet", 1) in bench.notes.ran
    error = "order 42: event 3 was changed by hand"
    assert bench.entry(3).parked == Parked("", "broken", bench.clock.now(), None, error)
    assert [found.reason for found in bench.flow.violations("order", "42")] == [f"its history cannot be read: {error}"]
    assert _deliver(bench, view, given).failed == []
    assert (bench.waiting_for(), len(bench.flow.violations("order", "42"))) == ([(3, "", "broken")], 1)
    bench.store.damaged.clear()
    bench.flow.operations.redrive("order", "42")
    bench.sweep()
    assert bench.statuses() == _whole(bench)[0]


@pytest.mark.parametrize("view", VIEWS)
def test_what_an_event_owes_is_run_though_the_entity_went_on_to_one_that_owes_nothing(bench: Bench, view: str) -> None:
    bench.flow.create("order", "42")
    bench.flow.fire("order", "42", "cancel")
    created, cancelled = records(bench.store)
    _deliver(bench, view, [created])
    assert bench.statuses() == [(1, "greet", "done", 1)]
    assert _deliver(bench, view, [cancelled]).failed == []
    assert bench.statuses() == [(1, "greet", "done", 1)]


@pytest.mark.parametrize("view", VIEWS)
def test_an_event_whose_definition_is_not_deployed_is_put_aside(bench: Bench, view: str) -> None:
    bench.paid()
    *_, paid = records(bench.store)
    bench.deploy(replace(bench.definition, version=0, transitions=()))
    assert _deliver(bench, view, [paid]).failed == []
    assert bench.waiting_for() == [(1, "", "definition")]


def _fail_for(bench: Bench, entity_id: str, patch: pytest.MonkeyPatch, error: WorkflowError) -> None:
    def failing(name: str) -> Callable[..., Any]:
        asked = getattr(bench.store, name)

        def ask(kind: str, of: str, *rest: Any, **named: Any) -> Any:
            if of == entity_id:
                raise error
            return asked(kind, of, *rest, **named)

        return ask

    for name in ("find_entity", "find_event", "events"):
        patch.setattr(bench.store, name, failing(name))


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_told_of_once_in_a_process(bench: Bench, view: str, caplog: pytest.LogCaptureFixture) -> None:
    bare_records._tell.cache_clear()
    _life(bench)
    with caplog.at_level(logging.WARNING, logger="workflow"):
        for _ in range(2):
            _deliver(bench, view, records(bench.store))
    told = [entry.getMessage() for entry in caplog.records if "view" in entry.getMessage()]
    assert len(told) == 1
    assert told[0].startswith(f"the table's stream has the view {view}, which shows ")


def test_both_images_are_looked_at_without_a_read(bench: Bench) -> None:
    _life(bench)
    found = look(records(bench.store), plans(bench.flow.definitions))
    assert (found.partial, found.transitions) == ([], 4)


@pytest.mark.parametrize("view", VIEWS)
def test_what_is_at_home_in_another_region_runs_nothing_here(bench: Bench, view: str) -> None:
    bench.store.region = "eu-west-1"
    _life(bench)
    item = image(bench.store, bench.flow.get("order", "42"))
    given = [*records(bench.store), record(9, item, None)]
    bench.store.region = "us-east-1"
    for some in (given[:-1], given):
        assert _deliver(bench, view, some).failed == []
        bench.store._entities.pop(("order", "42"), None)
    assert (bench.notes.ran, bench.flow.violations("order", "42")) == ([], [])
