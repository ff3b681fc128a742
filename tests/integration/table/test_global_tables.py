"""Two regions of a global table, each with its stream and its sweeper: an entity lives in one of them, and once."""

from __future__ import annotations

import json
import logging
import uuid
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.hooks import Notebook, raising
from tests.fakes.log import of_line
from tests.fakes.records import seen
from tests.fakes.replicator import Replica, Replicator
from tests.fakes.uses import LATER, using
from tests.samples import JOB, ORDER, definitions, entering
from tests.unit.aws.test_api_handler import request
from workflow import Workflow
from workflow.aws.due_items import shard_of
from workflow.aws.lambdas.api import ApiHandler
from workflow.aws.lambdas.stream import StreamHandler
from workflow.aws.ledger import TableLedger
from workflow.aws.records import TableRecords
from workflow.aws.table import TableStore
from workflow.definition.definition import Timer
from workflow.errors import CreateError, EntityNotFoundError, HomeRegionError, PayloadError
from workflow.runtime.delivered import Delivered
from workflow.runtime.sweep import MOST_DUE, Sweeper

HOOKED = using(entering(ORDER, placed=["greet"], paid=["receipt"], shipped=["notify"]), retry=LATER)
_PLACED = replace(HOOKED.states["placed"], timers=(Timer(1800, "cancel"),))
TIMED = replace(HOOKED, states={**HOOKED.states, "placed": _PLACED})
TO_IRELAND = (
    "send it there: to the address of the stack in eu-west-1, or from a shell with AWS_DEFAULT_REGION=eu-west-1 "
    "WORKFLOW_REGION=eu-west-1"
)


@dataclass
class Region:
    """All that one region runs on its replica."""

    replica: Replica
    clock: FakeClock
    notes: Notebook = field(default_factory=lambda: Notebook("greet", "receipt", "notify"))

    def __post_init__(self) -> None:
        client, table, region = self.replica.client, self.replica.table, self.replica.region
        self.records = TableRecords(client, table, region)
        self.flow = Workflow(
            definitions(TIMED, JOB),
            TableStore(client, table, region=region),
            ledger=TableLedger(client, table, region),
            records=self.records,
            handlers=self.notes.handlers,
            clock=self.clock,
        )
        self._handler = StreamHandler(self.flow.runtime, workers=1)

    def wake(self) -> None:
        """The stream's function takes all that the stream has brought."""
        while records := self.replica.take_records():
            assert self._handler.handle(records, 60_000) == {"batchItemFailures": []}

    def sweep(self, most: int = MOST_DUE) -> Delivered:
        """What the sweeper does now."""
        return Sweeper(self.flow.runtime, workers=1, most=most).sweep(until=self.clock.now() + timedelta(minutes=1))

    def state(self, kind: str, *ids: str) -> list[str]:
        """The states of these entities as they are known here."""
        return [self.flow.get(kind, one).state for one in ids]


@dataclass
class World:
    """A global table in Ireland and in Virginia; the orders and jobs of most tests are at home in Ireland."""

    home: Region
    abroad: Region
    replicator: Replicator
    clock: FakeClock

    def wake(self, view: str) -> None:
        """Both streams are read to their ends, each as it is with that view."""
        for region in (self.abroad, self.home):
            region.replica.records = seen(view, region.replica.records)
            region.wake()

    def settle(self) -> None:
        """Until all is everywhere, and both streams are read to their ends."""
        while True:
            brought = self.replicator.replicate()
            self.home.wake()
            self.abroad.wake()
            if not (brought or self.replicator.under_way):
                return


@pytest.fixture
def world(dynamodb_local_url: str, clock: FakeClock) -> World:
    key = str(uuid.uuid4().int)[:12].replace("0", "1")
    replicas = [
        Replica(dynamodb_local_url, region, access_key=f"{key}{number}")
        for number, region in enumerate(("eu-west-1", "us-east-1"))
    ]
    ireland, virginia = (Region(replica, clock) for replica in replicas)
    return World(ireland, virginia, Replicator(*replicas), clock)


@pytest.mark.parametrize("seed", range(3))
def test_hooks_run_at_home_alone_and_once_however_the_copies_come(world: World, seed: int) -> None:
    random = Random(seed)
    home, abroad = world.home, world.abroad
    home.flow.create("order", "42", {"total": 100})
    for trigger, payload in (("pay", {"amount": 100}), ("annotate", {"note": "x"}), ("ship", {"carrier": "post"})):
        chosen: set[int] = {copy.written for copy in world.replicator.under_way if random.random() < 0.5}
        world.replicator.replicate(only=lambda copy, some=chosen: copy.written in some)  # type: ignore[misc]
        for region in random.sample([home, abroad], 2):
            region.wake()
        home.flow.fire("order", "42", trigger, payload)
    world.settle()
    assert home.notes.keys == ["order#42#1#greet", "order#42#2#receipt", "order#42#3#receipt", "order#42#4#notify"]
    assert abroad.notes.keys == []
    assert abroad.flow.get("order", "42") == home.flow.get("order", "42")
    assert abroad.flow.history("order", "42") == home.flow.history("order", "42")
    assert abroad.replica.items() == home.replica.items()
    assert home.flow.operations.verify().findings == []


@pytest.mark.parametrize("view", ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE"])
def test_a_stream_that_leaves_images_out_runs_no_hook_of_another_region_either(world: World, view: str) -> None:
    home, abroad = world.home, world.abroad
    home.flow.create("order", "42", {"total": 100})
    abroad.flow.create("order", "43", {"total": 100})
    for region, one in ((home, "42"), (abroad, "43")):
        region.flow.fire("order", one, "pay", {"amount": 100})
    world.replicator.replicate()
    world.wake(view)
    assert home.notes.keys == ["order#42#1#greet", "order#42#2#receipt"]
    assert abroad.notes.keys == ["order#43#1#greet", "order#43#2#receipt"]
    item = home.replica.find("order#42", "entity")
    assert item is not None
    home.replica.client.delete_item(TableName=home.replica.table, Key={"pk": item["pk"], "sk": item["sk"]})
    world.replicator.replicate()
    world.wake(view)
    assert [len(home.flow.violations("order", one)) for one in ("42", "43")] == [1, 0]
    assert [len(abroad.flow.violations("order", one)) for one in ("42", "43")] == [0, 0]


def test_a_trigger_abroad_is_refused_with_the_reason_and_nothing_is_written(world: World) -> None:
    world.home.flow.create("order", "42", {"total": 100})
    world.settle()
    before = world.abroad.replica.items()
    with pytest.raises(HomeRegionError) as refused:
        world.abroad.flow.fire("order", "42", "pay", {"amount": 100}, request_id="r")
    assert str(refused.value) == f"order 42: its home is eu-west-1, and this is us-east-1; {TO_IRELAND}"
    assert (world.abroad.replica.items(), world.replicator.under_way) == (before, [])
    assert world.home.flow.fire("order", "42", "pay", {"amount": 100}, request_id="r").entity.version == 2


def test_over_http_a_trigger_abroad_is_answered_421_with_the_way_and_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    home, abroad = (ApiHandler(region.flow.runtime) for region in (world.home, world.abroad))
    pay = request("POST", "/entities/order/42/pay", '{"amount": 100}', idempotency_key="r")
    assert home.handle(request("PUT", "/entities/order/42", '{"total": 100}'))["statusCode"] == 201
    world.settle()
    before = world.abroad.replica.items()
    with caplog.at_level(logging.INFO, logger="workflow"):
        answer = abroad.handle(pay)
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (421, "application/problem+json")
    assert json.loads(answer["body"]) == {
        "type": "urn:workflow:problem:home",
        "title": "The entity is at home in another region",
        "status": 421,
        "detail": f"order 42: its home is eu-west-1, and this is us-east-1; {TO_IRELAND}",
    }
    line = of_line(caplog.records[-1])
    assert (line["kind"], line["method"], line["outcome"], line["status"]) == ("order", "POST", "refused", 421)
    assert (world.abroad.replica.items(), world.replicator.under_way) == (before, [])
    assert json.loads(abroad.handle(request("GET", "/entities/order/42"))["body"])["state"] == "placed"
    assert json.loads(home.handle(pay)["body"])["state"] == "paid"


def test_a_request_that_was_accepted_at_home_is_not_answered_abroad(world: World) -> None:
    world.home.flow.create("order", "42", {"total": 100}, request_id="c")
    world.home.flow.fire("order", "42", "pay", {"amount": 100}, request_id="r")
    world.settle()
    with pytest.raises(HomeRegionError):
        world.abroad.flow.fire("order", "42", "pay", {"amount": 100}, request_id="r")
    with pytest.raises(CreateError, match="order 42 exists already: its home is eu-west-1, and this is us-east-1; "):
        world.abroad.flow.create("order", "42", {"total": 100}, request_id="c")


def test_where_the_copy_is_behind_a_trigger_is_refused_too(world: World) -> None:
    home, abroad = world.home, world.abroad
    home.flow.create("order", "42", {"total": 100})
    with pytest.raises(EntityNotFoundError):
        abroad.flow.fire("order", "42", "pay", {"amount": 100})
    world.replicator.replicate()
    home.flow.fire("order", "42", "pay", {"amount": 100})
    before = abroad.replica.items()
    with pytest.raises(HomeRegionError):
        abroad.flow.fire("order", "42", "cancel")
    assert abroad.replica.items() == before


EXISTS = f"order 42 exists already: its home is eu-west-1, and this is us-east-1; give another id, or {TO_IRELAND}"
USED = (
    "order 42: 'create': the request id 'c' was used in another region, and the rest has yet to come, usually within a "
    "second; send it again then, or to the region that it was sent to first"
)


@pytest.mark.parametrize(("first", "told"), [("entity", EXISTS), ("event#000000000001", EXISTS), ("request#c", USED)])
def test_nothing_is_created_over_a_creation_of_which_a_part_has_come(world: World, first: str, told: str) -> None:
    world.home.flow.create("order", "42", {"total": 100}, request_id="c")
    world.replicator.replicate(only=lambda copy: copy.name[1] == first)
    before = world.abroad.replica.items()
    with pytest.raises((CreateError, HomeRegionError)) as refused:
        world.abroad.flow.create("order", "42", {"total": 100}, request_id="c")
    assert str(refused.value) == told
    assert world.abroad.replica.items() == before


def test_timers_fire_at_home_alone(world: World) -> None:
    world.home.flow.create("order", "42")
    world.abroad.flow.create("order", "43")
    world.settle()
    world.clock.advance(1801)
    assert world.abroad.sweep().timers_fired == 1
    world.settle()
    assert world.home.state("order", "42", "43") == ["placed", "cancelled"]
    assert world.home.sweep().timers_fired == 1
    world.settle()
    assert world.abroad.state("order", "42", "43") == ["cancelled", "cancelled"]
    assert (world.home.sweep().timers_fired, world.abroad.sweep().timers_fired) == (0, 0)


def test_what_is_put_aside_is_tried_again_at_home_alone(world: World) -> None:
    home, abroad = world.home, world.abroad
    home.notes.failing["greet"] = raising(ValueError("no"))
    home.flow.create("order", "42")
    world.settle()
    del home.notes.failing["greet"]
    world.clock.advance(60)
    assert (abroad.sweep().effects_done, list(abroad.flow.operations.parked())) == (0, [])
    assert [entry.entity_id for entry in home.flow.operations.parked()] == ["42"]
    assert home.sweep().effects_done == 1
    assert (len(home.notes.ran), abroad.notes.ran) == (2, [])


def test_whoever_waits_for_a_person_waits_for_one_at_home(world: World) -> None:
    home, abroad = world.home, world.abroad
    home.notes.failing["greet"] = raising(PayloadError("no such address"))
    home.flow.create("order", "42")
    world.settle()
    before = abroad.replica.items()
    with pytest.raises(HomeRegionError, match="order 42: its home is eu-west-1, and this is us-east-1"):
        abroad.flow.operations.redrive("order", "42")
    with pytest.raises(HomeRegionError, match="order 42: its home is eu-west-1, and this is us-east-1"):
        abroad.flow.operations.skip("order", "42", "it was sent")
    assert list(abroad.flow.operations.parked()) == []
    assert abroad.replica.items() == before
    home.flow.operations.skip("order", "42", "it was sent")
    assert home.sweep().put_aside == 0
    assert home.flow.operations.verify().for_people == 0


def test_lanes_are_each_regions_own(world: World) -> None:
    home, abroad = world.home, world.abroad
    for region, ids in ((home, ("1", "2", "3")), (abroad, ("4", "5"))):
        for one in ids:
            region.flow.create("job", one, {"repository": "web"})
    world.settle()
    everything = ["active", "pending", "pending", "active", "pending"]
    assert home.state("job", *"12345") == abroad.state("job", *"12345") == everything
    home.flow.fire("job", "1", "finish")
    world.settle()
    # A sweeper looks where somebody waits: in its own lane.
    world.clock.advance(120)
    assert (home.sweep().started, abroad.sweep().started) == (0, 0)
    world.settle()
    assert abroad.state("job", *"12345") == ["done", "active", "pending", "active", "pending"]
    home.flow.create("job", "6", {"repository": "only in Ireland"})
    world.settle()
    assert [lane.key for lane in abroad.records.lanes(0, 1)] == ["web"]
    assert {lane.key for lane in home.records.lanes(0, 1)} == {"web", "only in Ireland"}
    (own,) = abroad.flow.operations.lanes("job")
    assert ([row.entity_id for row in own.running], [row.entity_id for row in own.waiting]) == (["4"], ["5"])
    assert (home.flow.operations.verify().findings, abroad.flow.operations.verify().findings) == ([], [])


def test_walks_over_the_table_pass_over_who_is_at_home_elsewhere(world: World) -> None:
    home, abroad = world.home, world.abroad
    home.flow.create("order", "42")
    home.flow.create("job", "1", {"repository": "web"})
    home.replica.take_records()
    world.replicator.replicate()
    abroad.wake()
    world.clock.advance(600)
    before = abroad.replica.items()
    found, checked = abroad.flow.operations.reconcile(), abroad.flow.operations.verify()
    assert (found.looked_at, found.restored, found.elsewhere, found.broken) == (2, [], 1, [])
    assert (found.moved, found.freed, checked.findings) == ([], {}, [])
    assert (checked.entities, checked.elsewhere) == (0, {"eu-west-1": 2})
    after = abroad.replica.items()
    # How far an interrupted walk has come is each region's own.
    after.pop(("#reconcile", "progress@us-east-1"))
    assert after == before
    assert home.flow.operations.reconcile().restored == ["order 42 version 1"]
    assert (abroad.sweep().effects_done, home.sweep().effects_done) == (0, 1)


def test_a_write_by_hand_is_a_violation_at_home_wherever_it_was_made(world: World) -> None:
    home, abroad = world.home, world.abroad
    home.flow.create("order", "42")
    world.settle()
    item = abroad.replica.find("order#42", "entity")
    assert item is not None
    abroad.replica.client.put_item(TableName=abroad.replica.table, Item={**item, "state": {"S": "shipped"}})
    world.settle()
    abroad.replica.client.delete_item(TableName=abroad.replica.table, Key={"pk": item["pk"], "sk": item["sk"]})
    home.replica.client.delete_item(TableName=home.replica.table, Key={"pk": item["pk"], "sk": item["sk"]})
    world.settle()
    told = [violation.reason for violation in home.flow.violations("order", "42")]
    assert told == ["the state went from 'placed' to 'shipped' without an event", "the entity was deleted by hand"]
    assert abroad.notes.ran == []


def test_a_pause_holds_everywhere(world: World) -> None:
    world.home.flow.operations.pause("greet", "the mail server is down")
    world.settle()
    assert list(world.abroad.flow.operations.pauses()) == ["greet"]
    world.clock.advance(11)
    world.abroad.flow.create("order", "43")
    world.settle()
    assert world.abroad.notes.ran == []


def test_of_one_id_created_twice_at_one_moment_the_last_writer_wins_and_verify_says_what_is_left(world: World) -> None:
    home, abroad = world.home, world.abroad
    home.flow.create("order", "42", {"total": 1})
    abroad.flow.create("order", "42", {"total": 2})
    home.flow.fire("order", "42", "annotate", {"note": "x"})
    home.wake()
    abroad.wake()
    world.settle()
    assert (home.notes.keys, abroad.notes.keys) == (["order#42#1#greet", "order#42#2#greet"], ["order#42#1#greet"])
    assert abroad.replica.items() == home.replica.items()
    # The entity that was written last in Ireland, and under it the first event that was written last in Virginia.
    (wrong,) = home.flow.operations.verify().findings
    assert (wrong.promise, wrong.what) == (
        2,
        "it does not equal its history: home is eu-west-1, its events make it us-east-1; of its data: total",
    )
    assert abroad.flow.operations.verify().elsewhere == {"eu-west-1": 1}


def _move_by_hand(world: World, pk: str, *, home: bool = True, due: bool = True) -> None:
    """What docs/global-tables.md says: in the region where it is to live, with the other one stopped."""
    abroad, client = world.abroad.replica, world.abroad.replica.client
    moved = [one for (partition, sk), one in abroad.items().items() if partition == pk and _is_bound(sk, one)]
    for item in moved:
        if home and "home" in item:
            item["home"] = {"S": "us-east-1"}
        if due and "due" in item:
            item["due"] = {"S": item["due"]["S"].replace("@eu-west-1", "@us-east-1")}
        client.put_item(TableName=abroad.table, Item=item)


def _is_bound(sk: str, item: dict[str, object]) -> bool:
    return sk in ("entity", "event#000000000001") or "due" in item


def test_what_is_moved_by_hand_lives_on_where_it_is_now(world: World) -> None:
    home, abroad = world.home, world.abroad
    home.notes.failing["greet"] = raising(ValueError("no"))
    home.flow.create("order", "42")
    home.flow.create("order", "43")
    home.flow.create("job", "1", {"repository": "web"})
    world.settle()
    for pk in ("order#42", "order#43", "job#1"):
        _move_by_hand(world, pk)
    abroad.flow.operations.reconcile()
    world.settle()
    world.clock.advance(60)
    assert (abroad.sweep().effects_done, home.sweep().effects_done) == (2, 0)
    assert abroad.flow.fire("order", "42", "pay", {"amount": 1}).entity.version == 2
    world.settle()
    world.clock.advance(1800)
    assert (home.sweep().timers_fired, abroad.sweep().timers_fired) == (0, 1)
    world.settle()
    assert abroad.state("order", "42", "43") == ["paid", "cancelled"]
    abroad.flow.fire("job", "1", "finish")
    assert abroad.flow.operations.verify().findings == []
    with pytest.raises(HomeRegionError):
        home.flow.fire("order", "42", "ship")


def test_what_was_moved_half_way_runs_nothing_at_its_old_home_and_keeps_nobody_waiting_there(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    home, abroad = world.home, world.abroad
    # In one share of the queues, which brings them in the order of their time.
    *moved, last = [str(number) for number in range(100) if shard_of(f"order#{number}") == 0][:3]
    home.notes.failing["greet"] = raising(ValueError("no"))
    for one in moved:
        home.flow.create("order", one)
    world.settle()
    for one in moved:
        _move_by_hand(world, f"order#{one}", due=False)
    world.settle()
    world.clock.advance(1)
    home.flow.create("order", last)
    home.wake()
    home.notes.failing.clear()
    home.notes.forget()
    world.clock.advance(1801)
    before = home.replica.items()
    swept = home.sweep(most=1)
    # Two timers and two effects are passed over: they stand before those of the last one.
    assert (swept.elsewhere, swept.timers_fired, swept.effects_done) == (4, 1, 1)
    assert "4 timers and put-aside entities stand in queues of this region and are at home elsewhere" in caplog.text
    assert (home.notes.keys, home.state("order", last)) == ([f"order#{last}#1#greet"], ["cancelled"])
    after = home.replica.items()
    assert [key for key in before if before[key] != after.get(key) and key[0] != f"order#{last}"] == []
    assert abroad.sweep().elsewhere == 0
    for one in moved:
        _move_by_hand(world, f"order#{one}", home=False)
    world.settle()
    assert abroad.sweep().timers_fired == 2
    assert sorted(abroad.notes.keys) == sorted(f"order#{one}#1#greet" for one in moved)
    world.settle()
    swept = home.sweep()
    assert (swept.elsewhere, swept.timers_fired, swept.effects_done) == (0, 0, 0)


def test_whoever_was_moved_leaves_the_slot_of_its_old_region_to_the_next(world: World) -> None:
    home, abroad = world.home, world.abroad
    for one in ("1", "2"):
        home.flow.create("job", one, {"repository": "web"})
    world.settle()
    _move_by_hand(world, "job#1")
    abroad.flow.operations.reconcile()
    world.settle()
    assert [row.entity_id for lane in abroad.flow.operations.lanes("job") for row in lane.running] == ["1"]
    world.clock.advance(61)
    assert home.sweep().started == 1
    assert home.state("job", "1", "2") == ["active", "active"]
    (own,) = home.flow.operations.lanes("job")
    assert [row.entity_id for row in own.running] == ["2"]
    assert [region.flow.operations.verify().findings for region in (home, abroad)] == [[], []]
