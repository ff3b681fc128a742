"""The Lambda behind the HTTP API: a signed request in, its answer out, and what it caused is in the table."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from workflow.aws.compose import read_compiled_webhooks
from workflow.aws.lambdas import settle
from workflow.aws.lambdas.http import body_of, headers_of, method_of
from workflow.aws.lambdas.invocations import invoked, open_metered
from workflow.aws.metrics import WEBHOOK_ANSWERS, EmfMeter
from workflow.aws.secrets import StoredSecrets
from workflow.definition.webhooks.webhook import Webhooks
from workflow.runtime.runtime import Runtime
from workflow.runtime.tracing import judge
from workflow.runtime.webhooks.receive import Answer, Delivery, Receiver, Secrets
from workflow.settings import read_settings

FOLDER = "/webhooks"
RETRY_AFTER_SECONDS = 10
_MILLISECOND = timedelta(milliseconds=1)
_NOTHING_HERE = Answer(404, {"error": "there is nothing here; webhooks are posted to /webhooks/SOURCE"}, "unknown")
_ONLY_POST = Answer(405, {"error": "webhooks are posted: use POST"}, "malformed")
_NO_BASE64 = Answer(400, {"error": "the body is not the base64 that it is said to be"}, "malformed")

log = logging.getLogger("workflow")


class WebhookHandler:
    """Answers requests of an HTTP API, payload format 2.0; one for the life of a process.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html"""

    def __init__(
        self, runtime: Runtime, webhooks: Webhooks, secrets: Secrets, *, meter: EmfMeter | None = None
    ) -> None:
        self._clock, self._tracer = runtime.clock, runtime.tracer
        self._meter = meter or EmfMeter("", runtime.clock)
        self._webhooks = webhooks
        self._receiver = Receiver(runtime, webhooks, secrets)

    def handle(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The response to the request; never raises for what a stranger may send."""
        source = _source(request)
        # Who calls must not be able to make dimensions, for each costs.
        declared = source if self._webhooks.find(source) else ""
        with self._meter.written():
            answer = self._traced(request, source, declared)
            self._meter.count(WEBHOOK_ANSWERS, source=declared, outcome=answer.outcome)
        return _response(answer)

    def _traced(self, request: Mapping[str, Any], source: str, declared: str) -> Answer:
        started = self._clock.now()
        # Lambda says it anew for each request. What a stranger's headers name is nothing to go on from.
        invocation = os.environ.get("_X_AMZN_TRACE_ID", "")
        with self._tracer.span(f"webhook {declared}".strip(), {"webhook": declared}, follows=invocation) as span:
            answer = self._answer(request, source)
            judge(span, answer.status, answer.outcome)
            # While it is under way: the line says to which trace it belongs.
            self._log(answer, declared, started)
            return answer

    def _log(self, answer: Answer, declared: str, started: datetime) -> None:
        told = {"source": declared, "outcome": answer.outcome, "status": answer.status}
        told["took_ms"] = (self._clock.now() - started) // _MILLISECOND
        # What was refused may quote what was sent; the sender is told, the log is not.
        content = answer.content if answer.status == 200 or answer.status >= 500 else None
        log.info("answered", extra={**told, **(content or {})})

    def _answer(self, request: Mapping[str, Any], source: str) -> Answer:
        if not source:
            return _NOTHING_HERE
        if method_of(request) != "POST":
            return _ONLY_POST
        try:
            # The bytes as they were sent: what is signed is these, and nothing that was made of them.
            body = body_of(request)
        except ValueError:
            return _NO_BASE64
        return self._receiver.receive(Delivery(source, headers_of(request), body))


def _source(request: Mapping[str, Any]) -> str:
    # By the end of the path: a stage, or a domain of one's own, may put something in front of it.
    folder, _, source = str(request.get("rawPath", "")).rpartition("/")
    return source if folder.endswith(FOLDER) else ""


def _response(answer: Answer) -> dict[str, Any]:
    headers = {405: {"allow": "POST"}, 503: {"retry-after": str(RETRY_AFTER_SECONDS)}}.get(answer.status, {})
    if answer.content is None:
        return {"statusCode": answer.status, "headers": headers}
    headers = {"content-type": "application/json", **headers}
    return {"statusCode": answer.status, "headers": headers, "body": json.dumps(answer.content)}


def open_handler() -> WebhookHandler:
    """The handler that the environment describes; raises SettingsError or RegisterHookError."""
    settings = read_settings()
    runtime, meter = open_metered(settings)
    webhooks = read_compiled_webhooks(settings.webhooks)
    return WebhookHandler(runtime, webhooks, StoredSecrets(), meter=meter)


_handler: WebhookHandler | None = None


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point: a request of an HTTP API in, its response out."""
    global _handler
    with invoked(context):
        if _handler is None:
            _handler = open_handler()
        return _handler.handle(event)


if os.environ.get("AWS_LAMBDA_FUNCTION_NAME"):
    # Once per process, before the first request: a broken setting shows at once.
    _handler = open_handler()
    settle()
