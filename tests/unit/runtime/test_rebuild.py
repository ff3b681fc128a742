"""Rebuilding a projection: every event that owes it, in order, and nothing besides; what fails is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from tests.fakes.clock import FakeClock
from tests.samples import JOB, ORDER, entering
from workflow import Effect, Workflow, hook, projection
from workflow.definition.definition import Definitions, State
from workflow.errors import (
    EntityNotFoundError,
    PayloadError,
    RebuildError,
    Refused,
    StoreUnavailableError,
    UnknownKindError,
)
from workflow.runtime.rebuild import ATTEMPTS, MOST_IN_A_ROW, Rebuilt, rebuild
from workflow.runtime.records import EntityRecords, Records
from workflow.testing import MemoryDelivery, MemoryStore

SECRET = "ada@example.com"
SHOP = entering(ORDER, placed=["lines"], paid=["mail", "lines"], shipped=["lines"])
Show = Callable[[Effect], None]


class Shop:
    """Orders in memory with a hook and a projection; what the one wrote is `model`, what the other sent is `mails`."""

    def __init__(self, show: Show | None = None, *, shop: Sequence[object] = (SHOP,), batch: int = 0) -> None:
        self.model: dict[tuple[str, int], str] = {}
        self.calls: list[list[str]] = []
        self.mails: list[str] = []
        self.show = show or (lambda effect: None)
        self.store, self.clock = MemoryStore(), FakeClock()
        self.flow = self.deployed(*shop, batch=batch)

    def deployed(self, *shop: object, batch: int = 0) -> Workflow:
        @projection
        def lines(effect: Effect) -> None:
            self._write([effect])

        @projection(name="lines", batch=batch)
        def batched(effects: Sequence[Effect]) -> None:
            self._write(effects)

        @hook
        def mail(effect: Effect) -> None:
            self.mails.append(effect.key)

        definitions = Definitions(tuple(shop))  # type: ignore[arg-type]
        handlers = [batched if batch else lines, mail]
        return Workflow(definitions, self.store, handlers=handlers, clock=self.clock)

    def _write(self, effects: Sequence[Effect]) -> None:
        self.calls.append([effect.key for effect in effects])
        for effect in effects:
            self.show(effect)
            self.model[effect.id, effect.version] = effect.entity.state

    def live(self, orders: int) -> Shop:
        """Every order is paid, every other one shipped."""
        for number in range(orders):
            self.flow.create("order", str(number), {"email": SECRET, "total": 1})
            self.flow.fire("order", str(number), "pay", {"amount": 1})
            if number % 2:
                self.flow.fire("order", str(number), "ship", {"carrier": "dhl"})
        return self

    def deliver(self) -> Shop:
        MemoryDelivery(self.flow).run()
        return self

    def rebuild(self, *, workers: int = 1, kind: str | None = None, id: str | None = None) -> Rebuilt:
        return self.flow.operations.rebuild("lines", kind=kind, id=id, workers=workers)


def test_the_model_is_the_same_again_and_no_other_hook_has_run() -> None:
    shop = Shop().live(5).deliver()
    written, mails, entries = dict(shop.model), list(shop.mails), dict(shop.store.ledger._entries)
    assert len(written) == 12
    shop.model.clear()
    rebuilt = shop.rebuild()
    assert shop.model == written
    assert (rebuilt.looked_at, rebuilt.entities, rebuilt.events, rebuilt.failed, rebuilt.told) == (5, 5, 12, 0, [])
    assert shop.mails == mails
    assert shop.store.ledger._entries == entries


def test_each_entity_is_rebuilt_in_the_order_of_its_versions_by_however_many_workers() -> None:
    shop = Shop().live(40)
    shop.rebuild(workers=8)
    for number in range(40):
        own = [key for (key,) in shop.calls if key.startswith(f"order#{number}#")]
        assert own == [f"order#{number}#{version}#lines" for version in range(1, 3 + number % 2)]


def test_several_entities_are_rebuilt_at_the_same_time() -> None:
    together = threading.Barrier(4, timeout=10)

    def show(effect: Effect) -> None:
        if effect.version == 1:
            together.wait()

    assert Shop(show).live(4).rebuild(workers=4).failed == 0


def test_the_event_is_at_hand_without_a_read(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    shop = Shop(lambda effect: seen.append((effect.event.trigger, effect.before and effect.before.state))).live(2)
    monkeypatch.setattr(shop.store, "find_event", lambda *_: pytest.fail("the history was read once more"))
    assert shop.rebuild(id="1").failed == 0
    assert seen == [("create", None), ("pay", "placed"), ("ship", "paid")]


def test_a_projection_that_fires_is_refused_and_nothing_happens() -> None:
    def show(effect: Effect) -> None:
        if effect.version == 2:
            effect.fire("cancel")

    shop = Shop(show).live(1)
    (told,) = shop.rebuild().told
    assert told.startswith("order 0 version 2: ProjectionError: order#0#2#lines: a projection fires nothing; ")
    # Being refused, it is not tried again.
    assert len(shop.calls) == 2
    assert shop.flow.get("order", "0").state == "paid"


def test_what_an_entity_of_another_kind_owes_is_not_touched() -> None:
    shop = Shop(shop=(SHOP, entering(JOB, pending=["mail"]))).live(1)
    shop.flow.create("job", "7", {"repository": "red"})
    rebuilt = shop.rebuild()
    assert (rebuilt.kinds, rebuilt.looked_at, rebuilt.entities, rebuilt.events) == (("order",), 2, 1, 2)
    assert shop.mails == []


def test_one_kind_or_one_entity_is_rebuilt_alone() -> None:
    shop = Shop(shop=(SHOP, entering(JOB, pending=["lines"]))).live(2)
    shop.flow.create("job", "7", {"repository": "red"})
    assert shop.rebuild(kind="job").events == 1
    assert shop.calls == [["job#7#1#lines"]]
    assert shop.rebuild(kind="order", id="0").events == 2
    assert shop.calls[1:] == [["order#0#1#lines"], ["order#0#2#lines"]]


# What comes in batches.


def test_a_batch_has_effects_of_different_entities_and_each_entity_keeps_its_order() -> None:
    shop = Shop(batch=25).live(60)
    rebuilt = shop.rebuild()
    assert (rebuilt.entities, rebuilt.events) == (60, 150)
    sizes = [len(call) for call in shop.calls]
    assert max(sizes) == 25
    assert len(sizes) <= 8
    for call in shop.calls:
        assert len({key.split("#")[1] for key in call}) == len(call)
    for number in range(60):
        own = [key for call in shop.calls for key in call if key.startswith(f"order#{number}#")]
        assert own == [f"order#{number}#{version}#lines" for version in range(1, 3 + number % 2)]


def test_one_that_fails_in_a_batch_is_tried_alone_and_takes_nobody_with_it() -> None:
    def show(effect: Effect) -> None:
        if effect.id == "3" and effect.version == 2:
            raise ValueError("not this one")

    shop = Shop(show, batch=25).live(6)
    rebuilt = shop.rebuild()
    assert rebuilt.told == ["order 3 version 2: ValueError: not this one"]
    assert (rebuilt.entities, rebuilt.events, rebuilt.failed) == (5, 13, 1)
    assert [version for id, version in sorted(shop.model) if id == "3"] == [1]
    assert [len(call) for call in shop.calls if "order#3#2#lines" in call] == [6, 1, 1]


# What fails.


def test_an_entity_that_fails_is_left_there_and_told_without_its_secrets() -> None:
    def show(effect: Effect) -> None:
        if effect.id == "1" and effect.version == 2:
            raise ValueError(f"no table for {effect.entity.data['email']}")

    shop = Shop(show).live(3)
    rebuilt = shop.rebuild()
    assert rebuilt.told == ["order 1 version 2: ValueError: no table for [hidden]"]
    assert (rebuilt.failed, rebuilt.entities, rebuilt.events) == (1, 2, 5)
    assert sorted(shop.model) == [("0", 1), ("0", 2), ("1", 1), ("2", 1), ("2", 2)]
    assert "test_rebuild.py" in rebuilt.trace
    assert SECRET not in rebuilt.trace


def test_what_fails_is_tried_again_with_pauses_and_what_is_refused_is_not() -> None:
    attempts: list[int] = []

    def show(effect: Effect) -> None:
        attempts.append(effect.attempt)
        if effect.attempt < ATTEMPTS:
            raise OSError("busy")

    shop = Shop(show).live(1)
    began = shop.clock.now()
    assert shop.rebuild(id="0").failed == 0
    assert attempts == [1, 2, 3] * 2
    assert shop.clock.now() >= began

    def refuse(effect: Effect) -> None:
        attempts.append(effect.attempt)
        raise Refused("never")

    attempts.clear()
    shop.show = refuse
    assert shop.rebuild(id="0").told == ["order 0 version 1: Refused: never"]
    assert attempts == [1]


def test_it_is_given_up_when_one_after_another_fails() -> None:
    def show(effect: Effect) -> None:
        raise Refused("the table is gone")

    shop = Shop(show).live(MOST_IN_A_ROW + 20)
    with pytest.raises(RebuildError, match=r"given up: 'lines' failed for 100 entities one after another, the last: "):
        shop.rebuild()
    assert len(shop.calls) == MOST_IN_A_ROW


def test_failures_among_successes_are_counted_and_the_first_of_them_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflow.runtime.rebuild.MOST_TOLD", 20)
    monkeypatch.setattr("workflow.runtime.rebuild.MOST_IN_A_ROW", 25)

    def show(effect: Effect) -> None:
        if int(effect.id) % 2:
            raise Refused("no")

    shop = Shop(show).live(60)
    rebuilt = shop.rebuild()
    assert (rebuilt.failed, len(rebuilt.told), rebuilt.entities) == (30, 20, 30)


def test_a_damaged_history_is_told_and_the_others_go_on() -> None:
    shop = Shop().live(3)
    del shop.store._events["order", "1"][2]
    rebuilt = shop.rebuild()
    assert rebuilt.told == ["order 1: event 3 from 'paid' does not follow version 1 in 'placed'"]
    assert (rebuilt.entities, rebuilt.events) == (2, 4)


def test_an_entity_without_a_history_is_told() -> None:
    shop = Shop().live(1)
    shop.store._events["order", "0"].clear()
    assert shop.rebuild().told == ["order 0: it has no history"]


def test_one_that_is_seen_in_the_middle_of_a_write_is_looked_at_again() -> None:
    shop = Shop().live(1)

    class Torn:
        def all(self, share: int, shares: int) -> Iterator[EntityRecords]:
            for found in shop.store.records.all(share, shares):
                yield found._replace(events=found.events[1:])

        def __getattr__(self, name: str) -> object:
            return getattr(shop.store.records, name)

    torn: Records = Torn()  # type: ignore[assignment]
    rebuilt = rebuild(shop.flow.runtime, torn, "lines", workers=1)
    assert (rebuilt.told, rebuilt.events) == ([], 2)


def test_what_one_worker_meets_ends_it_for_all() -> None:
    met = threading.Event()
    shop = Shop(lambda effect: met.wait(5) and None).live(50)  # type: ignore[func-returns-value]

    class Broken:
        def all(self, share: int, shares: int) -> Iterator[EntityRecords]:
            if threading.current_thread() is not threading.main_thread():
                met.set()
                raise StoreUnavailableError("the table does not answer")
            yield from shop.store.records.all(share, shares)

    broken: Records = Broken()  # type: ignore[assignment]
    with pytest.raises(StoreUnavailableError):
        rebuild(shop.flow.runtime, broken, "lines", workers=4)
    assert len(shop.calls) < 60


# Which events owe it.


def test_a_projection_that_was_added_later_is_filled_from_what_was_before() -> None:
    shop = Shop(shop=(ORDER,)).live(2)
    shop.flow = shop.deployed(ORDER, replace(SHOP, version=2))
    assert shop.rebuild().events == 5
    shop.flow = shop.deployed(replace(SHOP, version=2))
    assert shop.rebuild().events == 5


def test_what_an_older_definition_asked_for_is_rebuilt_as_well() -> None:
    shop = Shop().live(2)
    without = replace(ORDER, version=2)
    shop.flow = shop.deployed(SHOP, without)
    assert shop.rebuild().events == 5


def test_an_event_of_a_definition_that_is_not_here_is_told_and_not_passed_over() -> None:
    shop = Shop(shop=(SHOP,)).live(1)
    moved = replace(SHOP, version=2, initial="paid", states={**SHOP.states, "placed": State("placed")})
    shop.flow = shop.deployed(moved)
    assert shop.rebuild().told == [
        "order 0 version 1: version 1 of the definition of 'order' is not deployed here; "
        "deploy it, beside the one in force if need be"
    ]


# What cannot be asked for.


@pytest.mark.parametrize(
    ("projection", "asked", "error", "message"),
    [
        ("linse", {}, RebuildError, "no projection 'linse'; did you mean 'lines'? registered: lines"),
        ("mail", {}, RebuildError, "'mail' is a hook and no projection: it would do again whatever it did for every "),
        ("lines", {"kind": "ordr"}, UnknownKindError, "no definition of kind 'ordr' (did you mean 'order'?)"),
        ("lines", {"kind": "job"}, RebuildError, "no event of a job owes the projection 'lines'; of these do: order"),
        ("lines", {"kind": "order", "id": "77"}, EntityNotFoundError, "there is no order 77"),
        ("lines", {"id": ""}, PayloadError, "order: the id must have at least one character"),
    ],
)
def test_what_cannot_be_rebuilt_is_refused_in_one_line(
    projection: str, asked: dict[str, str], error: type[Exception], message: str
) -> None:
    shop = Shop(shop=(SHOP, JOB)).live(1)
    with pytest.raises(error) as raised:
        shop.flow.operations.rebuild(projection, **asked)  # type: ignore[arg-type]
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert shop.calls == []


def test_a_projection_that_nobody_asks_for_and_an_id_of_two_kinds_are_refused() -> None:
    with pytest.raises(RebuildError, match="no definition asks for the projection 'lines'"):
        Shop(shop=(ORDER,)).rebuild()
    shop = Shop(shop=(SHOP, entering(JOB, pending=["lines"])))
    with pytest.raises(RebuildError, match="the id '7' alone does not say which entity is meant; of these: job, order"):
        shop.rebuild(id="7")


def test_progress_is_told_now_and_then() -> None:
    shop, told = Shop().live(100), list[tuple[int, int]]()
    shop.flow.operations.rebuild("lines", workers=1, on_progress=lambda r: told.append((r.looked_at, r.events)))
    assert len(told) == 4
    assert told == sorted(told)
    assert told[-1][1] > 200


def test_no_more_histories_are_in_hand_than_the_workers_batches_hold() -> None:
    shop = Shop(batch=10).live(200)
    handed_out: list[int] = []

    class Counting:
        def all(self, share: int, shares: int) -> Iterator[EntityRecords]:
            for found in shop.store.records.all(share, shares):
                handed_out.append(len(handed_out) + 1 - through())
                yield found

    def through() -> int:
        return sum(1 for number in range(200) if (str(number), 2 + number % 2) in shop.model)

    counting: Records = Counting()  # type: ignore[assignment]
    assert rebuild(shop.flow.runtime, counting, "lines", workers=1).entities == 200
    assert max(handed_out) <= 20
