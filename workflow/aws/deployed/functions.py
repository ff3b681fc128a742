"""Facts of the functions, and of the code that is deployed to them."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from workflow.aws.deployed.find_stack import Resource
from workflow.aws.deployed.looking import Looks
from workflow.definition.plain import from_plain
from workflow.runtime.doctor.facts import CodeFacts, FunctionFacts

_HANDLER = re.compile(r"workflow\.aws\.lambdas\.(\w+)\.handler")
_BYTE_CODE = re.compile(r"^workflow/.*\.(cpython-\d+)\.pyc$")
_MACHINE = re.compile(r"(x86_64|aarch64)[^/]*\.so")
_MOST_BYTES = 50_000_000
_TIMES = "%Y-%m-%dT%H:%M:%S.%f%z"


def read_functions(
    functions: Any, logs: Any, resources: Sequence[Resource], looks: Looks
) -> tuple[Sequence[FunctionFacts], Mapping[str, str]]:
    """The stack's functions that are the framework's, told by their handlers; where each code may be downloaded from,
    by its hash."""
    facts, locations = [], {}
    for name in (one.physical_id for one in resources if one.type == "AWS::Lambda::Function"):
        found = looks.look("functions", "lambda:GetFunction", partial(functions.get_function, FunctionName=name))
        role = _HANDLER.fullmatch(found["Configuration"].get("Handler", "")) if found else None
        if found is None or role is None:
            continue
        log = (found["Configuration"].get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
        retention = looks.look("log retention", "logs:DescribeLogGroups", partial(_retention, logs, log))
        facts.append(_function(role[1], found, log, retention))
        locations[facts[-1].code] = (found.get("Code") or {}).get("Location", "")
    return facts, locations


def _function(role: str, found: Mapping[str, Any], log: str, retention: int | None) -> FunctionFacts:
    own = found["Configuration"]
    variables = (own.get("Environment") or {}).get("Variables") or {}
    return FunctionFacts(
        role=role,
        name=own["FunctionName"],
        arn=own["FunctionArn"],
        table=variables.get("WORKFLOW_TABLE", ""),
        home=variables.get("WORKFLOW_REGION", ""),
        state=own.get("State", "Active"),
        state_reason=own.get("StateReason", ""),
        update=own.get("LastUpdateStatus", "Successful"),
        update_reason=own.get("LastUpdateStatusReason", ""),
        runtime=own.get("Runtime", ""),
        architecture=(own.get("Architectures") or ["x86_64"])[0],
        code=own["CodeSha256"],
        timeout_seconds=own["Timeout"],
        reserved=(found.get("Concurrency") or {}).get("ReservedConcurrentExecutions"),
        log=log,
        retention_days=retention,
        changed_at=_time(own.get("LastModified", "")),
    )


def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, _TIMES)
    except ValueError:
        return None


def _retention(logs: Any, name: str) -> int | None:
    """For how many days the log is kept, 0 for ever; None where there is none yet."""
    found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    own = next((group for group in found if group["logGroupName"] == name), None)
    return None if own is None else int(own.get("retentionInDays", 0))


def read_codes(locations: Mapping[str, str], looks: Looks) -> Mapping[str, CodeFacts] | None:
    """What is in each package, as it is deployed: nothing is run for it. None if none could be read."""
    found = {}
    for code, location in locations.items():
        facts = looks.look("deployed definitions", "lambda:GetFunction", partial(_read_code, location))
        if facts is not None:
            found[code] = facts
    return found or None


def _read_code(location: str) -> CodeFacts:
    # As boto3 itself would: through its proxies, trusting whom it trusts.
    session = URLLib3Session(proxies=get_environ_proxies(location))
    answer = session.send(AWSRequest("GET", location).prepare())
    if answer.status_code != 200:
        raise OSError(f"the package was not to be had: HTTP {answer.status_code}")
    return read_package(answer.content)


def read_package(content: bytes) -> CodeFacts:
    """What a zip holds; raises OSError for one that cannot be read, KeyError for one without definitions, SettingsError
    for definitions of another format."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            if archive.getinfo("definitions.json").file_size > _MOST_BYTES:
                raise OSError("definitions.json is larger than definitions can be")
            definitions = from_plain(json.loads(archive.read("definitions.json")))
    except zipfile.BadZipFile as error:
        raise OSError(f"the package is no zip: {error}") from None
    return CodeFacts(
        definitions,
        frozenset(found[1] for name in names if (found := _BYTE_CODE.match(name))),
        frozenset(found[1] for name in names if (found := _MACHINE.search(name))),
    )
