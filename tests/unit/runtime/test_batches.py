"""Batched hooks: one call for the effects of several entities, and what fails of it stays with whom it belongs to."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.batches import SYNCED, Batching, failing, named, poisoned
from tests.fakes.clock import START
from tests.fakes.ledgers import Crash
from tests.fakes.uses import LATER, using
from tests.samples import ORDER, entering
from workflow import Effect, hook, probe
from workflow.definition.definition import HookUse, Retry, Transition
from workflow.errors import Refused, RegisterHookError, Retryable
from workflow.runtime.gathering import attempt_together
from workflow.runtime.hook_run import Claimed
from workflow.runtime.ledger_entry import Attempt, Outcome
from workflow.runtime.people import pause, redrive


def test_effects_of_one_delivery_run_together() -> None:
    batching = Batching()
    batching.create(*named(5))
    delivered = batching.deliver()
    assert batching.batches == [named(5)]
    assert (delivered.effects_done, delivered.failed) == (5, [])
    assert set(batching.statuses().values()) == {"done"}


def test_a_batch_is_never_larger_than_the_hook_takes() -> None:
    batching = Batching(size=3)
    batching.create(*named(8))
    batching.deliver()
    assert batching.sizes == [3, 3, 2]


def test_an_entity_is_once_in_a_batch_and_its_effects_come_in_order() -> None:
    batching = Batching()
    seen: list[str] = []
    batching.answer = lambda effects: seen.extend(effect.key for effect in effects)
    batching.create("a", "b")
    batching.flow.fire("order", "a", "pay", {"amount": 1})
    batching.deliver()
    assert batching.batches == [["a", "b"], ["a"]]
    assert seen == ["order#a#1#sync", "order#b#1#sync", "order#a#2#sync"]


def test_who_is_named_fails_and_the_others_are_done() -> None:
    batching = Batching(definition=using(SYNCED, retry=LATER), answer=failing("001", "003"))
    batching.create(*named(5))
    delivered = batching.deliver()
    assert batching.sizes == [5]
    assert (delivered.effects_done, delivered.effects_failed, delivered.put_aside) == (3, 2, 2)
    assert batching.statuses() == {"000": "done", "001": "failed", "002": "done", "003": "failed", "004": "done"}
    assert batching.outcome("001").error == "ValueError: no"
    assert batching.outcome("001").attempts == 1


def test_what_was_put_aside_is_swept_up_in_batches_again() -> None:
    batching = Batching(definition=using(SYNCED, retry=LATER))
    batching.answer = lambda effects: {effect.key: TimeoutError("503") for effect in effects}
    batching.create(*named(7))
    batching.deliver()
    batching.answer = lambda effects: None
    assert batching.sweep(after=120).effects_done == 7
    assert batching.sizes == [7, 7]


def test_those_that_fail_rest_together_in_place_and_come_again_as_one_batch() -> None:
    batching = Batching()
    batching.answer = lambda effects: None if len(batching.batches) > 1 else {e.key: OSError("503") for e in effects}
    batching.create(*named(20))
    assert batching.deliver().effects_done == 20
    assert batching.sizes == [20, 20]
    assert batching.clock.slept == [0.2]


def test_what_a_batch_raises_is_in_the_end_the_failure_of_the_poison_alone() -> None:
    batching = Batching(definition=using(SYNCED, retry=Retry(attempts=4, first_seconds=0.4)), answer=poisoned("042"))
    batching.create(*named(100))
    delivered = batching.deliver()
    assert delivered.effects_done == 99
    assert [entity for entity, status in batching.statuses().items() if status != "done"] == ["042"]
    # Once all, then ten tens, the bad ten by threes, the bad three by themselves; the poison is tried again in place.
    assert batching.sizes[0] == 100
    assert Counter(batching.sizes) == {100: 1, 10: 10, 3: 3, 1: 5}
    assert batching.outcome("041").forgiven == batching.outcome("041").attempts - 1 == 3
    assert batching.outcome("000").attempts == 2
    assert batching.outcome("042").error == "ValueError: 400"


def test_a_refusal_of_a_whole_batch_parks_only_whom_it_belongs_to() -> None:
    batching = Batching(answer=poisoned("3", error=lambda: Refused("bad record")))
    batching.create("1", "2", "3", "4")
    delivered = batching.deliver()
    assert batching.statuses() == {"1": "done", "2": "done", "3": "parked", "4": "done"}
    assert delivered.for_people == {("order", "sync"): 1}
    entry = batching.store.ledger.find("order", "3", 1)
    assert entry is not None
    assert entry.parked is not None
    assert (entry.parked.why, entry.parked.error) == ("refused", "Refused: bad record")


def test_what_others_raise_costs_an_effect_none_of_its_attempts() -> None:
    batching = Batching(definition=using(SYNCED, retry=Retry(attempts=2, first_seconds=30)), answer=poisoned("3"))
    batching.create("1", "2", "3")
    batching.deliver()
    assert batching.statuses() == {"1": "done", "2": "done", "3": "failed"}
    poison = batching.outcome("3")
    assert poison.attempts - poison.forgiven == 1


def test_with_a_single_attempt_nothing_comes_again_and_the_whole_batch_waits_for_a_person() -> None:
    batching = Batching(definition=using(SYNCED, retry=Retry(attempts=1)), answer=poisoned("3"))
    batching.create("1", "2", "3")
    batching.deliver()
    assert (batching.sizes, set(batching.statuses().values())) == ([3], {"parked"})


def test_the_last_attempt_is_made_alone() -> None:
    batching = Batching(definition=using(SYNCED, retry=Retry(attempts=2, first_seconds=30)))
    batching.answer = lambda effects: {effect.key: OSError("503") for effect in effects}
    batching.create("1", "2", "3")
    batching.deliver()
    batching.sweep(after=60)
    assert batching.sizes == [3, 1, 1, 1]
    assert set(batching.statuses().values()) == {"parked"}


def test_an_effect_whose_run_was_cut_off_comes_again_among_fewer() -> None:
    def crash(effects: Sequence[Effect]) -> None:
        raise Crash

    batching = Batching(size=9, answer=crash)
    batching.create(*named(9))
    changes = batching.store.changes()
    for sizes in ([9], [9, 3], [9, 3, 1]):
        with pytest.raises(Crash):
            batching.deliverer.deliver(changes, until=batching.clock.now() + timedelta(minutes=1))
        batching.clock.advance(300)
        if len(sizes) < 3:
            assert batching.sizes == sizes


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda effects: [None], "TypeError: a batched hook returns None or a map by the keys of effects, not list"),
        (lambda effects: "done", "TypeError: a batched hook returns None or a map by the keys of effects, not str"),
        (lambda effects: True, "TypeError: a batched hook returns None or a map by the keys of effects, not bool"),
        (
            lambda effects: {"order#9#1#sync": ValueError("no")},
            "TypeError: a batched hook answered for 'order#9#1#sync', which is the key of no effect in its batch",
        ),
        (
            lambda effects: {effects[0].id: None},
            "TypeError: a batched hook answered for '1', which is the key of no effect in its batch",
        ),
        (
            lambda effects: (effect for effect in effects),
            "RegisterHookError: the hook returned what is still to be done; hooks are not async and do not yield",
        ),
    ],
    ids=["list", "text", "bool", "unknown_key", "id", "generator"],
)
def test_a_wrong_answer_is_one_clear_error_of_all_and_is_not_asked_for_again_in_parts(
    answer: Callable[[Sequence[Effect]], object], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    batching = Batching(definition=using(SYNCED, retry=LATER), answer=answer)
    batching.create("1", "2")
    with caplog.at_level(logging.ERROR, "workflow"):
        batching.deliver()
    assert batching.sizes == [2]
    assert {batching.outcome(one).error for one in "12"} == {told}
    assert sum("and 1 more failed (attempt 1)" in record.getMessage() for record in caplog.records) == 1


def test_a_coroutine_is_told_and_closed() -> None:
    async def later() -> None:
        pass

    batching = Batching(answer=lambda effects: later())
    batching.create("1", "2")
    batching.deliver()
    assert batching.outcome("1").error.startswith("RegisterHookError: the hook returned what is still to be done")


@pytest.mark.parametrize("value", ["failed: bad address", False, 0, ValueError])
def test_an_answer_that_is_neither_error_nor_map_is_no_success(value: object) -> None:
    batching = Batching(definition=using(SYNCED, retry=LATER), answer=lambda effects: {effects[0].key: value})
    batching.create("1", "2")
    batching.deliver()
    assert batching.statuses() == {"1": "failed", "2": "done"}
    kind = type(value).__name__
    told = f"TypeError: a batched hook answers an effect with None, an error or a map, not {kind}"
    assert batching.outcome("1").error == told


class _Broken(Mapping[str, object]):
    def __getitem__(self, key: str) -> object:
        raise LookupError("unreadable")

    def __iter__(self) -> Iterator[str]:
        yield "order#1#1#sync"

    def __len__(self) -> int:
        return 1


def test_a_map_that_cannot_be_read_is_the_hooks_failure() -> None:
    batching = Batching(definition=using(SYNCED, retry=LATER), answer=lambda effects: _Broken())
    batching.create("1", "2")
    assert batching.deliver().failed == []
    assert batching.outcome("2").error == "LookupError: unreadable"


def test_a_hook_may_do_with_its_list_what_it_likes() -> None:
    def clear(effects: Any) -> None:
        effects.reverse()
        effects.clear()
        if len(batching.batches) == 1:
            raise ValueError("no")

    batching = Batching(answer=clear)
    batching.create(*named(3))
    assert batching.deliver().effects_done == 3
    assert batching.outcome("000").attempts == 2


def test_an_async_hook_is_refused_when_it_is_registered() -> None:
    @hook(batch=10)
    async def sync(effects: list[Effect]) -> None:
        pass

    with pytest.raises(RegisterHookError, match=r"the hook 'sync' .* is async or yields; it would never run"):
        Batching(others=[sync])


@pytest.mark.parametrize("size", [-1, 1001, 2.5, True, "10"])
def test_a_size_that_is_none_is_refused(size: Any) -> None:
    with pytest.raises(RegisterHookError, match=r"batch=.* of a hook is no size of a batch; give a number up to 1000"):
        hook(batch=size)


CANARIES = ("canary-one@example.com", "canary-two@example.com")


@pytest.mark.parametrize("raises", [True, False], ids=["raised", "answered"])
def test_no_secret_of_any_entity_reaches_the_error_trace_or_log_of_another(
    raises: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def quote(effects: Sequence[Effect]) -> object:
        said = ValueError(" and ".join(CANARIES) + " were not taken")
        if raises:
            raise said
        return {effects[0].key: said}

    definition = using(SYNCED, retry=Retry(attempts=1 if raises else 4, first_seconds=30))
    batching = Batching(definition=definition, answer=quote)
    for entity_id, email in zip("12", CANARIES, strict=True):
        batching.create(entity_id, email=email)
    with caplog.at_level(logging.DEBUG, "workflow"):
        batching.deliver()
    hidden = "ValueError: [hidden] and [hidden] were not taken"
    assert batching.outcome("1").error == hidden
    assert (batching.outcome("2").error == hidden) == raises
    kept = repr([batching.store.ledger.entries("order", one) for one in "12"]) + caplog.text
    assert "canary" not in kept


def test_where_nobody_can_tell_what_is_secret_no_message_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    batching = Batching(definition=using(SYNCED, retry=LATER), answer=failing("1"))
    batching.create("1", "2")
    monkeypatch.setattr(Effect, "values_read", lambda self: 1 / 0)
    batching.deliver()
    assert batching.outcome("1").error == "ValueError"


def test_an_error_that_stands_for_many_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    def answer(effects: Sequence[Effect]) -> object:
        return dict.fromkeys((effect.key for effect in effects), OSError("429"))

    batching = Batching(definition=using(SYNCED, retry=LATER), answer=answer)
    batching.create(*named(4))
    with caplog.at_level(logging.ERROR, "workflow"):
        batching.deliver()
    told = [record.getMessage().splitlines()[0] for record in caplog.records]
    assert told == ["effect order#000#1#sync and 3 more failed (attempt 1): OSError: 429"]


def test_when_the_time_is_up_leases_are_given_back_and_the_changes_come_again() -> None:
    batching = Batching()
    batching.create("1", "2")
    ledger = batching.store.ledger
    # The first one waits for the second until nothing may be begun any more.
    ledger.meanwhile = lambda: setattr(ledger, "meanwhile", lambda: batching.clock.advance(58))
    delivered = batching.deliver()
    assert batching.batches == []
    assert {change.entity_id for change in delivered.failed} == {"1", "2"}
    again = batching.deliverer.deliver(delivered.failed, until=batching.clock.now() + timedelta(minutes=1))
    assert (again.failed, again.effects_done, batching.sizes) == ([], 2, [2])
    assert batching.outcome("1").attempts == 1


def test_when_the_time_is_up_after_a_batch_has_failed_its_effects_wait_and_nobody_is_called() -> None:
    def fail(effects: Sequence[Effect]) -> None:
        batching.clock.advance(58)
        raise Refused("no")

    batching = Batching(answer=fail)
    batching.create("1", "2")
    delivered = batching.deliver()
    assert (delivered.failed, delivered.put_aside, delivered.for_people) == ([], 2, {})
    assert batching.statuses() == {"1": "failed", "2": "failed"}


def test_an_attempt_that_was_made_counts_though_there_is_no_time_for_the_next_one() -> None:
    @hook
    def press(effect: Effect) -> None:
        batching.clock.advance(58)

    order = entering(ORDER, placed=["sync", "press"])
    batching = Batching(definition=order, answer=failing("1"), others=[press])
    batching.create("1", "2")
    delivered = batching.deliver()
    assert (delivered.failed, delivered.put_aside, batching.sizes) == ([], 1, [2])
    assert (batching.outcome("1").status, batching.outcome("1").attempts) == ("failed", 1)


def test_a_paused_batched_hook_is_not_run() -> None:
    batching = Batching()
    pause(batching.flow.runtime, "sync", "the CRM is being moved")
    batching.create("1", "2")
    assert (batching.deliver().put_aside, batching.batches) == (2, [])


def test_then_fires_with_what_was_answered_for_each() -> None:
    noted = Transition("note_crm_id", "placed", "paid", sets={"note": None})
    order = replace(ORDER, transitions=(*ORDER.transitions, noted))
    batching = Batching(definition=using(entering(order, placed=["sync"]), then="note_crm_id"))
    batching.answer = lambda effects: {effect.key: {"note": f"crm-{effect.id}"} for effect in effects}
    batching.create("1", "2")
    batching.deliver()
    assert [batching.flow.get("order", one).data["note"] for one in "12"] == ["crm-1", "crm-2"]


def test_an_error_that_is_caught_moves_only_its_own_entity() -> None:
    definition = using(SYNCED, retry=Retry(attempts=1), catch={"ValueError": "cancel"})
    batching = Batching(definition=definition, answer=failing("2"))
    batching.create("1", "2")
    batching.deliver()
    assert [batching.flow.get("order", one).state for one in "12"] == ["placed", "cancelled"]


def test_what_a_whole_batch_raised_is_caught_only_for_whom_it_belongs_to() -> None:
    definition = using(SYNCED, retry=Retry(attempts=2, first_seconds=0.1), catch={"Refused": "cancel"})
    batching = Batching(definition=definition, answer=poisoned("2", error=lambda: Refused("no")))
    batching.create("1", "2", "3")
    batching.deliver()
    assert [batching.flow.get("order", one).state for one in "123"] == ["placed", "cancelled", "placed"]


def test_what_a_whole_batch_raised_moves_nobody_where_nothing_comes_again() -> None:
    definition = using(SYNCED, retry=Retry(attempts=1), catch={"*": "cancel"})
    batching = Batching(definition=definition, answer=poisoned("2"))
    batching.create("1", "2", "3")
    batching.deliver()
    assert [batching.flow.get("order", one).state for one in "123"] == ["placed"] * 3
    assert set(batching.statuses().values()) == {"parked"}


def test_after_a_batch_was_cut_off_each_effect_is_asked_about() -> None:
    asked: list[str] = []

    @probe(of="sync")
    def was_synced(effect: Effect) -> bool:
        asked.append(effect.id)
        return effect.id == "1"

    def crash(effects: Sequence[Effect]) -> None:
        raise Crash

    batching = Batching(definition=using(SYNCED, on_unknown="verify"), answer=crash, others=[was_synced])
    batching.create("1", "2")
    changes = batching.store.changes()
    with pytest.raises(Crash):
        batching.deliver()
    batching.clock.advance(300)
    batching.answer = lambda effects: None
    batching.deliverer.deliver(changes, until=batching.clock.now() + timedelta(minutes=1))
    assert (sorted(asked), batching.batches[1:]) == (["1", "2"], [["2"]])
    assert batching.outcome("1").note == "its probe says it had happened"


def test_park_on_unknown_parks_all_that_were_in_the_batch_when_the_process_ended() -> None:
    def crash(effects: Sequence[Effect]) -> None:
        raise Crash

    batching = Batching(definition=using(SYNCED, on_unknown="park"), answer=crash)
    batching.create("1", "2")
    changes = batching.store.changes()
    with pytest.raises(Crash):
        batching.deliver()
    batching.clock.advance(300)
    batching.deliverer.deliver(changes, until=batching.clock.now() + timedelta(minutes=1))
    assert (batching.sizes, set(batching.statuses().values())) == ([2], {"parked"})


def test_who_is_redriven_has_all_attempts_again() -> None:
    batching = Batching(answer=poisoned("1", error=lambda: Refused("no")))
    batching.create("1", "2")
    batching.deliver()
    entry = batching.store.ledger.find("order", "1", 1)
    assert entry is not None
    batching.answer = lambda effects: None
    redrive(batching.flow.runtime, entry)
    assert batching.sweep().effects_done == 1
    assert batching.outcome("1").status == "done"


def test_a_hook_that_was_told_to_come_again_is_no_different() -> None:
    batching = Batching(answer=poisoned("1", error=lambda: _Busy("busy")), definition=using(SYNCED, retry=LATER))
    batching.create("1", "2")
    batching.deliver()
    assert batching.statuses() == {"1": "failed", "2": "done"}


class _Busy(Retryable):
    pass


def test_a_batch_of_one_is_a_list_too() -> None:
    seen: list[object] = []
    batching = Batching(size=1, answer=lambda effects: seen.append(type(effects)))
    batching.create("1", "2")
    batching.deliver()
    assert (batching.sizes, seen) == ([1, 1], [list, list])


def test_what_stands_in_the_ledger_after_a_batch_is_what_stands_after_any_run() -> None:
    batching = Batching()
    batching.create("1", "2")
    batching.deliver()
    assert batching.outcome("1") == Outcome("done", 1, batching.clock.now())


def _claimed(outcome: Outcome, attempts: int = 8) -> Claimed:
    change: Any = None
    return Claimed(change, HookUse("sync", retry=Retry(attempts=attempts)), outcome)


@pytest.mark.parametrize(
    ("outcome", "attempts", "most"),
    [
        (Outcome(), 8, 100),
        (Outcome(attempts=1, at=START, error="503"), 8, 100),
        (Outcome(attempts=1), 8, 10),
        (Outcome(attempts=2), 8, 1),
        (Outcome(attempts=5), 8, 1),
        (Outcome(attempts=1, at=START, error="503"), 2, 1),
        (Outcome(attempts=2, at=START, error="503", earlier=(Attempt(START, 0, "503"),), forgiven=1), 3, 100),
        (Outcome(), 1, 100),
        (Outcome(attempts=1), 1, 100),
    ],
)
def test_among_how_many_an_effect_comes(outcome: Outcome, attempts: int, most: int) -> None:
    assert next(attempt_together(_claimed(outcome, attempts), 100)).most == most


def test_who_has_to_rest_keeps_nobody_waiting_who_has_not() -> None:
    fresh = _claimed(Outcome())
    resting, longer = fresh._replace(rest_seconds=0.2), fresh._replace(rest_seconds=0.8)
    assert fresh.company != resting.company == longer.company
