"""The first look at a batch: which records are transitions, which are none of ours, which broke a rule."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.fakes.records import event_record, image, position, record, records
from tests.samples import COUNTER, definitions
from tests.unit.runtime.delivery import HOOKED, Bench
from workflow.aws.stream import Look, look, partial_batch_response, plans
from workflow.runtime.changes import Change


@pytest.fixture
def bench() -> Bench:
    return Bench()


def _look(bench: Bench, *given: Any) -> Look:
    return look(list(given), plans(bench.flow.definitions))


def _counts(found: Look) -> dict[str, int]:
    names = ("transitions", "unchanged", "foreign", "malformed")
    return {name: getattr(found, name) for name in names if getattr(found, name)} | {"changes": len(found.changes)}


def _told(change: Change) -> tuple[object, ...]:
    return (change.kind, change.entity_id, change.before_version, change.version, change.source, change.target)


def test_a_transition_that_owes_something_is_a_change_with_its_hooks(bench: Bench) -> None:
    bench.paid(email="a@b.c")
    found = _look(bench, *records(bench.store))
    assert _counts(found) == {"transitions": 2, "changes": 2}
    assert [_told(change) for change in found.changes] == [
        ("order", "42", 0, 1, "", "placed"),
        ("order", "42", 1, 2, "placed", "paid"),
    ]
    assert [change.owed for change in found.changes] == [("greet",), ("receipt", "loyalty")]
    assert [(change.definition, change.trigger) for change in found.changes] == [(1, "create"), (1, "pay")]
    assert [change.position for change in found.changes] == [position(1), position(2)]
    for change, theirs in zip(found.changes, bench.store.changes(), strict=True):
        assert change.snapshots.before() == theirs.snapshots.before()
        assert change.snapshots.after() == theirs.snapshots.after()


def test_a_transition_that_owes_nothing_is_counted_and_passed(bench: Bench) -> None:
    bench.flow.create("order", "42")
    bench.flow.fire("order", "42", "cancel")
    assert _counts(_look(bench, *records(bench.store, 1))) == {"transitions": 1, "changes": 0}


def test_a_self_transition_is_a_transition(bench: Bench) -> None:
    bench.paid()
    bench.flow.fire("order", "42", "annotate", {"note": "x"})
    found = _look(bench, *records(bench.store, 2))
    assert _counts(found) == {"transitions": 1, "changes": 1}
    assert found.changes[0].owed == ("receipt", "loyalty")


def test_a_step_beyond_the_thousandth_version_is_a_step(bench: Bench) -> None:
    bench.flow.create("order", "42")
    (creation,) = records(bench.store)
    old = {**creation["dynamodb"]["NewImage"], "version": {"N": "123456"}}
    new = {**old, "version": {"N": "123457"}, "edge": {"S": "order@1 annotate placed placed"}}
    found = _look(bench, record(1, old, new))
    assert [_told(change) for change in found.changes] == [("order", "42", 123456, 123457, "placed", "placed")]


def test_a_plain_data_edit_is_no_transition(bench: Bench) -> None:
    bench.paid()
    item = image(bench.store, bench.flow.get("order", "42"))
    assert item is not None
    edited = {**item, "data": {"M": {"total": {"N": "1"}}}}
    assert _counts(_look(bench, record(1, item, edited))) == {"unchanged": 1, "changes": 0}


def test_records_of_other_items_and_kinds_are_passed_over(bench: Bench) -> None:
    bench.paid()
    item = image(bench.store, bench.flow.get("order", "42"))
    assert item is not None
    strangers = [
        event_record(1, bench.flow.history("order", "42")[0]),
        record(2, None, {"pk": {"S": "order#42"}, "sk": {"S": "effects#000000000001"}}),
        record(3, None, {**item, "pk": {"S": "parcel#42"}}),
        record(4, None, {"pk": {"N": "5"}, "sk": {"B": "AA=="}}),
        record(5, None, {**item, "sk": {"S": "entity2"}}),
        {"eventSource": "aws:sqs", "body": "{}"},
        {},
        None,
        "text",
        [],
        7,
    ]
    assert _counts(_look(bench, *strangers)) == {"foreign": 11, "changes": 0}


DAMAGE: list[tuple[str, Any]] = [
    ("version", None),
    ("version", {"N": "one"}),
    ("version", {"N": "1.5"}),
    ("version", {"S": "3"}),
    ("state", None),
    ("state", {"N": "3"}),
    ("edge", None),
    ("edge", {"S": "nonsense"}),
    ("edge", {"S": "order@one pay placed paid"}),
]


@pytest.mark.parametrize(("name", "damage"), DAMAGE)
def test_an_entity_overwritten_with_something_that_is_none_is_a_violation(bench: Bench, name: str, damage: Any) -> None:
    bench.paid()
    item = image(bench.store, bench.flow.get("order", "42"))
    assert item is not None
    damaged = {**item, name: damage}
    if damage is None:
        del damaged[name]
    found = _look(bench, record(1, item, damaged))
    assert _counts(found) == {"changes": 1}
    assert bench.deliver(*found.changes).failed == []
    assert bench.notes.ran == []
    (violation,) = bench.flow.violations("order", "42")
    assert violation.reason == "what was written by hand in the entity's place is none"
    assert (violation.source, violation.target, violation.before_version, violation.version) == ("paid", "", 2, 0)


@pytest.mark.parametrize(("name", "damage"), DAMAGE)
def test_what_is_put_by_hand_where_an_entity_would_stand_is_a_violation(bench: Bench, name: str, damage: Any) -> None:
    bench.paid()
    item = image(bench.store, bench.flow.get("order", "42"))
    assert item is not None
    damaged = {**item, name: damage}
    if damage is None:
        del damaged[name]
    found = _look(bench, record(1, None, damaged))
    assert _counts(found) == {"changes": 1}
    assert bench.deliver(*found.changes).failed == []
    assert bench.notes.ran == []
    reasons = [violation.reason for violation in bench.flow.violations("order", "42")]
    assert reasons == ["what was written by hand in the entity's place is none"]


def test_a_step_made_up_after_the_state_was_set_back_by_hand_is_none(bench: Bench) -> None:
    bench.paid()
    item = image(bench.store, bench.flow.get("order", "42"))
    assert item is not None
    back = {**item, "state": {"S": "placed"}}
    found = _look(bench, record(1, item, back), record(2, back, {**item, "version": {"N": "3"}}))
    assert [change.owed for change in found.changes] == [None, None]
    bench.deliver(*found.changes)
    assert bench.notes.ran == []
    assert len(bench.flow.violations("order", "42")) == 2


def test_an_edge_of_another_kind_that_owes_nothing_is_not_believed_either(bench: Bench) -> None:
    bench.flow.create("order", "42")
    before = image(bench.store, bench.flow.get("order", "42"))
    bench.flow.fire("order", "42", "cancel")
    after = image(bench.store, bench.flow.get("order", "42"))
    assert before is not None
    assert after is not None
    forged = record(1, {**before, "pk": {"S": "counter#42"}}, {**after, "pk": {"S": "counter#42"}})
    forged["dynamodb"]["Keys"]["pk"] = {"S": "counter#42"}
    found = look([forged], plans(definitions(HOOKED, COUNTER)))
    assert (found.transitions, [change.owed for change in found.changes]) == (0, [None])
    assert "cancel of order" in found.changes[0].trigger


def test_a_version_that_was_raised_by_hand_is_no_step_although_its_edge_is_declared(bench: Bench) -> None:
    bench.paid()
    bench.flow.fire("order", "42", "annotate", {"note": "x"})
    item = image(bench.store, bench.flow.get("order", "42"))
    assert item is not None
    found = _look(bench, record(9, item, {**item, "version": {"N": "4"}}))
    bench.deliver(*found.changes)
    assert bench.notes.ran == []
    assert [v.reason for v in bench.flow.violations("order", "42")] == ["the version went from 3 to 4 without an event"]


@pytest.mark.parametrize("sequence_number", [None, "", "x", 5, float("inf"), [], True, "1.5", "-3", "1 ", "1" * 5000])
def test_a_record_without_a_place_on_the_stream_is_malformed(bench: Bench, sequence_number: Any) -> None:
    bench.paid()
    good, bad = records(bench.store)
    bad["dynamodb"]["SequenceNumber"] = sequence_number
    assert _counts(_look(bench, good, bad)) == {"transitions": 1, "malformed": 1, "changes": 1}


def test_an_edge_of_another_kind_is_not_believed(bench: Bench) -> None:
    bench.paid()
    _, paid = records(bench.store)
    forged = copy.deepcopy(paid)
    forged["dynamodb"]["Keys"]["pk"] = {"S": "counter#42"}
    (change,) = look([forged], plans(definitions(HOOKED, COUNTER))).changes
    assert (change.kind, change.owed) == ("counter", None)


def test_an_edge_that_does_not_tell_what_happened_is_not_believed(bench: Bench) -> None:
    bench.paid()
    _, paid = records(bench.store)
    for name, state in (("NewImage", "shipped"), ("OldImage", "cancelled")):
        forged = copy.deepcopy(paid)
        forged["dynamodb"][name]["state"] = {"S": state}
        (change,) = _look(bench, forged).changes
        assert change.owed is None
        bench.deliver(change)
    assert bench.notes.ran == []
    assert len(bench.flow.violations("order", "42")) == 1
    assert "'pay' from 'cancelled' to 'paid'" in bench.flow.violations("order", "42")[0].reason


def test_odd_and_ordinary_records_of_an_entity_stay_in_the_order_of_the_stream(bench: Bench) -> None:
    bench.paid()
    bench.flow.fire("order", "42", "annotate", {"note": "x"})
    first, second, third = records(bench.store)
    gone = record(8, third["dynamodb"]["NewImage"], None)
    back = record(9, None, third["dynamodb"]["NewImage"])
    jump = record(10, first["dynamodb"]["NewImage"], third["dynamodb"]["NewImage"])
    again = [{**one, "dynamodb": {**one["dynamodb"], "SequenceNumber": position(20)}} for one in (second,)]
    found = _look(bench, first, second, third, gone, back, jump, *again)
    assert [_told(change)[2:4] for change in found.changes] == [(0, 1), (1, 2), (2, 3), (3, 0), (0, 3), (1, 3), (1, 2)]
    positions = [int(change.position) for change in found.changes]
    assert positions == sorted(positions)


def test_the_lowest_failed_place_is_the_checkpoint(bench: Bench) -> None:
    bench.paid()
    for number in range(12):
        bench.flow.fire("order", "42", "annotate", {"note": number})
    changes = _look(bench, *records(bench.store)).changes
    assert len(changes) == 14
    # As text, the places of the first four come after those of the later ones.
    assert partial_batch_response([changes[9], changes[2], changes[4]]) == {
        "batchItemFailures": [{"itemIdentifier": position(3)}]
    }
    assert partial_batch_response([]) == {"batchItemFailures": []}
