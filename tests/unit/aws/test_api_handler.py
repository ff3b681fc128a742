"""The Lambda behind /entities: what it makes of API Gateway's requests, what it answers and what it logs."""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest

from tests.fakes.emf import metrics
from tests.fakes.log import of_line
from tests.fakes.stores import FaultyStore
from tests.samples import ORDER, definitions
from tests.shipped import HANDLERS
from tests.unit.aws.test_webhook_handler import NOT_BY_THIS_ONE
from workflow import Workflow
from workflow.aws.json_log import JsonLines
from workflow.aws.lambdas.api import ApiHandler
from workflow.aws.metrics import EmfMeter
from workflow.definition.definition import Guard
from workflow.definition.load import compile_definitions
from workflow.errors import (
    ContentionError,
    DefinitionNotDeployedError,
    HistoryConflictError,
    HomeRegionError,
    LaneFullError,
    StoreAccessError,
    StoreUnavailableError,
    ThrottledError,
)
from workflow.testing import MemoryClock, MemoryStore

REPOSITORY = Path(__file__).parents[3]
ARN = "arn:aws:iam::123456789012:user/ada"
JSON = {"content-type": "application/json", "cache-control": "no-store"}
PROBLEM = {"content-type": "application/problem+json", "cache-control": "no-store"}
AT = "2026-01-31T12:00:00.123456Z"


def api(store: MemoryStore | None = None) -> ApiHandler:
    clock = MemoryClock()
    meter = EmfMeter("", clock)
    return ApiHandler(
        Workflow(definitions(ORDER), store or MemoryStore(), clock=clock, meter=meter).runtime, meter=meter
    )


def request(
    method: str, path: str, body: bytes | str | None = None, query: str = "", by: str = ARN, **headers: str
) -> dict[str, Any]:
    """What API Gateway makes of a signed request: every escape in the path is resolved, but that of the percent."""
    decoded = "%25".join(unquote(part) for part in path.split("%25"))
    names = dict(zip(("kind", "id", "name"), decoded.split("/")[2:], strict=False))
    text = {} if body is None else {"body": body if isinstance(body, str) else base64.b64encode(body).decode()}
    return {
        "version": "2.0",
        "routeKey": f"ANY /entities/{{{'}/{'.join(names)}}}",
        "rawPath": decoded,
        "rawQueryString": query,
        "headers": {name.replace("_", "-"): value for name, value in headers.items()},
        "requestContext": {"http": {"method": method, "path": path}, "authorizer": {"iam": {"userArn": by}}},
        "pathParameters": names,
        "isBase64Encoded": isinstance(body, bytes),
        **text,
    }


def told(response: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON of a response, numbers exact."""
    return response["statusCode"], response["headers"], json.loads(response["body"], parse_float=Decimal)


def ask(handler: ApiHandler, *given: Any, **more: Any) -> tuple[int, dict[str, str], Any]:
    return told(handler.handle(request(*given, **more)))


def refused(status: int, name: str, title: str, detail: str, headers: Any = PROBLEM, **more: Any) -> Any:
    """A problem as it is told."""
    told = {"type": f"urn:workflow:problem:{name}", "title": title, "status": status, "detail": detail, **more}
    return status, headers, told


def standing(version: int, state: str, id: str = "42") -> dict[str, Any]:
    return {"kind": "order", "id": id, "version": version, "state": state}


def etag(version: int) -> dict[str, str]:
    return {**JSON, "etag": f'"{version}"'}


PUT = ("PUT", "/entities/order/42")
PAY = ("POST", "/entities/order/42/pay")
GET = ("GET", "/entities/order/42")
HISTORY = ("GET", "/entities/order/42/history")
DATA = '{"email": "ada@example.com", "total": 59.90, "note": {"deep": 0.10}}'


def paid(store: MemoryStore | None = None) -> ApiHandler:
    """An order that was created, then paid."""
    handler = api(store)
    assert ask(handler, *PUT, DATA)[0] == 201
    assert ask(handler, *PAY, '{"amount": 59.90}', idempotency_key="evt_1")[0] == 200
    return handler


def test_an_entity_is_created_moved_and_read() -> None:
    handler = api()
    assert ask(handler, *PUT, DATA) == (201, etag(1), standing(1, "placed"))
    assert ask(handler, *PAY, '{"amount": 59.90}') == (200, etag(2), standing(2, "paid"))
    assert ask(handler, *GET) == (
        200,
        etag(2),
        {
            **standing(2, "paid"),
            "definition": 1,
            "created_at": AT,
            "since": AT,
            "data": {"email": "ada@example.com", "total": Decimal("59.9"), "note": {"deep": Decimal("0.1")}},
        },
    )


def test_its_history_tells_who_asked_for_what() -> None:
    status, headers, content = ask(paid(), *HISTORY)
    data = {"email": "ada@example.com", "total": Decimal("59.9"), "note": {"deep": Decimal("0.1")}}
    always = {"at": AT, "by": ARN, "cause": "", "definition": 1}
    assert (status, headers) == (200, JSON)
    assert content == {
        "kind": "order",
        "id": "42",
        "events": [
            {
                **always,
                "version": 1,
                "trigger": "create",
                "from": None,
                "to": "placed",
                "payload": data,
                "changes": data,
                "id": "id-1",
                "request_id": "",
            },
            {
                **always,
                "version": 2,
                "trigger": "pay",
                "from": "placed",
                "to": "paid",
                "payload": {"amount": Decimal("59.9")},
                "changes": {},
                "id": "id-2",
                "request_id": "evt_1",
            },
        ],
        "next": None,
    }


def test_numbers_keep_every_digit() -> None:
    handler = api()
    exact = "12345678901234567890.000000000000000001"
    assert ask(handler, *PUT, f'{{"total": {exact}}}')[0] == 201
    body = handler.handle(request(*GET))["body"]
    assert f'"total":{exact}' in body


@pytest.mark.parametrize(("method", "path", "body"), [(*PUT, DATA), (*PAY, '{"amount": 60}')])
def test_the_same_idempotency_key_gets_the_same_answer_and_makes_one_event(method: str, path: str, body: str) -> None:
    handler = api()
    if method == "POST":
        ask(handler, *PUT, DATA)
    first = ask(handler, method, path, body, Idempotency_Key="k1")
    ask(handler, "POST", "/entities/order/42/cancel")
    assert first[0] in (200, 201)
    assert ask(handler, method, path, body, Idempotency_Key="k1") == first
    triggers = [event["trigger"] for event in ask(handler, *HISTORY)[2]["events"]]
    assert triggers.count("create") == 1
    assert triggers.count("pay") <= 1


def test_a_key_that_was_used_for_something_else_is_refused() -> None:
    assert ask(paid(), *PAY, '{"amount": 60}', idempotency_key="evt_1") == refused(
        422,
        "request-reuse",
        "The idempotency key was used for something else",
        "order 42: 'pay': the request id 'evt_1' was used for something else, which became version 2; "
        "give each request its own id",
    )


def test_a_trigger_that_leads_nowhere_from_here_says_which_do() -> None:
    assert ask(paid(), *PAY, '{"amount": 60}') == refused(
        409,
        "transition",
        "The trigger leads nowhere from this state",
        "order 42: no transition 'pay' from 'paid' (version 2); from here: ship, annotate, cancel",
        allowed=["ship", "annotate", "cancel"],
    )


def test_a_guard_says_no() -> None:
    handler = api()
    ask(handler, *PUT, DATA)
    assert ask(handler, *PAY, '{"amount": 1}') == refused(
        409,
        "guard",
        "A guard says no",
        "order 42: 'pay' from 'placed' (version 1) needs: payload.amount >= data.total",
        allowed=["pay", "annotate", "reprice", "cancel"],
    )


def test_an_entity_is_created_once() -> None:
    handler = api()
    ask(handler, *PUT, DATA)
    assert ask(handler, *PUT, DATA) == refused(
        409,
        "exists",
        "The entity exists already",
        "order 42 exists already, in 'placed' (version 1); give another id, or the same request id to repeat a request",
    )


def test_everything_that_does_not_fit_is_told_at_once_and_nothing_sensitive_of_it() -> None:
    sent = '{"email": ["unspeakable"], "total": "much", "colour": "unspeakable"}'
    status, headers, content = ask(api(), *PUT, sent)
    assert (status, headers, content["type"]) == (422, PROBLEM, "urn:workflow:problem:payload")
    assert content["title"] == "What was given does not fit"
    for field in ("data.email", "data.total", "data.colour"):
        assert field in content["detail"]
    assert "unspeakable" not in str(content)


UNKNOWN = ("entity", "There is no such entity")


@pytest.mark.parametrize(
    ("given", "name", "title", "detail"),
    [
        (GET, *UNKNOWN, "there is no order 42"),
        (HISTORY, *UNKNOWN, "there is no order 42"),
        ((*HISTORY, None, "after=7"), *UNKNOWN, "there is no order 42"),
        (PAY, *UNKNOWN, "there is no order 42; create it first"),
        (("GET", "/entities/ordr"), "kind", "There is no such kind", None),
        (("GET", "/entities/ordr/42"), "kind", "There is no such kind", None),
        (("PUT", "/entities/ordr/42"), "kind", "There is no such kind", None),
        (("POST", "/entities/ordr/42/pay"), "kind", "There is no such kind", None),
        (("GET", "/entities/ordr/42/history"), "kind", "There is no such kind", None),
    ],
)
def test_what_is_not_there_is_not_found(given: Any, name: str, title: str, detail: str | None) -> None:
    detail = detail or "no definition of kind 'ordr' (did you mean 'order'?); loaded: order"
    assert ask(api(), *given) == refused(404, name, title, detail)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/entities/order/42", "GET, PUT"),
        ("POST", "/entities/order", "GET"),
        ("POST", "/entities/order/42", "GET, PUT"),
        ("HEAD", "/entities/order/42", "GET, PUT"),
        ("get", "/entities/order/42", "GET, PUT"),
        ("GET", "/entities/order/42/pay", "POST"),
        ("PUT", "/entities/order/42/history", "GET, POST"),
    ],
)
def test_another_method_says_which_there_are(method: str, path: str, allow: str) -> None:
    assert ask(api(), method, path) == refused(
        405, "method", "Another method is needed here", f"this takes {allow}", {**PROBLEM, "allow": allow}
    )


def test_a_trigger_may_be_called_history() -> None:
    status, _, content = ask(paid(), "POST", "/entities/order/42/history")
    assert (status, content["type"]) == (409, "urn:workflow:problem:transition")


@pytest.mark.parametrize("given", [{}, {"Records": []}, {"pathParameters": None, "requestContext": None}])
def test_what_comes_from_elsewhere_than_the_route_is_refused(given: dict[str, Any]) -> None:
    assert told(api().handle(given)) == refused(
        403,
        "caller",
        "Nobody is known to have sent the request",
        "requests are signed with AWS credentials (Signature Version 4)",
    )


@pytest.mark.parametrize("authorizer", [None, {}, {"iam": None}, {"iam": {"userArn": None}}, {"jwt": {"claims": {}}}])
def test_a_route_that_lost_its_authorizer_opens_nothing(authorizer: Any) -> None:
    handler = paid()
    given = request(*GET)
    given["requestContext"]["authorizer"] = authorizer
    assert handler.handle(given)["statusCode"] == 403


def test_a_path_with_nothing_behind_it_is_not_found() -> None:
    given = {**request(*GET), "pathParameters": {}}
    status, _, content = told(api().handle(given))
    assert (status, content["type"]) == (404, "urn:workflow:problem:path")


MALFORMED = [
    ({"body": "{"}, "the body is not JSON: line 1, column 2"),
    ({"body": "nonsense"}, "the body is not JSON: line 1, column 1"),
    ({"body": "[]"}, "the body must be a JSON object"),
    ({"body": "null"}, "the body must be a JSON object"),
    ({"body": '{"total": NaN}'}, "a number in the body is none: NaN and Infinity are not JSON"),
    ({"body": '{"total": -Infinity}'}, "a number in the body is none: NaN and Infinity are not JSON"),
    ({"body": '{"total": 1e999999999}'}, "a number in the body is out of measure"),
    ({"body": '{"total": ' + "9" * 5000 + "}"}, "a number in the body has more than 100 characters"),
    ({"body": '{"a": 1, "a": 2}'}, "an object in the body has a key twice"),
    ({"body": '{"note": ' + "[" * 100_000}, "the body is nested deeper than 64 levels"),
    ({"body": '{"email": "\ud83d"}'}, "the body is not UTF-8 at byte 11"),
    ({"body": b'{"email": "\xff"}'}, "the body is not UTF-8 at byte 11"),
    ({"body": "a", "isBase64Encoded": True}, "the body is not the base64 that it is said to be"),
    ({"body": "ü", "isBase64Encoded": True}, "the body is not the base64 that it is said to be"),
    ({"body": "e{}30=", "isBase64Encoded": True}, "the body is not the base64 that it is said to be"),
    ({"pathParameters": {"kind": "order", "id": "%25FF"}}, "the path is not UTF-8"),
    ({"rawQueryString": "a=%FF"}, "the parameters cannot be read"),
    ({"rawQueryString": "limit=1&limit=2"}, "a parameter is given twice"),
    ({"rawQueryString": "expand=all"}, "there is no parameter 'expand' here; there are: none"),
]


@pytest.mark.parametrize(("given", "detail"), MALFORMED)
def test_what_cannot_be_read_is_refused_and_nothing_is_written(given: dict[str, Any], detail: str) -> None:
    handler = api()
    encoded = {"body": base64.b64encode(given["body"]).decode()} if isinstance(given.get("body"), bytes) else {}
    sent = {**request(*PUT, "{}"), **given, **encoded}
    sent["isBase64Encoded"] = bool(encoded) or given.get("isBase64Encoded", False)
    assert told(handler.handle(sent)) == refused(400, "malformed", "The request cannot be read", detail)
    assert ask(handler, *GET)[0] == 404


@pytest.mark.parametrize("encoded", [True, False])
def test_a_body_comes_as_text_or_as_bytes(encoded: bool) -> None:
    body = '{"email": "ädä"}'
    handler = api()
    assert ask(handler, *PUT, body.encode() if encoded else body)[0] == 201
    assert ask(handler, *GET)[2]["data"]["email"] == "ädä"


@pytest.mark.parametrize("body", [None, "", "{}"])
def test_a_trigger_without_payload_needs_no_body(body: str | None) -> None:
    assert ask(paid(), "POST", "/entities/order/42/ship", body) == (200, etag(3), standing(3, "shipped"))


def test_a_body_that_is_too_large_is_refused_unread() -> None:
    assert ask(api(), *PUT, "{" * (1024 * 1024 + 1)) == refused(
        413, "too-large", "It is too large", "the body has more than 1048576 bytes"
    )


def test_an_entity_that_no_item_can_hold_is_too_large() -> None:
    status, headers, content = ask(api(), *PUT, json.dumps({"note": "x" * 500_000}))
    assert (status, headers, content["type"]) == (413, PROBLEM, "urn:workflow:problem:too-large")
    assert len(content["detail"]) < 500


def test_a_version_that_the_entity_has_left_is_refused() -> None:
    handler = paid()
    assert ask(handler, "POST", "/entities/order/42/ship", If_Match='"1"') == refused(
        412, "version", "The entity is at another version", "order 42: 'ship': the entity is at version 2 now"
    )
    assert ask(handler, "POST", "/entities/order/42/ship", If_Match='"2"') == (200, etag(3), standing(3, "shipped"))


def test_a_repeated_request_gets_its_answer_though_the_entity_has_left_the_version_since() -> None:
    handler = paid()
    again = {"idempotency_key": "k", "If_Match": '"2"'}
    first = ask(handler, "POST", "/entities/order/42/ship", **again)
    assert ask(handler, "POST", "/entities/order/42/ship", **again) == first == (200, etag(3), standing(3, "shipped"))


def test_any_version_is_matched_by_an_asterisk() -> None:
    assert ask(paid(), "POST", "/entities/order/42/ship", If_Match="*")[0] == 200


@pytest.mark.parametrize("given", ["2", 'W/"2"', '"2", "3"', '"0"', '"two"', '"٢"', '"1000000000000"', ""])
def test_what_names_no_one_version_matches_none(given: str) -> None:
    assert ask(paid(), "POST", "/entities/order/42/ship", If_Match=given) == refused(
        400, "malformed", "The request cannot be read", 'If-Match takes one version, as ETag gives it: "3"'
    )


def test_what_is_created_has_no_version_to_match() -> None:
    handler = api()
    status, _, content = ask(handler, *PUT, DATA, If_Match='"1"')
    assert (status, content["detail"]) == (400, "PUT creates an entity, which has no version yet; leave out If-Match")
    assert ask(handler, *GET)[0] == 404


@pytest.mark.parametrize("id", ["acme/api", "ü 42", "50%", "a%2Fb", "a?b#c", "a+b", "..", "\x00\n", "%", "order#42"])
def test_any_id_can_be_named_by_escaping_it_twice(id: str) -> None:
    handler = api()
    path = f"/entities/order/{quote(quote(id, safe=''), safe='')}"
    assert ask(handler, "PUT", path) == (201, etag(1), standing(1, "placed", id))
    assert ask(handler, "GET", path)[2]["id"] == id
    assert ask(handler, "GET", f"{path}/history")[2]["id"] == id


@pytest.mark.parametrize("id", ["ü 42", "50%", "a+b", "a:b@c"])
def test_an_id_that_does_not_take_the_path_apart_needs_one_escape(id: str) -> None:
    assert ask(api(), "PUT", f"/entities/order/{quote(id, safe='')}") == (201, etag(1), standing(1, "placed", id))


def test_a_slash_that_is_escaped_once_is_none_of_the_id() -> None:
    assert ask(api(), "PUT", "/entities/order/acme%2Fapi")[0] == 405


def test_kinds_and_triggers_are_taken_as_they_stand() -> None:
    handler = paid()
    assert ask(handler, "GET", "/entities/%256Frder/42")[0] == 404
    assert ask(handler, "POST", "/entities/order/42/%2573hip")[0] == 409


@pytest.mark.parametrize(
    "trigger", ["__class__", "trigger", "to_paid", "is_paid", "PAY", "pay\n", "x" * 900, "💥", "history"]
)
def test_a_trigger_is_a_name_of_the_definition_and_nothing_else(trigger: str) -> None:
    handler = paid()
    status, _, content = ask(handler, "POST", f"/entities/order/42/{quote(trigger, safe='')}", "{}")
    assert (status, content["type"]) == (409, "urn:workflow:problem:transition")
    assert ask(handler, *GET)[2]["version"] == 2


@pytest.mark.parametrize("trigger", ["create", "pay"])
def test_half_of_a_surrogate_pair_is_refused_in_words_that_can_be_sent(trigger: str) -> None:
    given = request("POST", f"/entities/order/42/{trigger}")
    given["pathParameters"]["id"] = "\ud83d"
    response = api().handle(given)
    assert response["statusCode"] == 422
    assert response["body"].encode()


def test_creating_is_no_trigger() -> None:
    handler = api()
    assert ask(handler, "POST", "/entities/order/42/create", "{}") == refused(
        422,
        "payload",
        "What was given does not fit",
        "order 42: 'create' is no trigger to fire; PUT the entity",
    )
    assert ask(handler, *GET)[0] == 404


@pytest.mark.parametrize(
    "given",
    [
        ("PUT", f"/entities/order/{'x' * 901}"),
        ("GET", f"/entities/order/{'x' * 901}"),
        ("GET", f"/entities/order/{'x' * 901}/history"),
        ("POST", f"/entities/order/{'x' * 901}/pay", '{"amount": 1}'),
        ("POST", f"/entities/order/42/{'x' * 901}"),
        ("GET", "/entities/order", None, f"state=paid&after={'x' * 901}"),
    ],
)
def test_what_is_longer_than_any_key_does_not_fit(given: Any) -> None:
    status, _, content = ask(paid(), *given)
    assert (status, content["type"]) == (422, "urn:workflow:problem:payload")
    assert content["detail"].endswith("has 901 bytes; at most 900 fit")


def test_an_idempotency_key_that_is_too_long_is_refused() -> None:
    status, _, content = ask(api(), *PUT, Idempotency_Key="x" * 901)
    assert (status, content["detail"]) == (422, "order: the request id has 901 bytes; at most 900 fit")


def test_who_asked_is_kept_as_far_as_a_key_may_be_long() -> None:
    handler = api()
    arn = "arn:aws:iam::123456789012:user/" + "x" * 2000
    assert ask(handler, *PUT, by=arn)[0] == 201
    assert ask(handler, *HISTORY)[2]["events"][0]["by"] == arn[:900]


def test_a_history_comes_page_by_page() -> None:
    handler = paid()
    for number in range(5):
        ask(handler, "POST", "/entities/order/42/annotate", f'{{"note": {number}}}')

    def page(query: str) -> tuple[list[int], int | None]:
        content = ask(handler, *HISTORY, query=query)[2]
        return [event["version"] for event in content["events"]], content["next"]

    assert page("limit=3") == ([1, 2, 3], 3)
    assert page("limit=3&after=3") == ([4, 5, 6], 6)
    assert page("limit=3&after=6") == ([7], None)
    assert page("limit=7") == ([1, 2, 3, 4, 5, 6, 7], None)
    assert page("after=7") == ([], None)
    assert page("after=999999999998&limit=1000") == ([], None)


@pytest.mark.parametrize(("character", "notes"), [("x", 9), ("💥", 4), ("\x01", 2), ("\\", 3)])
def test_a_page_of_a_history_ends_where_it_would_be_too_long_for_an_answer(character: str, notes: int) -> None:
    flow = Workflow(definitions(ORDER), MemoryStore())
    handler = ApiHandler(flow.runtime)
    flow.create("order", "42")
    for _ in range(notes):
        flow.fire("order", "42", "annotate", {"note": character * (390_000 // len(character.encode()))})
    versions, after = [], 0
    while after is not None:
        response = handler.handle(request(*HISTORY, query=f"after={after}"))
        assert len(json.dumps(response)) < 6 * 1024 * 1024
        content = json.loads(response["body"])
        versions += [event["version"] for event in content["events"]]
        after = content["next"]
    assert versions == [*range(1, notes + 2)]


LIST = ("GET", "/entities/order")


def test_entities_are_listed_by_state_page_by_page() -> None:
    handler = paid()
    for id in ("a", "c", "b"):
        ask(handler, "PUT", f"/entities/order/{id}")

    def line(id: str) -> dict[str, Any]:
        return {"id": id, "state": "placed", "version": 1, "since": AT}

    def page(query: str) -> tuple[Any, ...]:
        return ask(handler, *LIST, query=query)

    found = {"kind": "order", "state": "placed"}
    assert page("state=placed") == (200, JSON, {**found, "entities": [*map(line, "abc")], "next": None})
    assert page("state=placed&limit=2") == (200, JSON, {**found, "entities": [*map(line, "ab")], "next": "b"})
    assert page("state=placed&limit=2&after=b") == (200, JSON, {**found, "entities": [line("c")], "next": None})
    assert page("state=shipped") == (200, JSON, {"kind": "order", "state": "shipped", "entities": [], "next": None})


@pytest.mark.parametrize("query", ["", "state=", "state=lost", "state=__class__", "after=b"])
def test_a_listing_is_of_one_state_that_there_is(query: str) -> None:
    assert ask(paid(), *LIST, query=query) == refused(
        400, "malformed", "The request cannot be read", "state must be one of: placed, paid, shipped, cancelled"
    )


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "1.5", "", "ten", "١", "1e3", "9" * 5000])
def test_a_limit_is_a_whole_number_within_its_bounds(limit: str) -> None:
    assert ask(paid(), *HISTORY, query=f"limit={quote(limit)}") == refused(
        400, "malformed", "The request cannot be read", "limit must be a whole number from 1 to 1000"
    )


def test_another_parameter_says_which_there_are() -> None:
    status, _, content = ask(paid(), *HISTORY, query="limt=3")
    assert (status, content["detail"]) == (400, "there is no parameter 'limt' here; there are: after, limit")


LATER = {**PROBLEM, "retry-after": "5"}


@pytest.mark.parametrize(
    ("error", "name", "title"),
    [
        (ContentionError("table orders"), "busy", "Not at this moment"),
        (ThrottledError("table orders"), "busy", "Not at this moment"),
        (LaneFullError("table orders"), "lane-full", "The lane is full"),
        (DefinitionNotDeployedError("table orders"), "not-deployed", "A newer definition is not deployed here yet"),
    ],
)
def test_what_may_succeed_later_says_when_to_come_again(
    monkeypatch: pytest.MonkeyPatch, error: Exception, name: str, title: str
) -> None:
    handler = paid()
    monkeypatch.setattr(MemoryStore, "commit", failing(error))
    sent = request("POST", "/entities/order/42/ship")
    assert told(handler.handle(sent)) == refused(503, name, title, "nothing was recorded; send it again", LATER)


def failing(error: Exception) -> Any:
    """A method that raises."""

    def fails(*_: object, **__: object) -> None:
        raise error

    return fails


@pytest.mark.parametrize(
    ("headers", "again"),
    [
        ({"idempotency_key": "k"}, "send it again with the same Idempotency-Key, and it happens once"),
        ({}, "it had no Idempotency-Key: read the entity before you send it again, then with a key"),
    ],
)
def test_what_may_have_been_recorded_says_so(
    caplog: pytest.LogCaptureFixture, headers: dict[str, str], again: str
) -> None:
    store = FaultyStore(*["lost answer"] * 8)
    handler = api(store)
    assert ask(handler, *PUT, DATA, **headers) == refused(
        503,
        "unanswered",
        "The request may or may not have been recorded",
        f"it may or may not have been recorded; {again}",
        LATER,
    )
    assert [(line["kind"], line["id"]) for line in errors(caplog)] == [("order", "42")]
    if headers:
        assert ask(handler, *PUT, DATA, **headers) == (201, etag(1), standing(1, "placed"))


@pytest.mark.parametrize("method", ["find_entity", "events"])
def test_what_cannot_be_read_now_can_be_read_later(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    handler = paid()
    monkeypatch.setattr(MemoryStore, method, failing(StoreUnavailableError("table orders")))
    given = GET if method == "find_entity" else HISTORY
    detail = "the table cannot be read at this moment; ask again"
    assert ask(handler, *given) == refused(503, "busy", "Not at this moment", detail, LATER)


def errors(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The lines of errors, as a function writes them."""
    lines = JsonLines()
    return [json.loads(lines.format(record)) for record in caplog.records if record.levelno == logging.ERROR]


FAILED = refused(
    500,
    "failed",
    "The request could not be handled",
    "the log of this service says why; sending it again changes nothing",
)


@pytest.mark.parametrize("error", [StoreAccessError("table orders is not there"), RuntimeError("unspeakable")])
@pytest.mark.parametrize("given", [GET, HISTORY, (*PUT, DATA), (*PAY, DATA)])
def test_what_is_wrong_with_the_service_is_in_its_log_and_not_in_its_answers(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, given: Any, error: Exception
) -> None:
    handler = api()
    for method in ("find_entity", "events", "commit"):
        monkeypatch.setattr(MemoryStore, method, failing(error))
    assert ask(handler, *given) == FAILED
    assert ("table orders is not there" if isinstance(error, StoreAccessError) else "RuntimeError") in caplog.text
    assert "unspeakable" not in caplog.text


def test_a_guard_that_fails_has_not_said_no(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: object) -> bool:
        raise ZeroDivisionError("unspeakable")

    pay = replace(ORDER.transitions[0], guard=Guard(function="is_enough"))
    store = MemoryStore()
    flow = Workflow(definitions(replace(ORDER, transitions=(pay,))), store, hooks_required=False)
    flow.runtime.hooks.guards["is_enough"] = broken
    handler = ApiHandler(flow.runtime)
    ask(handler, *PUT, DATA)
    assert ask(handler, *PAY, '{"amount": 60}') == FAILED
    assert "the guard 'is_enough' failed: ZeroDivisionError" in caplog.text
    assert "unspeakable" not in caplog.text
    assert [(line["kind"], line["id"]) for line in errors(caplog)] == [("order", "42")]


def test_neither_answer_nor_log_quotes_what_is_sensitive(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    status, _, content = ask(api(), "POST", "/entities/order/unspeakable/pay", '{"email": "unspeakable"}')
    assert (status, content["detail"]) == (404, "there is no order [hidden]; create it first")
    assert "unspeakable" not in caplog.text


def test_an_entity_of_another_region_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    handler = paid()
    monkeypatch.setattr(MemoryStore, "find_entity", failing(HomeRegionError("order 42: ask in eu-west-1")))
    assert ask(handler, "POST", "/entities/order/42/ship") == refused(
        421, "home", "The entity is at home in another region", "order 42: ask in eu-west-1"
    )


def test_a_history_that_was_changed_by_hand_is_no_fault_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    handler = paid()
    monkeypatch.setattr(MemoryStore, "find_entity", failing(HistoryConflictError("order 42: restore it")))
    assert ask(handler, *GET) == refused(409, "history", "The entity was changed by hand", "order 42: restore it")


def test_the_log_tells_what_became_of_a_request_and_nothing_of_what_was_sent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    handler = paid()
    ask(handler, *GET)
    ask(handler, *HISTORY)
    ask(handler, "GET", "/entities/order", None, "state=paid")
    ask(handler, "PUT", "/entities/order/unspeakable", '{"email": ["unspeakable"]}')
    ask(handler, "PUT", "/entities/unspeakable/44", "{}")
    ask(handler, "POST", "/entities/order/42/unspeakable", "unspeakable", Idempotency_Key="unspeakable")
    assert set(caplog.messages) == {"answered"}
    lines = list(map(of_line, caplog.records))
    assert all(line.pop("took_ms") >= 0 and line.pop("by") == ARN for line in lines)
    order = {"kind": "order", "id": "42"}
    assert lines == [
        {"method": "PUT", **order, "outcome": "accepted", "status": 201, "version": 1, "state": "placed"},
        {"method": "POST", **order, "outcome": "accepted", "status": 200, "version": 2, "state": "paid"},
        {"method": "GET", **order, "outcome": "read", "status": 200, "version": 2, "state": "paid"},
        {"method": "GET", **order, "outcome": "read", "status": 200},
        {"method": "GET", "kind": "order", "outcome": "read", "status": 200, "state": "paid"},
        {"method": "PUT", "kind": "order", "outcome": "refused", "status": 422},
        {"method": "PUT", "kind": "", "outcome": "unknown", "status": 404},
        {"method": "POST", "kind": "order", "outcome": "malformed", "status": 400},
    ]
    assert "unspeakable" not in str(lines)


def test_each_answer_is_counted_by_its_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    handler = paid()
    assert metrics(capsys.readouterr().out.splitlines()) == {("ApiAnswers", "table=none", "outcome=accepted"): 2}
    for given in (GET, ("GET", "/entities/order/43"), (*PAY, '{"amount": 1}')):
        ask(handler, *given)
    assert metrics(capsys.readouterr().out.splitlines()) == {
        ("ApiAnswers", "table=none", "outcome=read"): 1,
        ("ApiAnswers", "table=none", "outcome=unknown"): 1,
        ("ApiAnswers", "table=none", "outcome=refused"): 1,
        ("Refusals", "table=none"): 1,
        ("Refusals", "table=none", "kind=order", "reason=TransitionError"): 1,
    }


def test_a_request_is_a_span_that_follows_its_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-2-3")
    spans: list[Any] = []

    class Spans:
        is_on = True
        trace = ""

        @contextmanager
        def span(self, name: str, notes: Any, *, follows: str = "", batch: str = "") -> Iterator[Spans]:
            spans.append((name, dict(notes), follows))
            yield self

        def current(self) -> str:
            return "here"

        def note(self, notes: Any) -> None:
            spans.append(dict(notes))

        def fail(self, error: str, kind: str) -> None:
            spans.append(kind)

        def refuse(self, kind: str) -> None:
            spans.append(kind)

    flow = Workflow(definitions(ORDER), MemoryStore(), tracer=Spans())
    ask(ApiHandler(flow.runtime), *PUT, DATA)
    assert spans == [
        ("api PUT", {"method": "PUT", "kind": "order"}, "Root=1-2-3"),
        ("create order", {"kind": "order", "id": "42", "trigger": "create"}, ""),
        {"state": "placed", "version": 1},
        {"outcome": "accepted", "status": 201},
    ]


COLD_START = """
import sys
from workflow.aws.lambdas import api
print(api._handler is not None, *sorted(sys.modules))
"""


def test_it_opens_its_handler_once_and_imports_nothing_that_it_does_not_run(tmp_path: Path) -> None:
    compiled = tmp_path / "definitions.json"
    compiled.write_text(compile_definitions(REPOSITORY / "definitions"), encoding="utf-8")
    environment = {
        "PYTHONPATH": str(REPOSITORY),
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_FUNCTION_NAME": "api",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "WORKFLOW_TABLE": "table",
        "WORKFLOW_DEFINITIONS": str(compiled),
        "WORKFLOW_HANDLERS": ",".join(HANDLERS),
    }
    done = subprocess.run([sys.executable, "-c", COLD_START], env=environment, capture_output=True, text=True)
    assert done.stderr == ""
    opened, *modules = done.stdout.split()
    assert opened == "True"
    assert {"botocore", "workflow.runtime.entity_api.serve", "handlers.order"} <= set(modules)
    not_by_this_one = (*NOT_BY_THIS_ONE, "workflow.runtime.webhooks.receive", "workflow.definition.webhooks")
    assert [name for name in not_by_this_one if name in modules] == []
