"""An entity of a global table is written at home; elsewhere everybody is told where that is, and nothing is written.

The region of a store in memory can be changed: what was at home is then a copy in another region.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.archives import Shop
from tests.fakes.hooks import raising
from tests.unit.runtime.delivery import Bench
from tests.unit.runtime.lanes import LANE, Builds
from tests.unit.runtime.webhooks.posting import Post
from workflow import Effect, Workflow, projection
from workflow.engine.events import fold
from workflow.errors import CreateError, HomeRegionError, PayloadError, Refused
from workflow.runtime.mend_lane import mend_place
from workflow.runtime.ports import SetTimer
from workflow.runtime.reason import Reason
from workflow.runtime.timers import fire_timer
from workflow.testing import MemoryStore

HERE, ABROAD = "eu-west-1", "us-east-1"
TO_IRELAND = (
    "send it there: to the address of the stack in eu-west-1, or from a shell with AWS_DEFAULT_REGION=eu-west-1 "
    "WORKFLOW_REGION=eu-west-1"
)


@pytest.fixture
def bench() -> Bench:
    """Order 42 is paid, in Ireland."""
    bench = Bench()
    bench.store.region = HERE
    bench.paid()
    return bench


def _regions(bench: Bench) -> tuple[list[str], str]:
    return [event.home for event in bench.flow.history("order", "42")], bench.flow.get("order", "42").home


def test_the_first_event_says_the_home_and_the_entity_keeps_it(bench: Bench) -> None:
    assert _regions(bench) == ([HERE, ""], HERE)


def test_where_no_region_is_set_nothing_has_a_home() -> None:
    bench = Bench()
    bench.paid()
    assert _regions(bench) == (["", ""], "")


@pytest.mark.parametrize(
    ("region", "told"),
    [
        (ABROAD, f"order 42: its home is eu-west-1, and this is us-east-1; {TO_IRELAND}"),
        ("", f"order 42: its home is eu-west-1, and here no region is set; {TO_IRELAND}"),
    ],
)
def test_a_trigger_elsewhere_is_refused_before_anything_is_decided(bench: Bench, region: str, told: str) -> None:
    bench.store.region = region
    with pytest.raises(HomeRegionError) as refused:
        bench.flow.fire("order", "42", "no such trigger", {"not": "declared"})
    assert str(refused.value) == told
    assert isinstance(refused.value, Refused)
    assert bench.flow.get("order", "42").version == 2


def test_what_was_created_where_no_region_is_set_is_at_home_there() -> None:
    bench = Bench()
    bench.paid()
    bench.store.region = HERE
    with pytest.raises(HomeRegionError) as refused:
        bench.flow.fire("order", "42", "ship")
    assert str(refused.value) == (
        "order 42: it has no home, since it was created where no region is set, and this is eu-west-1; "
        "send it there: to the address of the stack that has no region, or from a shell with WORKFLOW_REGION set to "
        "nothing"
    )
    bench.store.region = ""
    assert bench.flow.fire("order", "42", "ship").entity.state == "shipped"


def test_a_copy_answers_no_request_that_its_home_accepted(bench: Bench) -> None:
    bench.flow.fire("order", "42", "ship", request_id="r")
    bench.store.region = ABROAD
    with pytest.raises(HomeRegionError):
        bench.flow.fire("order", "42", "ship", request_id="r")


def test_an_id_that_is_taken_anywhere_is_taken(bench: Bench) -> None:
    bench.store.region = ABROAD
    with pytest.raises(CreateError, match=r"^order 42 exists already: its home is eu-west-1, and this is us-east-1; "):
        bench.flow.create("order", "42")


def test_a_hook_that_fires_on_an_entity_of_another_region_waits_for_a_person(bench: Bench) -> None:
    bench.deliver()
    bench.store.region = ABROAD
    bench.notes.failing["greet"] = lambda effect: effect.fire("ship", kind="order", id="42")
    bench.flow.create("order", "43")
    bench.deliver(*bench.store.changes(2))
    assert bench.waiting_for("43") == [(1, "greet", "refused")]
    assert bench.flow.get("order", "42").state == "paid"


def test_a_timer_that_is_met_elsewhere_stays_as_it_is(bench: Bench) -> None:
    timer = SetTimer("order", "42", 2, "cancel", bench.clock.now())
    bench.store._timers["order", "42"] = timer
    bench.store.region = ABROAD
    with pytest.raises(HomeRegionError):
        fire_timer(bench.flow.runtime, timer)
    assert bench.store.find_timer("order", "42") == timer


@pytest.mark.parametrize(
    "command",
    [
        lambda flow: flow.operations.redrive("order", "42"),
        lambda flow: flow.operations.skip("order", "42", "it was sent by hand"),
        lambda flow: flow.operations.get_parked("order", "42"),
    ],
)
def test_people_are_told_where_to_go(bench: Bench, command: Callable[[Workflow], object]) -> None:
    bench.notes.failing["greet"] = raising(PayloadError("no such address"))
    bench.deliver()
    entries = list(bench.store.ledger.entries("order", "42"))
    bench.store.region = ABROAD
    with pytest.raises(HomeRegionError, match=r"^order 42: its home is eu-west-1, and this is us-east-1; "):
        command(bench.flow)
    assert list(bench.store.ledger.entries("order", "42")) == entries


def test_an_entity_that_cannot_be_read_can_still_be_let_go(bench: Bench) -> None:
    bench.notes.failing["greet"] = raising(PayloadError("no such address"))
    bench.deliver()
    del bench.store._entities["order", "42"]
    assert bench.flow.operations.get_parked("order", "42").version == 1


def test_explain_says_where_to_ask_and_nothing_that_it_cannot_know(bench: Bench) -> None:
    bench.store.region = ABROAD
    told = bench.flow.operations.explain("order", "42")
    assert told.reasons == [
        Reason(
            "its home is eu-west-1, and this is us-east-1; what this table has of it is a copy, which may be behind",
            "ask there",
        )
    ]
    assert (told.blocking, told.waiting, told.ways) == (None, (), ())


def test_reconcile_passes_over_what_another_region_owes(bench: Bench) -> None:
    bench.clock.advance(600)
    bench.store.region = ABROAD
    found = bench.flow.operations.reconcile()
    assert (found.looked_at, found.elsewhere, found.restored, found.broken) == (1, 1, [], [])
    bench.store.region = HERE
    assert bench.flow.operations.reconcile().restored == ["order 42 version 1"]


def test_verify_counts_the_copies_and_checks_none(bench: Bench) -> None:
    del bench.store._events["order", "42"][2]
    bench.store.region = ABROAD
    found = bench.flow.operations.verify()
    assert (found.entities, found.elsewhere, found.findings) == (0, {HERE: 1}, [])
    bench.store.region = HERE
    assert [finding.promise for finding in bench.flow.operations.verify().findings] != []


def test_an_entity_is_moved_into_no_lane_of_another_region() -> None:
    builds = Builds()
    builds.store.region = HERE
    builds.queued("17")
    entity = builds.store.find_entity("job", "17")
    assert entity is not None
    lane = builds.store.lane(LANE, waiting=9)
    builds.store.remove_from_lane(LANE, (*lane.running, *lane.waiting)[0])
    builds.store.region = ABROAD
    assert mend_place(builds.flow.runtime, "job", "17") is False
    assert builds.flow.operations.reconcile().moved == []
    builds.store.region = HERE
    assert mend_place(builds.flow.runtime, "job", "17") is True


def test_what_is_wrong_with_the_lanes_of_another_region_is_not_told_here() -> None:
    builds = Builds()
    builds.store.region = HERE
    builds.queued("17")
    entity = builds.store.find_entity("job", "17")
    assert entity is not None
    builds.store.rewind(entity._replace(place=None))
    builds.store.region = ABROAD
    found = builds.flow.operations.reconcile()
    assert (found.moved, found.broken) == ([], [])
    builds.store.region = HERE
    assert len(builds.flow.operations.reconcile().moved) == 1


def test_a_projection_is_rebuilt_of_what_is_at_home() -> None:
    shown: list[str] = []

    @projection
    def greet(effect: Effect) -> None:
        shown.append(effect.id)

    bench = Bench()
    flow = Workflow(bench.flow.definitions, bench.store, handlers=[greet], hooks_required=False, clock=bench.clock)
    for bench.store.region, one in ((HERE, "42"), (ABROAD, "43")):
        flow.create("order", one)
    rebuilt = flow.operations.rebuild("greet")
    assert (shown, rebuilt.looked_at, rebuilt.entities) == (["43"], 2, 1)
    with pytest.raises(HomeRegionError):
        flow.operations.rebuild("greet", id="42")


def test_a_webhook_in_the_wrong_region_is_misdirected() -> None:
    post = Post()
    post.store.region = HERE
    post.order()
    post.store.region = ABROAD
    answer = post.github("paid", {"id": "42", "amount": 100})
    assert (answer.status, answer.outcome) == (421, "refused")
    assert answer.content == {"error": f"order 42: its home is eu-west-1, and this is us-east-1; {TO_IRELAND}"}


def test_an_archive_keeps_the_home_and_is_loaded_there_alone(tmp_path: Path) -> None:
    shop = Shop(MemoryStore(region=HERE)).live().deliver()
    shop.archive(tmp_path)
    abroad = Shop(MemoryStore(region=ABROAD), clock=shop.clock)
    hydrated = abroad.hydrate(tmp_path)
    assert (hydrated.loaded, hydrated.wrong, abroad.everything()) == (0, hydrated.lines, [])
    assert hydrated.told[0].endswith(": its home is eu-west-1, and this is us-east-1; load it there")
    home = Shop(MemoryStore(region=HERE), clock=shop.clock)
    assert home.hydrate(tmp_path).wrong == 0
    assert home.everything() == shop.everything()
    assert {found.home for found in home.everything()} == {HERE}


def test_an_archive_without_homes_begins_where_it_is_loaded(tmp_path: Path) -> None:
    shop = Shop().live().deliver()
    shop.archive(tmp_path)
    home = Shop(MemoryStore(region=HERE), clock=shop.clock)
    hydrated = home.hydrate(tmp_path)
    assert (hydrated.wrong, hydrated.loaded) == (0, hydrated.checked)
    for found in home.everything():
        folded = fold(found.events)
        assert folded is not None
        assert found.entity == folded._replace(place=found.entity.place if found.entity else None)
        assert folded.home == HERE
