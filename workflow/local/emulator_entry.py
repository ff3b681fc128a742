"""Start ministack with another interpreter for its Lambda workers, and with what its enforcement of roles lacks.

Executed as a file by the emulator's own interpreter: nothing from `workflow` can be imported here.
"""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from email.utils import parseaddr
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# ministack runs a Lambda worker on `sys.executable`. Its own would lend the function ministack's site-packages, and a
# deployment package without its dependencies would pass here and fail on AWS.
sys.executable = sys.argv.pop(1)

_CALLS_FILE = "EMULATOR_CALLS"
"""The variable with the file that gets a line of JSON for each call that a role makes."""

_LEADING_KEYS = "dynamodb:LeadingKeys"
_IDLE_POLL_SECONDS = 0.05
_PARTS = ("Put", "Update", "Delete", "ConditionCheck", "Get")

_SENDER = "ses:FromAddress"
_ASKED_AS = {"sqs:SendMessageBatch": "sqs:SendMessage", "sns:PublishBatch": "sns:Publish"}

_keys_now: ContextVar[list[str] | None] = ContextVar("_keys_now", default=None)
_sender_now: ContextVar[str] = ContextVar("_sender_now", default="")


def leading_keys(call: dict[str, Any], key_of: Callable[[str], str]) -> list[str]:
    """The partition keys that a call for one item, or a part of a transaction, is about; `key_of` names the attribute.
    A query's are not looked for."""
    value = (call.get("Key") or call.get("Item") or {}).get(key_of(call.get("TableName", "")))
    return [str(next(iter(value.values())))] if isinstance(value, dict) and value else []


def parts_of(call: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a transaction, each asked for by itself, as AWS does: it is no action of its own.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html"""
    items = [item for item in call.get("TransactItems") or [] if isinstance(item, dict)]
    return [item[name] for item in items for name in _PARTS if isinstance(item.get(name), dict)]


class _EachWithItsKeys(list[Any]):
    """Checks of a transaction; whoever goes through them finds the keys of each in `keys`, while it is its turn."""

    def __init__(self, checks: list[Any], keys: list[str], keys_of_each: list[list[str]]) -> None:
        super().__init__(checks)
        self._keys, self._keys_of_each = keys, keys_of_each

    def __iter__(self) -> Iterator[Any]:
        for check, keys in zip(super().__iter__(), self._keys_of_each, strict=False):
            self._keys[:] = keys
            yield check


def _read(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body or b"{}")
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _partition_key(table: str) -> str:
    schema = (import_module("ministack.services.dynamodb")._tables.get(table) or {}).get("KeySchema", [])
    return next((str(key["AttributeName"]) for key in schema if key["KeyType"] == "HASH"), "")


def know_leading_keys() -> None:
    """Have conditions on `dynamodb:LeadingKeys` enforced, which ministack does not know and lets pass."""
    iam_actions: Any = import_module("ministack.core.iam_actions")
    context_of, checks_of = iam_actions.dynamodb_service_context, iam_actions.dynamodb_transaction_checks

    def context_with_keys(body: bytes) -> dict[str, Any]:
        call = _read(body)
        keys = leading_keys(call, _partition_key)
        _keys_now.set(keys)
        known = keys or "TransactItems" in call
        return {**context_of(body), **({_LEADING_KEYS: keys} if known else {})}

    def checks_with_keys(action: str, body: bytes, region: str, account_id: str) -> list[Any]:
        checks = checks_of(action, body, region, account_id)
        keys_of_each = [leading_keys(part, _partition_key) for part in parts_of(_read(body))]
        keys = _keys_now.get()
        return _EachWithItsKeys(checks, keys, keys_of_each) if checks and keys is not None else checks

    iam_actions.dynamodb_service_context = context_with_keys
    iam_actions.dynamodb_transaction_checks = checks_with_keys


def ask_as_aws_does() -> None:
    """Have a call asked for by the action, the resource and the sender that AWS asks for, where ministack takes another
    action or resource, and knows no sender.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html, and those beside it
    """
    iam_actions: Any = import_module("ministack.core.iam_actions")
    iam_evaluator: Any = import_module("ministack.core.iam_evaluator")
    action_of, resource_of, enforce = (
        iam_actions.extract_iam_action,
        iam_actions.extract_resource_arn,
        iam_evaluator.enforce,
    )

    def action_on_aws(service: str, method: str, path: str, headers: Any, body: bytes, query: Any) -> str | None:
        sender = _read(body).get("FromEmailAddress") if service == "ses" else None
        _sender_now.set(parseaddr(str(sender or ""))[1])
        action: str | None = action_of(service, method, path, headers, body, query)
        return _ASKED_AS.get(action, action) if action else None

    def resource_on_aws(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        # Both APIs of DynamoDB are one service to it, and streams nothing.
        if "Streams" in (target := headers.get("x-amz-target", "")):
            return stream_named(_read(body)) or resource_of(service, method, path, headers, body, *rest)
        named = resource_named(target.rpartition(".")[2], _read(body))
        region, account = rest[-2:]
        where = f"arn:aws:{service}:{region}:{account}:"
        return f"{where}{named}" if named else resource_of(service, method, path, headers, body, *rest)

    def enforce_with_sender(*arguments: Any, service_context: dict[str, Any] | None = None, **named: Any) -> Any:
        known = {_SENDER: _sender_now.get()} if _sender_now.get() else {}
        return enforce(*arguments, service_context={**(service_context or {}), **known}, **named)

    iam_actions.extract_iam_action = action_on_aws
    iam_actions.extract_resource_arn = resource_on_aws
    iam_evaluator.enforce = enforce_with_sender


def resource_named(operation: str, call: dict[str, Any]) -> str:
    """The end of the ARN of what such a call is about; '' where ministack finds it by itself."""
    if operation == "DescribeEventBus":
        return f"event-bus/{call.get('Name') or 'default'}"
    if operation in ("StopBuild", "BatchGetBuilds"):
        # A build's id begins with its project; those of one call are here of one.
        build = str(call.get("id") or next(iter(call.get("ids") or []), ""))
        return f"project/{build.partition(':')[0]}"
    return ""


def stream_named(call: dict[str, Any]) -> str:
    """The ARN of the stream that a call reads, by itself or by an iterator; '' for one that names none."""
    if arn := call.get("StreamArn"):
        return str(arn)
    streams: Any = import_module("ministack.services.dynamodb_streams")
    return str((streams._decode_iterator(call.get("ShardIterator") or "") or {}).get("arn") or "")


def write_down_calls(file: str) -> None:
    """Append to `file`, for each call of an assumed role and before it is allowed or not: role, action, resource and
    leading keys."""
    iam_evaluator: Any = import_module("ministack.core.iam_evaluator")
    evaluate = iam_evaluator.evaluate

    def evaluate_and_tell(asked: Any, *policies: Any) -> Any:
        if asked.principal_type == "AssumedRole":
            role = asked.principal_arn.split("/")[1]
            keys = list(asked.service_context.get(_LEADING_KEYS.lower()) or [])
            line = {"role": role, "action": asked.action, "resource": asked.resource_arn, "keys": keys}
            with Path(file).open("a", encoding="utf-8") as told:
                told.write(json.dumps(line) + "\n")
        return evaluate(asked, *policies)

    iam_evaluator.evaluate = evaluate_and_tell


def leave_streams_and_schedules() -> None:
    """Have ministack wake no function by a DynamoDB stream or a schedule: `workflow.local` does, by AWS's rules.

    Both can so stay enabled in what is deployed, as they are on AWS.
    """
    functions: Any = import_module("ministack.services.lambda_svc")
    functions._poll_dynamodb_streams = lambda: False
    scheduler: Any = import_module("ministack.services.scheduler")
    scheduler._tick_schedules = lambda: None


def let_running_functions_end() -> None:
    """Have new code of a function leave alone what still runs on the old one: ministack would kill it half-way.

    AWS shuts an environment down between invocations. https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
    """
    workers: Any = import_module("ministack.core.lambda_runtime")
    invalidate, kill = workers.invalidate_worker, workers.kill_workers
    replacing: ContextVar[bool] = ContextVar("replacing", default=False)

    def kill_once_idle(worker: Any) -> None:
        while worker.in_use:
            time.sleep(_IDLE_POLL_SECONDS)
        kill([worker])

    def kill_or_wait(doomed: Iterable[Any]) -> None:
        found = [worker for worker in doomed if worker is not None]
        busy = [worker for worker in found if replacing.get() and worker.in_use]
        for worker in busy:
            threading.Thread(target=kill_once_idle, args=(worker,), daemon=True).start()
        kill([worker for worker in found if worker not in busy])

    def replace(*arguments: Any, **named: Any) -> None:
        token = replacing.set(True)
        try:
            invalidate(*arguments, **named)
        finally:
            replacing.reset(token)

    workers.kill_workers = kill_or_wait
    workers.invalidate_worker = replace
    # The service imported it by its name.
    functions: Any = import_module("ministack.services.lambda_svc")
    functions.invalidate_worker = replace


class _UnpackedOnce(zipfile.ZipFile):
    """An archive that is unpacked to one place, to which all others that ask for it are led."""

    _one_at_a_time = threading.Lock()

    def extractall(self, path: Any = None, *arguments: Any, **named: Any) -> None:
        assert self.filename is not None
        with Path(self.filename).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        kept = Path(tempfile.gettempdir(), "unpacked", digest)
        with self._one_at_a_time:
            if not kept.exists():
                unfinished = kept.with_suffix(".unfinished")
                super().extractall(unfinished, *arguments, **named)
                unfinished.rename(kept)
        Path(path).rmdir()
        Path(path).symlink_to(kept)


def unpack_code_once() -> None:
    """Have all workers of the same code run on one copy of it, as they only read it: ministack unpacks it for each,
    which takes three times as long as the rest of a cold start."""
    workers: Any = import_module("ministack.core.lambda_runtime")
    workers.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": _UnpackedOnce})


def take_alarms_on_expressions() -> None:
    """Have an alarm on an expression made, which ministack refuses: as one on the first metric that goes into it."""
    provisioners: Any = import_module("ministack.services.cloudformation.provisioners")
    record_of = provisioners._cw_metric_alarm_record

    def record_with_expression(name: str, asked: dict[str, Any]) -> dict[str, Any]:
        parts = asked.get("Metrics") or []
        metric: dict[str, Any] = next((one["MetricStat"]["Metric"] for one in parts if "MetricStat" in one), {})
        made: dict[str, Any] = record_of(
            name, {key: value for key, value in {**asked, **metric}.items() if key != "Metrics"}
        )
        return {**made, "Metrics": parts} if parts else made

    provisioners._cw_metric_alarm_record = record_with_expression
    watch: Any = import_module("ministack.services.cloudwatch")
    put = watch._put_metric_alarm

    def put_with_expression(query: Any, asked: dict[str, Any], *formats: bool) -> Any:
        answer = put(query, asked, *formats)
        if asked.get("Metrics"):
            watch._alarms[asked["AlarmName"]]["Metrics"] = asked["Metrics"]
        return answer

    watch._put_metric_alarm = put_with_expression


def keep_what_tables_ask_for() -> None:
    """Have the tables of a stack get the backups and the expiry that its template asks for, which ministack leaves
    out."""
    tables = import_module("ministack.services.cloudformation.provisioners")._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    # What a table is to be comes behind its name in the template, or behind what it was.
    for name, where in (("create", 1), ("update", 2)):
        tables[name] = _asking_for_the_rest(tables[name], where)


def _asking_for_the_rest(make: Callable[..., Any], where: int) -> Callable[..., Any]:
    dynamodb: Any = import_module("ministack.services.dynamodb")

    def make_whole(*arguments: Any, **named: Any) -> Any:
        made, asked = make(*arguments, **named), arguments[where]
        backups = asked.get("PointInTimeRecoverySpecification") or {"PointInTimeRecoveryEnabled": False}
        dynamodb._update_continuous_backups({"TableName": made[0], "PointInTimeRecoverySpecification": backups})
        if expiry := asked.get("TimeToLiveSpecification"):
            dynamodb._update_ttl({"TableName": made[0], "TimeToLiveSpecification": expiry})
        return made

    return make_whole


if __name__ == "__main__":
    know_leading_keys()
    ask_as_aws_does()
    let_running_functions_end()
    keep_what_tables_ask_for()
    leave_streams_and_schedules()
    take_alarms_on_expressions()
    unpack_code_once()
    if os.environ.get(_CALLS_FILE):
        write_down_calls(os.environ[_CALLS_FILE])
    runpy.run_module("ministack", run_name="__main__", alter_sys=True)
