"""The Lambda behind the routes /entities: a caller that AWS IAM knows creates entities, fires triggers, and reads."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote

from workflow.aws.lambdas import settle
from workflow.aws.lambdas.http import body_of, caller_of, headers_of, method_of
from workflow.aws.lambdas.invocations import invoked, open_metered
from workflow.aws.metrics import API_ANSWERS, EmfMeter
from workflow.runtime.archives.line import exact_json
from workflow.runtime.entity_api.answer import MALFORMED, Answer, problem
from workflow.runtime.entity_api.serve import Call, EntityServer, MalformedError
from workflow.runtime.runtime import Runtime
from workflow.runtime.tracing import judge
from workflow.settings import read_settings

_MILLISECOND = timedelta(milliseconds=1)

_IN_THE_LOG = ("id", "version", "state")

log = logging.getLogger("workflow")


class ApiHandler:
    """Answers requests of an HTTP API, payload format 2.0; one for the life of a process."""

    def __init__(self, runtime: Runtime, *, meter: EmfMeter | None = None) -> None:
        self._runtime = runtime
        self._meter = meter or EmfMeter("", runtime.clock)
        self._server = EntityServer(runtime)

    def handle(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The response to the request; never raises for what a caller may send."""
        notes = self._notes(request)
        with self._meter.written():
            answer = self._traced(request, notes)
            self._meter.count(API_ANSWERS, outcome=answer.outcome)
        return _response(answer)

    def _traced(self, request: Mapping[str, Any], notes: Mapping[str, str]) -> Answer:
        started, tracer = self._runtime.clock.now(), self._runtime.tracer
        follows = _followed(request) if tracer.is_on else ""
        with tracer.span(f"api {notes['method']}".strip(), notes, follows=follows) as span:
            answer = self._answer(request)
            judge(span, answer.status, answer.outcome)
            # While it is under way: the line says to which trace it belongs.
            self._log(request, notes, answer, started)
            return answer

    def _log(self, request: Mapping[str, Any], notes: Mapping[str, str], answer: Answer, started: datetime) -> None:
        told: dict[str, object] = {
            **notes,
            "by": caller_of(request),
            "outcome": answer.outcome,
            "status": answer.status,
        }
        # Nothing of a problem, which may quote what was sent: the caller is told, the log is not.
        told |= {name: answer.content[name] for name in _IN_THE_LOG if name in answer.content}
        took = self._runtime.clock.now() - started
        log.info("answered", extra={**told, "took_ms": took // _MILLISECOND})

    def _notes(self, request: Mapping[str, Any]) -> dict[str, str]:
        """What may be told of a request whoever sent it: not its id or trigger, which may be anything."""
        kind = str((request.get("pathParameters") or {}).get("kind"))
        declared = kind if self._runtime.definitions.find(kind) else ""
        return {"method": method_of(request), "kind": declared}

    def _answer(self, request: Mapping[str, Any]) -> Answer:
        try:
            call = _call(request)
        except MalformedError as error:
            return problem(MALFORMED, str(error))
        return self._server.answer(call)


def _call(request: Mapping[str, Any]) -> Call:
    with _as_malformed("the body is not the base64 that it is said to be"):
        body = body_of(request)
    headers, by = headers_of(request), caller_of(request)
    return Call(method_of(request), _path(request), _query(request), headers, body, by)


def _path(request: Mapping[str, Any]) -> list[str]:
    """What the gateway found in the path, with nothing in front of it: a stage, or a domain of one's own, may put
    something there."""
    given = request.get("pathParameters") or {}
    path = [str(given[name]) for name in ("kind", "id", "name") if name in given]
    # The gateway resolves every escape but that of the percent sign, so what would take the path apart is escaped
    # twice. Not in kind and trigger: they need no escape, and policies name them.
    with _as_malformed("the path is not UTF-8"):
        return [*path[:1], *(unquote(id.replace("%25", "%"), errors="strict") for id in path[1:2]), *path[2:]]


def _query(request: Mapping[str, Any]) -> dict[str, str]:
    with _as_malformed("the parameters cannot be read"):
        pairs = parse_qsl(str(request.get("rawQueryString") or ""), keep_blank_values=True, errors="strict")
    if len(query := dict(pairs)) < len(pairs):
        raise MalformedError("a parameter is given twice")
    return query


def _followed(request: Mapping[str, Any]) -> str:
    # A cold start without tracing goes without it.
    from workflow.aws.tracing.place import followed

    return followed(headers_of(request))


@contextmanager
def _as_malformed(what: str) -> Iterator[None]:
    try:
        yield
    except ValueError:
        raise MalformedError(what) from None


def _response(answer: Answer) -> dict[str, Any]:
    kind = "application/json" if answer.status < 400 else "application/problem+json"
    headers = {"content-type": kind, "cache-control": "no-store", **answer.headers}
    return {"statusCode": answer.status, "headers": headers, "body": exact_json(answer.content)}


def open_handler() -> ApiHandler:
    """The handler that the environment describes; raises SettingsError or RegisterHookError."""
    runtime, meter = open_metered(read_settings())
    return ApiHandler(runtime, meter=meter)


_handler: ApiHandler | None = None


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
