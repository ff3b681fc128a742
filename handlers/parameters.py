"""Secrets that hooks need: from the environment on a laptop, from the Parameter Store on AWS."""

from __future__ import annotations

import os
import threading
import time

from handlers.clients import client

_KEPT_SECONDS = 300
_kept: dict[str, tuple[float, str]] = {}
_lock = threading.Lock()


def find_secret(name: str) -> str | None:
    """What the variable `name` holds, or the parameter that `<name>_NAME` names; None where neither is set.

    A parameter is kept for five minutes. Raises what boto3 raises for one that cannot be read.
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
    """
    if value := os.environ.get(name):
        return value
    parameter = os.environ.get(f"{name}_NAME")
    return _read(parameter) if parameter else None


def get_secret(name: str) -> str:
    """What `find_secret` finds; raises LookupError where there is nothing."""
    value = find_secret(name)
    if value is None:
        raise LookupError(f"neither {name} nor {name}_NAME is set; give the secret, or the name of its SSM parameter")
    return value


def _read(parameter: str) -> str:
    with _lock:
        read_at, value = _kept.get(parameter, (0.0, ""))
    if value and time.monotonic() - read_at < _KEPT_SECONDS:
        return value
    answer = client("ssm").get_parameter(Name=parameter, WithDecryption=True)
    value = str(answer["Parameter"]["Value"])
    with _lock:
        _kept[parameter] = (time.monotonic(), value)
    return value
