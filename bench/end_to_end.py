"""From `fire` to its hook committed, on the embedded cloud, against a bare Lambda that logs, behind the same pump."""

from __future__ import annotations

import io
import json
import random
import shutil
import statistics
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench.measure import Row
from workflow import Workflow
from workflow.aws.client import make_client
from workflow.aws.ledger import TableLedger
from workflow.aws.table import TableStore
from workflow.local.deploy import Stack
from workflow.local.pump import Delivery, Pump
from workflow.local.session import LocalCloud, local_cloud
from workflow.settings import read_settings

BLOCKS, ROUNDS = 5, 40
_WARM_UP = 10
_REST_SECONDS = 0.05
_TIMEOUT_SECONDS = 30

_DEFINITION = """\
kind: meter
version: 1
initial: running
data: {count: {type: integer, default: 0}}
states:
  running: {}
transitions:
  tick: {from: running, to: running, sets: [count], effects: [seen]}
"""
_HANDLERS = """\
from workflow import hook


@hook
def seen(effect):
    pass
"""
_BARE_CODE = """\
def handler(event, context):
    for record in event["Records"]:
        print(record["dynamodb"]["NewImage"]["version"]["N"])
    return {"batchItemFailures": []}
"""


def rows() -> Iterator[Row]:
    """The figures."""
    with tempfile.TemporaryDirectory() as folder:
        seen = threading.Event()
        with local_cloud(_project(Path(folder)), on_delivery=_tells(seen), sweep_seconds=3600) as cloud:
            # The hook is in the package alone.
            flow = Workflow.from_settings(replace(read_settings(cloud.env), handlers=()), hooks_required=False)
            flow.create("meter", "1")
            cloud.pump.wait_until_idle(timeout_seconds=_TIMEOUT_SECONDS)
            yield from _rows(cloud, flow, seen)


def _project(folder: Path) -> Path:
    """A project of one kind, deployed by the template of this one."""
    shutil.copy("template.yaml", folder)
    for name, file, text in (("definitions", "meter.yaml", _DEFINITION), ("handlers", "meter.py", _HANDLERS)):
        (folder / name).mkdir()
        (folder / name / file).write_text(text)
    (folder / "handlers" / "__init__.py").touch()
    (folder / "pyproject.toml").write_text('[tool.workflow]\nhandlers = ["handlers.meter"]\n')
    return folder


def _tells(seen: threading.Event) -> Callable[[Delivery], None]:
    def tell(delivery: Delivery) -> None:
        assert not delivery.failure, delivery.failure
        seen.set()

    return tell


def _rows(cloud: LocalCloud, flow: Workflow, seen: threading.Event) -> Iterator[Row]:
    logged = threading.Event()
    bare = _bare_stack(cloud)
    table = make_client("dynamodb", endpoint_url=cloud.endpoint_url)
    other = Workflow(flow.definitions, TableStore(table, _BARE), ledger=TableLedger(table, _BARE), hooks_required=False)
    with Pump(bare, on_delivery=_tells(logged)):
        other.create("meter", "1")

        def put(number: int) -> None:
            item = {"pk": {"S": "meter#2"}, "sk": {"S": "entity"}, "version": {"N": f"{number}"}}
            table.put_item(TableName=_BARE, Item=item)

        def fire(flow: Workflow, number: int) -> None:
            flow.fire("meter", "1", "tick", {"count": number})

        ways = {"put": (put, logged), "bare": (partial(fire, other), logged), "ours": (partial(fire, flow), seen)}
        rested, at_once = _medians(ways, _REST_SECONDS), _medians(ways, 0)
    assert [entry.settled for entry in flow.effects("meter", "1")] == [True] * (2 * BLOCKS * (_WARM_UP + ROUNDS))
    yield _row("`fire` to hook committed, median", rested, "bare", "`fire` to a bare Lambda that logs", 1.3)
    yield _row("… one at the heels of the other", at_once, "bare", "`fire` to a bare Lambda that logs")
    yield _row("…", rested, "put", "a put to a bare Lambda that logs")


def _row(name: str, medians: dict[str, float], than: str, reference: str, goal: float | None = None) -> Row:
    ours, other = medians["ours"], medians[than]
    detail = f"{ours * 1000:.0f} ms against {other * 1000:.0f} ms"
    return Row(name, reference, ours / other, goal, at_most=True, detail=detail)


_Ways = dict[str, tuple[Callable[[int], None], threading.Event]]


def _medians(ways: _Ways, rest: float) -> dict[str, float]:
    """How long each way takes, seconds: in blocks by turns, for a machine is faster at one time than at another. Not
    each round by turns: while one is measured, the other's pump looks seldom, as it would be alone."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(BLOCKS):
        for name, (write, done) in ways.items():
            taken[name] += [_seconds(write, number, done, rest) for number in range(_WARM_UP + ROUNDS)][_WARM_UP:]
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def _seconds(write: Callable[[int], None], number: int, seen: threading.Event, rest: float) -> float:
    # The records of our ledger's writes come by the same stream, and pass the pump by the filter: until then what is
    # measured would be two rounds.
    time.sleep(rest * (0.5 + random.random()))
    seen.clear()
    started = time.perf_counter()
    write(number)
    assert seen.wait(_TIMEOUT_SECONDS), "it was not delivered"
    return time.perf_counter() - started


_BARE = "bench-bare"
_INDEXES = "GlobalSecondaryIndexes"


def _bare_stack(cloud: LocalCloud) -> Stack:
    """A table as ours, and a function by hand with the settings of ours and nothing of the framework."""
    url = cloud.endpoint_url
    table, functions = make_client("dynamodb", endpoint_url=url), make_client("lambda", endpoint_url=url)
    described = table.describe_table(TableName=cloud.stack.table_name)["Table"]
    indexes = [{key: one[key] for key in ("IndexName", "KeySchema", "Projection")} for one in described[_INDEXES]]
    made = table.create_table(
        TableName=_BARE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=described["AttributeDefinitions"],
        KeySchema=described["KeySchema"],
        GlobalSecondaryIndexes=indexes,
        StreamSpecification=described["StreamSpecification"],
    )["TableDescription"]
    ours = functions.get_function_configuration(FunctionName=cloud.stack.function_name)
    _let_read(url, ours["Role"].rpartition("/")[2], made["LatestStreamArn"])
    functions.create_function(
        FunctionName=_BARE,
        Role=ours["Role"],
        Runtime=ours["Runtime"],
        Handler="bare.handler",
        Code={"ZipFile": _zipped("bare.py", _BARE_CODE)},
        Timeout=60,
        MemorySize=512,
    )
    settings = functions.get_event_source_mapping(UUID=cloud.stack.mapping_id)
    mapping = functions.create_event_source_mapping(
        FunctionName=_BARE,
        EventSourceArn=made["LatestStreamArn"],
        StartingPosition="TRIM_HORIZON",
        BatchSize=settings["BatchSize"],
        FilterCriteria=settings["FilterCriteria"],
        FunctionResponseTypes=settings["FunctionResponseTypes"],
    )
    outputs = {"TableName": _BARE, "StreamFunctionName": _BARE}
    return Stack("bare", url, outputs, mapping["UUID"], 3600)


def _let_read(url: str, role: str, stream_arn: str) -> None:
    actions = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
    policy = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions, "Resource": stream_arn}}
    make_client("iam", endpoint_url=url).put_role_policy(
        RoleName=role, PolicyName="bare", PolicyDocument=json.dumps(policy)
    )


def _zipped(name: str, text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, text)
    return buffer.getvalue()
