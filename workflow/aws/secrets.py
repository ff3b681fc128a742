"""Secrets, read by name from where AWS keeps them: Systems Manager's Parameter Store, or Secrets Manager."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from workflow.aws.client import make_client
from workflow.errors import SecretAccessError

KEPT_SECONDS = 300
FAILED_SECONDS = 5
"""So long it is remembered that a secret cannot be read: strangers decide how often one is asked for."""

_ABSENT = {"ParameterNotFound", "ParameterVersionNotFound", "ResourceNotFoundException"}


@dataclass(frozen=True, slots=True)
class _Kept:
    value: bytes = field(repr=False)
    read_at: float


class StoredSecrets:
    """Secrets by name, `ssm:/path/name` or `secretsmanager:name`, each kept for five minutes once it was read; that
    one cannot be read is kept for five seconds.

    A client is made when the first secret of its service is asked for.
    """

    def __init__(self, *, endpoint_url: str | None = None, seconds: Callable[[], float] = time.time) -> None:
        """`seconds` is the clock, for tests. Without `endpoint_url` AWS's variables say where the services are."""
        self._client = cache(lambda service: make_client(service, endpoint_url=endpoint_url))
        self._seconds = seconds
        self._kept: dict[str, _Kept] = {}
        # What was said, and when: of an error itself, everything that was in hand when it was raised would be kept.
        self._failed: dict[str, tuple[str, float]] = {}
        # Where a whole process is told to log everything, this logger writes down what services answer.
        logging.getLogger("botocore.parsers").setLevel(logging.INFO)

    def get(self, name: str, *, afresh: bool = False) -> bytes:
        """The secret of that name, read anew if asked to; raises SecretAccessError, with the name and never a value."""
        kept = self._kept.get(name)
        if kept is not None and not afresh and self._seconds() - kept.read_at < KEPT_SECONDS:
            return kept.value
        said, failed_at = self._failed.get(name, ("", 0.0))
        if said and self._seconds() - failed_at < FAILED_SECONDS:
            raise SecretAccessError(said)
        try:
            value = self._read(name)
        except SecretAccessError as error:
            self._failed[name] = (str(error), self._seconds())
            raise
        self._kept[name] = _Kept(value, self._seconds())
        return value

    def _read(self, name: str) -> bytes:
        service, _, own_name = name.partition(":")
        read = {"ssm": self._parameter, "secretsmanager": self._secret}.get(service)
        if read is None:
            raise SecretAccessError(f"secret {name}: write ssm:/path/name or secretsmanager:name")
        with _told(name):
            value = read(own_name)
        if not value:
            # Anybody can sign with nothing.
            raise SecretAccessError(f"secret {name} is empty; give it a value")
        return value

    def _parameter(self, name: str) -> bytes:
        # https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
        answer = self._client("ssm").get_parameter(Name=name, WithDecryption=True)
        return str(answer["Parameter"]["Value"]).encode()

    def _secret(self, name: str) -> bytes:
        # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
        answer: dict[str, Any] = self._client("secretsmanager").get_secret_value(SecretId=name)
        text = answer.get("SecretString")
        return bytes(answer["SecretBinary"]) if text is None else str(text).encode()


@contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        raise SecretAccessError(f"secret {name} cannot be read: {code}{_way_out(code)}") from error
    except BotoCoreError as error:
        raise SecretAccessError(f"secret {name} cannot be read: {error}") from error


def _way_out(code: str) -> str:
    if code in _ABSENT:
        return "; put it there (a parameter as a SecureString), or correct the name in the webhook"
    if "AccessDenied" in code:
        return "; the function's role may not: see WebhookSecretsPath and WebhookRole in template.yaml"
    return ""
