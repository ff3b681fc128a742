"""From `fire` to its hook committed, on the embedded cloud, against a bare Lambda that logs, behind the same pump."""

from __future__ import annotations

import io
import shutil
import statistics
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from bench.measure import Row
from workflow import Workflow
from workflow.aws.client import make_client
from workflow.local.deploy import Stack
from workflow.local.pump import Delivery, Pump
from workflow.local.session import LocalCloud, local_cloud
from workflow.settings import read_settings

ROUNDS = 60
_WARM_UP = 10
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
_BARE = """\
def handler(event, context):
    for record in event["Records"]:
        print(record["dynamodb"]["NewImage"]["count"]["N"])
    return {"batchItemFailures": []}
"""


def rows() -> Iterator[Row]:
    """The figure."""
    with tempfile.TemporaryDirectory() as folder:
        seen = threading.Event()
        with local_cloud(_project(Path(folder)), on_delivery=_tells(seen), sweep_seconds=3600) as cloud:
            # The hook is in the package alone.
            flow = Workflow.from_settings(replace(read_settings(cloud.env), handlers=()), hooks_required=False)
            flow.create("meter", "1")
            cloud.pump.wait_until_idle(timeout_seconds=_TIMEOUT_SECONDS)
            yield _row(cloud, flow, seen)


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


def _row(cloud: LocalCloud, flow: Workflow, seen: threading.Event) -> Row:
    logged = threading.Event()
    with Pump(_bare_stack(cloud), on_delivery=_tells(logged)):
        table = make_client("dynamodb", endpoint_url=cloud.endpoint_url)

        def put(number: int) -> None:
            item = {"pk": {"S": "meter#1"}, "sk": {"S": "entity"}, "count": {"N": f"{number}"}}
            table.put_item(TableName=_BARE_TABLE, Item=item)

        def fire(number: int) -> None:
            flow.fire("meter", "1", "tick", {"count": number})

        pairs = [(_seconds(put, n, logged), _seconds(fire, n, seen)) for n in range(_WARM_UP + ROUNDS)][_WARM_UP:]
    entries = flow.effects("meter", "1")
    assert [entry.settled for entry in entries] == [True] * len(pairs) + [True] * _WARM_UP
    bare, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    detail = f"{ours * 1000:.0f} ms against {bare * 1000:.0f} ms"
    return Row(
        "`fire` to hook committed, median", "a bare Lambda that logs", ours / bare, 1.3, at_most=True, detail=detail
    )


def _seconds(write: Callable[[int], None], number: int, seen: threading.Event) -> float:
    seen.clear()
    started = time.perf_counter()
    write(number)
    assert seen.wait(_TIMEOUT_SECONDS), "it was not delivered"
    return time.perf_counter() - started


_BARE_TABLE, _BARE_FUNCTION = "bench-bare", "bench-bare"


def _bare_stack(cloud: LocalCloud) -> Stack:
    """A table and a function by hand, with the settings of ours, and nothing of the framework."""
    url = cloud.endpoint_url
    table, functions = make_client("dynamodb", endpoint_url=url), make_client("lambda", endpoint_url=url)
    made = table.create_table(
        TableName=_BARE_TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]
    ours = functions.get_function_configuration(FunctionName=cloud.stack.function_name)
    functions.create_function(
        FunctionName=_BARE_FUNCTION,
        Role=ours["Role"],
        Runtime=ours["Runtime"],
        Handler="bare.handler",
        Code={"ZipFile": _zipped("bare.py", _BARE)},
        Timeout=60,
        MemorySize=512,
    )
    settings = functions.get_event_source_mapping(UUID=cloud.stack.mapping_id)
    mapping = functions.create_event_source_mapping(
        FunctionName=_BARE_FUNCTION,
        EventSourceArn=made["LatestStreamArn"],
        StartingPosition="TRIM_HORIZON",
        BatchSize=settings["BatchSize"],
        FilterCriteria=settings["FilterCriteria"],
        FunctionResponseTypes=settings["FunctionResponseTypes"],
        Enabled=False,
    )
    outputs = {"TableName": _BARE_TABLE, "StreamFunctionName": _BARE_FUNCTION}
    return Stack("bare", url, outputs, mapping["UUID"], 3600)


def _zipped(name: str, text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, text)
    return buffer.getvalue()
