"""Receiving a webhook: size, signature over the raw bytes, and only then reading, mapping and firing."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import NamedTuple

from workflow.definition.definition import CREATE
from workflow.definition.webhooks.webhook import Webhook, Webhooks
from workflow.errors import (
    CreateError,
    EntityNotFoundError,
    GuardError,
    HistoryConflictError,
    HomeRegionError,
    PayloadError,
    Refused,
    RequestReuseError,
    Retryable,
    TooLargeError,
    TransitionError,
    UnknownKindError,
)
from workflow.runtime.accepted import Accepted
from workflow.runtime.ask import Ask
from workflow.runtime.fire import create, fire
from workflow.runtime.redact import bare_trace, redact
from workflow.runtime.runtime import Runtime
from workflow.runtime.webhooks.authenticate import Authenticator, Secrets
from workflow.runtime.webhooks.mapping import AskMapping, MappingError
from workflow.runtime.webhooks.read_body import BodyError, read_body

__all__ = ["Answer", "Delivery", "Receiver", "Secrets"]

log = logging.getLogger("workflow")

_LONGEST_LINE = 500

_REFUSALS: tuple[tuple[tuple[type[Refused], ...], int, str], ...] = (
    ((GuardError,), 403, "refused"),
    ((EntityNotFoundError,), 404, "unknown"),
    ((TransitionError, CreateError, RequestReuseError, HistoryConflictError), 409, "refused"),
    ((TooLargeError,), 413, "too_large"),
    ((HomeRegionError,), 421, "refused"),
    ((PayloadError, UnknownKindError), 422, "refused"),
)


class Delivery(NamedTuple):
    """One request: the source by its path, the headers by lower-case names, and the body as it came."""

    source: str
    headers: Mapping[str, str]
    body: bytes


class Answer(NamedTuple):
    """What the sender is told, an HTTP status and the JSON to send (None: nothing), and what became of the delivery:
    accepted, repeated, ignored, undeclared, refused, unsigned, malformed, too_large, unknown, unavailable, or
    failed."""

    status: int
    content: Mapping[str, object] | None
    outcome: str


_UNSIGNED = Answer(401, {"error": "the signature does not fit"}, "unsigned")
_UNCHECKED = Answer(503, {"error": "the signature cannot be checked at this moment; send it again"}, "unavailable")
_BUSY = Answer(503, {"error": "the delivery cannot be recorded at this moment; send it again"}, "unavailable")
_FAILED = Answer(500, {"error": "the delivery could not be handled; the log of this service says why"}, "failed")


class Receiver:
    """Makes transitions of deliveries; safe from several threads."""

    def __init__(self, runtime: Runtime, webhooks: Webhooks, secrets: Secrets) -> None:
        self._runtime = runtime
        self._webhooks = webhooks
        self._mappings = {webhook.name: AskMapping(webhook) for webhook in webhooks}
        self._authenticator = Authenticator(secrets, runtime.clock)

    def receive(self, delivery: Delivery) -> Answer:
        """The answer to the delivery; never raises, and nothing is written unless it is accepted."""
        try:
            return self._receive(delivery)
        except Exception as error:
            log.error("a webhook could not be handled\n%s", bare_trace(error))
            return _FAILED

    def _receive(self, delivery: Delivery) -> Answer:
        webhook = self._webhooks.find(delivery.source)
        if webhook is None:
            return _told(404, "there is no webhook of that name here", "unknown")
        if len(delivery.body) > webhook.most_bytes:
            return _told(413, f"the body has more than {webhook.most_bytes} bytes", "too_large")
        try:
            genuine = self._authenticator.is_genuine(webhook, delivery.headers, delivery.body)
        except Retryable as error:
            log.error("webhook %s: %s", webhook.name, error)
            return _UNCHECKED
        return self._handle(webhook, delivery) if genuine else _UNSIGNED

    def _handle(self, webhook: Webhook, delivery: Delivery) -> Answer:
        try:
            seen = {"body": read_body(delivery.body), "headers": dict(delivery.headers)}
            ask = self._mappings[webhook.name].read(seen)
        except (BodyError, MappingError) as error:
            return _told(400, str(error), "malformed")
        except PayloadError as error:
            return _told(422, str(error), "refused")
        return Answer(204, None, ask) if isinstance(ask, str) else self._ask(ask)

    def _ask(self, ask: Ask) -> Answer:
        try:
            accepted = create(self._runtime, ask) if ask.trigger == CREATE else fire(self._runtime, ask)
        except Retryable as error:
            # What the table says names what is ours: its account, its address.
            self._log(error, ask)
            return _BUSY
        except Refused as error:
            return self._refused(error, ask)
        return _accepted(accepted)

    def _refused(self, error: Refused, ask: Ask) -> Answer:
        for kinds, status, outcome in () if _is_broken_guard(error) else _REFUSALS:
            if isinstance(error, kinds):
                return _told(status, self._redacted(error, ask), outcome)
        # What is wrong is wrong here, and none of the sender's business.
        self._log(error, ask)
        return _FAILED

    def _log(self, error: Exception, ask: Ask) -> None:
        # In one line: ids come from outside, and none may begin a line of its own in the log.
        ids = {"kind": ask.kind, "id": ask.entity_id}
        log.error("%s", _line(f"webhook {ask.request_id}: {self._redacted(error, ask)}"), extra=ids)

    def _redacted(self, error: Exception, ask: Ask) -> str:
        """What the error says; without the sensitive values of the payload, should it quote one."""
        return redact(str(error), self._runtime.secrets(ask.kind, ask.payload))


def _is_broken_guard(error: Refused) -> bool:
    """Whether the guard failed rather than said no: nobody knows what it would have said."""
    return isinstance(error, GuardError) and error.__cause__ is not None


def _accepted(accepted: Accepted) -> Answer:
    entity = accepted.entity
    content = {"kind": entity.kind, "id": entity.id, "version": entity.version, "state": entity.state}
    return Answer(200, content, "repeated" if accepted.repeated else "accepted")


def _told(status: int, text: str, outcome: str) -> Answer:
    return Answer(status, {"error": _line(text)}, outcome)


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} ..."
