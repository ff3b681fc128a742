"""Create and fire beside other writers and on a bad network (promises 1, 2 and 3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.stores import Fault, FaultyStore
from tests.samples import ORDER, definitions
from workflow import Workflow
from workflow.errors import (
    ContentionError,
    CreateError,
    DefinitionNotDeployedError,
    EntityNotFoundError,
    GuardError,
    HistoryConflictError,
    StoreAccessError,
    StoreUnavailableError,
    ThrottledError,
    TransitionError,
)
from workflow.runtime.commit import MAX_COMMITS
from workflow.runtime.fire import MAX_DECISIONS
from workflow.runtime.ports import Contested, Write


def _triggers(flow: Workflow) -> list[str]:
    return [event.trigger for event in flow.history("order", "42")]


@pytest.mark.parametrize(
    "faults",
    [
        ("lost answer",),
        ("lost request",),
        ("conflict",),
        ("throttle",),
        ("lost answer", "conflict", "throttle", "lost request", "lost answer"),
        ("throttle",) * (MAX_COMMITS - 1),
    ],
)
@pytest.mark.parametrize("request_id", ["", "r"])
def test_a_write_is_repeated_under_its_token_until_it_is_answered(
    flow: Workflow, store: FaultyStore, faults: tuple[Fault, ...], request_id: str
) -> None:
    store.faults, store.writes = list(faults), []
    answer = flow.fire("order", "42", "pay", {"amount": 100}, request_id=request_id)
    assert store.tokens == [f"{answer.event.id}-0"] * (len(faults) + 1)
    assert flow.history("order", "42")[1:] == [answer.event]
    assert flow.get("order", "42") == answer.entity
    assert not answer.repeated


@pytest.mark.parametrize("fault", ["lost answer", "conflict", "throttle"])
def test_a_creation_is_repeated_under_its_token_too(flow: Workflow, store: FaultyStore, fault: Fault) -> None:
    store.faults, store.writes = [fault], []
    answer = flow.create("order", "new")
    assert store.tokens == [f"{answer.event.id}-0"] * 2
    assert flow.history("order", "new") == [answer.event]


def test_a_lost_success_is_recognised_by_its_own_event_when_the_token_is_forgotten(
    flow: Workflow, store: FaultyStore, clock: FakeClock
) -> None:
    store.faults = ["lost answer"]
    clock.sleep = lambda seconds: store.forget_tokens()  # type: ignore[method-assign]
    answer = flow.fire("order", "42", "pay", {"amount": 100})
    assert flow.history("order", "42")[1:] == [answer.event]
    assert flow.get("order", "42") == answer.entity


def test_a_lost_success_is_recognised_even_when_others_moved_on_from_it(
    flow: Workflow, store: FaultyStore, clock: FakeClock
) -> None:
    def others(seconds: float) -> None:
        store.forget_tokens()
        clock.sleep = lambda seconds: None  # type: ignore[method-assign]
        flow.fire("order", "42", "cancel")

    store.faults, clock.sleep = ["lost answer"], others  # type: ignore[method-assign]
    answer = flow.fire("order", "42", "pay", {"amount": 100})
    assert (answer.event.version, answer.entity.state) == (2, "paid")
    assert _triggers(flow) == ["create", "pay", "cancel"]


@pytest.mark.parametrize(
    ("faults", "error", "words"),
    [
        (["throttle"] * MAX_COMMITS, ThrottledError, "order 42: 'pay' was not recorded"),
        (["conflict"] * MAX_COMMITS, ContentionError, "order 42: 'pay' was not recorded"),
        (["lost request"] * MAX_COMMITS, StoreUnavailableError, "order 42: 'pay' may or may not have been recorded"),
        (["lost answer"] * MAX_COMMITS, StoreUnavailableError, "order 42: 'pay' may or may not have been recorded"),
        (["lost answer"] + ["throttle"] * (MAX_COMMITS - 1), StoreUnavailableError, "may or may not have been"),
    ],
)
def test_a_store_that_never_answers_is_given_up_with_what_is_known(
    flow: Workflow, store: FaultyStore, faults: list[Fault], error: type[Exception], words: str
) -> None:
    store.faults = faults
    with pytest.raises(error, match=words):
        flow.fire("order", "42", "pay", {"amount": 100})
    assert not store.faults


def test_waits_grow_and_are_bounded_and_nobody_waits_before_giving_up(
    flow: Workflow, store: FaultyStore, clock: FakeClock
) -> None:
    store.faults, clock.slept = ["throttle"] * MAX_COMMITS, []
    with pytest.raises(ThrottledError):
        flow.fire("order", "42", "pay", {"amount": 100})
    assert clock.slept == [0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0]


def test_another_writers_step_is_decided_upon_anew_under_a_new_token(flow: Workflow, store: FaultyStore) -> None:
    store.meanwhile = lambda: flow.fire("order", "42", "reprice", {"total": 50})
    store.writes = []
    answer = flow.fire("order", "42", "pay", {"amount": 100})
    assert _triggers(flow) == ["create", "reprice", "pay"]
    assert answer.event.version == 3
    theirs, first, second = store.writes
    assert [first.event.id, second.event.id] == [answer.event.id] * 2
    assert [first.token, second.token] == [f"{answer.event.id}-0", f"{answer.event.id}-1"]
    assert theirs.token not in (first.token, second.token)


def test_the_guard_is_evaluated_again_on_what_another_writer_left(flow: Workflow, store: FaultyStore) -> None:
    store.meanwhile = lambda: flow.fire("order", "42", "reprice", {"total": 500})
    with pytest.raises(GuardError, match=r"\(version 2\) needs: payload.amount >= data.total"):
        flow.fire("order", "42", "pay", {"amount": 100})
    assert _triggers(flow) == ["create", "reprice"]


def test_a_trigger_that_leads_nowhere_any_more_is_refused_after_a_read(flow: Workflow, store: FaultyStore) -> None:
    store.meanwhile, store.reads = (lambda: flow.fire("order", "42", "cancel")), 0
    with pytest.raises(TransitionError, match=r"no transition 'pay' from 'cancelled' \(version 2\)"):
        flow.fire("order", "42", "pay", {"amount": 100})
    # One read to decide, one by the other writer, and one before the refusal is final.
    assert store.reads == 3


def test_a_stale_held_entity_is_never_a_reason_to_refuse(flow: Workflow) -> None:
    held = flow.get("order", "42")
    flow.fire("order", "42", "pay", {"amount": 100})
    answer = flow.fire("order", "42", "ship", {"carrier": "DHL"}, held=held)
    assert (answer.event.version, answer.entity.state) == (3, "shipped")


def test_a_stale_held_entity_is_never_a_reason_to_accept(flow: Workflow) -> None:
    held = flow.get("order", "42")
    flow.fire("order", "42", "reprice", {"total": 500})
    with pytest.raises(GuardError, match=r"\(version 2\)"):
        flow.fire("order", "42", "pay", {"amount": 100}, held=held)
    flow.fire("order", "42", "cancel", held=held)
    assert _triggers(flow) == ["create", "reprice", "cancel"]


def test_a_held_entity_from_the_future_is_not_believed(flow: Workflow) -> None:
    held = flow.get("order", "42")._replace(version=7, state="paid")
    with pytest.raises(TransitionError, match=r"'ship' from 'placed' \(version 1\)"):
        flow.fire("order", "42", "ship", held=held)


def test_writers_who_are_faster_every_time_are_left_to_it(flow: Workflow, store: FaultyStore) -> None:
    def again() -> None:
        flow.fire("order", "42", "annotate", {"note": "x"})
        store.meanwhile = again

    store.meanwhile = again
    with pytest.raises(ContentionError, match=f"other writers were faster {MAX_DECISIONS} times"):
        flow.fire("order", "42", "pay", {"amount": 100})
    assert _triggers(flow) == ["create"] + ["annotate"] * MAX_DECISIONS


def test_a_creation_beaten_by_another_says_what_is_there(flow: Workflow, store: FaultyStore) -> None:
    store.meanwhile = lambda: flow.create("order", "new", {"total": 1})
    with pytest.raises(CreateError, match=r"order new exists already, in 'placed' \(version 1\)"):
        flow.create("order", "new", {"total": 2})
    assert [event.payload for event in flow.history("order", "new")] == [{"total": 1}]


def test_an_entity_deleted_by_hand_is_not_found(flow: Workflow, store: FaultyStore) -> None:
    store.meanwhile = lambda: store.delete("order", "42")
    with pytest.raises(EntityNotFoundError):
        flow.fire("order", "42", "pay", {"amount": 100})


def test_a_deleted_entity_is_not_created_over_its_history(flow: Workflow, store: FaultyStore) -> None:
    store.delete("order", "42")
    with pytest.raises(
        HistoryConflictError, match="order 42: its history holds event 1, which the entity does not know of"
    ):
        flow.create("order", "42")
    assert flow.find("order", "42") is None


def test_an_entity_put_back_by_hand_does_not_overwrite_its_history(flow: Workflow, store: FaultyStore) -> None:
    first = flow.get("order", "42")
    flow.fire("order", "42", "pay", {"amount": 100})
    store.rewind(first)
    with pytest.raises(
        HistoryConflictError, match="order 42: its history holds event 2, which the entity does not know of"
    ):
        flow.fire("order", "42", "cancel")
    assert _triggers(flow) == ["create", "pay"]


def test_what_was_not_answered_stays_unknown_whatever_a_later_attempt_is_told(
    flow: Workflow, store: FaultyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = store.commit

    def then_the_token_expires(write: Write) -> Contested | None:
        if store.writes:
            raise StoreAccessError("ExpiredTokenException")
        return commit(write)

    store.faults, store.writes = ["lost answer"], []
    monkeypatch.setattr(store, "commit", then_the_token_expires)
    with pytest.raises(StoreUnavailableError, match="may or may not have been recorded: ExpiredTokenException"):
        flow.fire("order", "42", "pay", {"amount": 100})
    assert _triggers(flow) == ["create", "pay"]


def test_an_entity_of_a_newer_definition_than_ours_waits_for_it(flow: Workflow, store: FaultyStore) -> None:
    newer = Workflow(definitions(replace(ORDER, version=2)), store, hooks_required=False)
    newer.fire("order", "42", "reprice", {"total": 50})
    with pytest.raises(DefinitionNotDeployedError, match="here is only version 1; deploy the newer one"):
        flow.fire("order", "42", "pay", {"amount": 100})
    assert _triggers(flow) == ["create", "reprice"]
