"""Lines for the AWS CLI, read as it reads them, and made through boto3: what the doctor prints must work."""

from __future__ import annotations

import json
import shlex
from typing import Any, NamedTuple

import botocore.session
from botocore import xform_name
from botocore.validate import ParamValidator

_SESSION = botocore.session.get_session()
_GLOBAL = ("--region", "--endpoint-url")


class AwsCommand(NamedTuple):
    """A call of a service's operation, by the names that boto3 has for it."""

    service: str
    operation: str
    parameters: dict[str, Any]


def read_command(line: str) -> AwsCommand:
    """The call that the line makes; fails for what the service's own model does not know, or does not take."""
    program, service, command, *words = shlex.split(line)
    assert program == "aws"
    model = _SESSION.get_service_model(service)
    operation = next(name for name in model.operation_names if xform_name(name, "-") == command)
    shape = model.operation_model(operation).input_shape
    members = {f"--{xform_name(name, '-')}": (name, member) for name, member in shape.members.items()}
    parameters = {}
    while words:
        flag, values = words.pop(0), []
        while words and not words[0].startswith("--"):
            values.append(words.pop(0))
        if flag not in _GLOBAL:
            name, value = _parameter(flag, values, members)
            parameters[name] = value
    report = ParamValidator().validate(parameters, shape)
    assert not report.has_errors(), f"{line}: {report.generate_report()}"
    return AwsCommand(service, xform_name(operation), parameters)


def _parameter(flag: str, values: list[str], members: dict[str, Any]) -> tuple[str, Any]:
    if not values:
        # A switch of the command line: given, it stands for true, or with `no` in front of it for false.
        positive = flag.replace("--no-", "--") if flag not in members else flag
        name, shape = members[positive]
        assert shape.type_name == "boolean"
        return name, positive == flag
    name, shape = members[flag]
    return name, _value(shape, values)


def _value(shape: Any, values: list[str]) -> Any:
    if values[0].startswith(("{", "[")):
        return json.loads(values[0])
    if shape.type_name == "list":
        return [_value(shape.member, [value]) for value in values]
    (value,) = values
    if shape.type_name == "structure":
        pairs = (pair.split("=", 1) for pair in value.split(","))
        return {name: _value(shape.members[name], [text]) for name, text in pairs}
    casts = {"integer": int, "long": int, "double": float, "boolean": lambda text: text == "true"}
    return casts.get(shape.type_name, str)(value)
