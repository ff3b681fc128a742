"""Is a delivery genuine? Every active secret is tried; if none fits, they are read afresh: one may be new."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from workflow.definition.webhooks.webhook import Signature, Webhook
from workflow.errors import Retryable
from workflow.runtime.ports import Clock
from workflow.runtime.webhooks.signatures import fits, key_of

AFRESH_SECONDS = 30
"""A secret is read afresh once in so many seconds at most: strangers decide how often a signature does not fit."""

log = logging.getLogger("workflow")


class Secrets(Protocol):
    """The secrets by which deliveries are checked, kept for a while once they are read."""

    def get(self, name: str, *, afresh: bool = False) -> bytes:
        """The secret of that name, as it was kept or as it is now; raises SecretAccessError or another Retryable."""
        ...


class _Read(NamedTuple):
    values: dict[str, bytes]
    failures: dict[str, Retryable]


class Authenticator:
    """Checks deliveries; safe from several threads."""

    def __init__(self, secrets: Secrets, clock: Clock) -> None:
        self._secrets = secrets
        self._clock = clock
        self._read_afresh: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def is_genuine(self, webhook: Webhook, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the delivery is signed as its webhook asks; raises a Retryable where a secret that might have
        fitted cannot be read."""
        signature, now = webhook.signature, self._clock.now()
        kept = self._read(signature.secrets, afresh=False)
        if fits(signature, kept.values.values(), headers, body, now):
            return True
        names = [name for name in signature.secrets if self._may_read_afresh(name, now)]
        fresh = self._read(names, afresh=True)
        _warn(webhook.name, signature, fresh.values)
        if fits(signature, fresh.values.values(), headers, body, now):
            return True
        failures = {**kept.failures, **fresh.failures}
        for name, failure in failures.items():
            if name not in fresh.values:
                raise failure
        return False

    def _read(self, names: Iterable[str], *, afresh: bool) -> _Read:
        read = _Read({}, {})
        for name in names:
            try:
                read.values[name] = self._secrets.get(name, afresh=afresh)
            except Retryable as error:
                read.failures[name] = error
        return read

    def _may_read_afresh(self, name: str, now: datetime) -> bool:
        with self._lock:
            before = self._read_afresh.get(name)
            if before is not None and now - before < timedelta(seconds=AFRESH_SECONDS):
                return False
            self._read_afresh[name] = now
            return True


def _warn(source: str, signature: Signature, secrets: Mapping[str, bytes]) -> None:
    """Tells of secrets that can never fit; their senders are told no more than that the signature does not."""
    for name, secret in secrets.items():
        if not key_of(signature, secret):
            log.error("webhook %s: the secret %s is empty, or not one of the scheme %s", source, name, signature.scheme)
