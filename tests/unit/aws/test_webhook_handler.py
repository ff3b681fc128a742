"""The Lambda behind the HTTP API: what it makes of API Gateway's requests, what it answers, logs and counts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.emf import metrics, read_emf
from tests.fakes.log import of_line
from tests.samples import ORDER, definitions
from tests.shipped import HANDLERS
from tests.unit.aws.test_cold_start import NOT_IMPORTED
from workflow import Workflow
from workflow.aws.compose import read_compiled_webhooks
from workflow.aws.lambdas.webhook import WebhookHandler
from workflow.aws.metrics import EmfMeter
from workflow.definition.load import compile_definitions
from workflow.definition.webhooks.load import compile_webhooks, parse_webhook
from workflow.errors import SecretAccessError, SettingsError
from workflow.testing import MemoryClock, MemoryStore

REPOSITORY = Path(__file__).parents[3]
SECRET = b"It's a Secret to Everybody"
SHOP = """\
webhook: shop
signature: {scheme: hmac, header: X-Signature, secrets: [ssm:/workflow/shop]}
request_id: headers."x-request"
most_bytes: 1000
accept:
  - when: body.what == 'placed'
    kind: order
    id: body.order
    trigger: create
"""
PLACED = '{"what": "placed", "order": "ü 42"}'.encode()
ACCEPTED = {"kind": "order", "id": "ü 42", "version": 1, "state": "placed"}


class OneSecret:
    """The secret of every webhook, unless it is to be away."""

    away = False

    def get(self, name: str, *, afresh: bool = False) -> bytes:
        if self.away:
            raise SecretAccessError(f"secret {name} cannot be read: {SECRET!r}")
        return SECRET


def shop(**given: Any) -> WebhookHandler:
    meter = EmfMeter("", MemoryClock())
    flow = Workflow(definitions(ORDER), MemoryStore(), meter=meter)
    webhooks = parse_webhook(SHOP, flow.definitions)
    return WebhookHandler(flow.runtime, webhooks, given.get("secrets", OneSecret()), meter=meter)


def request(
    body: bytes, *, encoded: bool = False, method: str = "POST", path: str = "/webhooks/shop"
) -> dict[str, Any]:
    """What API Gateway makes of a signed request."""
    signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    return {
        "version": "2.0",
        "routeKey": "ANY /webhooks/{source}",
        "rawPath": path,
        "headers": {"x-signature": signature, "x-request": "r1", "content-type": "application/json"},
        "requestContext": {"http": {"method": method, "path": path}, "stage": "$default"},
        "body": base64.b64encode(body).decode() if encoded else body.decode(),
        "isBase64Encoded": encoded,
    }


def told(response: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
    return response["statusCode"], response["headers"], json.loads(response["body"]) if "body" in response else None


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("encoded", [False, True])
def test_a_signed_request_is_accepted_however_its_bytes_come_and_its_repetition_is_answered_the_same(
    encoded: bool,
) -> None:
    handler = shop()
    assert told(handler.handle(request(PLACED, encoded=encoded))) == (200, JSON, ACCEPTED)
    assert told(handler.handle(request(PLACED, encoded=not encoded))) == (200, JSON, ACCEPTED)


def test_names_of_headers_are_looked_up_in_lower_case() -> None:
    given = request(PLACED)
    given["headers"] = {name.title(): value for name, value in given["headers"].items()}
    assert told(shop().handle(given)) == (200, JSON, ACCEPTED)


def test_what_nothing_is_declared_for_is_answered_without_content() -> None:
    assert shop().handle(request(b'{"what": "else"}')) == {"statusCode": 204, "headers": {}}


@pytest.mark.parametrize("body", [None, "", "{}", '{"what": "placed", "order": "43"}', "\ud83d"])
def test_another_body_than_the_signed_one_is_refused(body: str | None) -> None:
    given = {**request(PLACED), "body": body}
    assert told(shop().handle(given)) == (401, JSON, {"error": "the signature does not fit"})


def test_a_body_above_the_cap_is_refused_before_its_signature_is_looked_at() -> None:
    given = request(b" " * 1001, encoded=True)
    del given["headers"]["x-signature"]
    assert told(shop().handle(given)) == (413, JSON, {"error": "the body has more than 1000 bytes"})


@pytest.mark.parametrize("body", ["a", "{}{}", "ü"])
def test_a_body_that_is_no_base64_though_it_should_be_is_malformed(body: str) -> None:
    given = {**request(PLACED), "body": body, "isBase64Encoded": True}
    assert told(shop().handle(given)) == (400, JSON, {"error": "the body is not the base64 that it is said to be"})


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "post"])
def test_webhooks_are_posted_and_nothing_else(method: str) -> None:
    status, headers, content = told(shop().handle(request(PLACED, method=method)))
    assert (status, headers) == (405, {"allow": "POST", **JSON})
    assert content == {"error": "webhooks are posted: use POST"}


@pytest.mark.parametrize("path", ["", "/", "/webhooks", "/webhooks/", "/webhooks/shop/", "/xwebhook/shop", "/shop"])
def test_another_path_is_not_found(path: str) -> None:
    status, _, content = told(shop().handle(request(PLACED, path=path)))
    assert (status, content) == (404, {"error": "there is nothing here; webhooks are posted to /webhooks/SOURCE"})


def test_a_stage_or_a_domain_of_ones_own_may_put_something_in_front_of_the_path() -> None:
    assert told(shop().handle(request(PLACED, path="/prod/webhooks/shop"))) == (200, JSON, ACCEPTED)


@pytest.mark.parametrize("given", [{}, {"Records": []}, {"rawPath": "/webhooks/shop"}])
def test_what_comes_from_elsewhere_than_api_gateway_is_answered_as_well(given: dict[str, Any]) -> None:
    assert shop().handle(given)["statusCode"] in (404, 405)


def test_what_may_succeed_later_says_when_to_come_again() -> None:
    secrets = OneSecret()
    handler, secrets.away = shop(secrets=secrets), True
    status, headers, content = told(handler.handle(request(PLACED)))
    assert (status, headers) == (503, {"retry-after": "10", **JSON})
    assert content == {"error": "the signature cannot be checked at this moment; send it again"}
    secrets.away = False
    assert told(handler.handle(request(PLACED))) == (200, JSON, ACCEPTED)


def test_each_answer_is_counted_by_source_and_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    handler = shop()
    for given in (request(PLACED), request(PLACED), request(b"{}"), {**request(PLACED), "body": "{}"}):
        handler.handle(given)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    once = [(line["source"], line["outcome"], line["WebhookAnswers"]) for line in read_emf(lines)]
    outcomes = ("accepted", "repeated", "undeclared", "unsigned")
    assert once == [("shop", outcome, 1) for outcome in outcomes]
    assert metrics(lines) == {
        ("WebhookAnswers", "table=none", *source, f"outcome={outcome}"): 1
        for outcome in outcomes
        for source in ((), ("source=shop",))
    }


def test_a_refusal_is_counted_beside_its_answer(capsys: pytest.CaptureFixture[str]) -> None:
    handler = shop()
    handler.handle(request(PLACED))
    given = request(PLACED)
    given["headers"]["x-request"] = "r2"
    capsys.readouterr()
    assert handler.handle(given)["statusCode"] == 409
    assert metrics(capsys.readouterr().out.splitlines()) == {
        ("WebhookAnswers", "table=none", "outcome=refused"): 1,
        ("WebhookAnswers", "table=none", "source=shop", "outcome=refused"): 1,
        ("Refusals", "table=none"): 1,
        ("Refusals", "table=none", "kind=order", "reason=CreateError"): 1,
    }


def test_a_stranger_makes_no_dimension(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    handler = shop()
    handler.handle(request(PLACED, path="/webhooks/mine"))
    handler.handle(request(PLACED, path="/else"))
    handler.handle(request(PLACED, method="mine"))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["source"], line["outcome"]) for line in lines] == [
        ("none", "unknown"),
        ("none", "unknown"),
        ("shop", "malformed"),
    ]
    assert "mine" not in caplog.text


def test_one_log_line_tells_what_became_of_a_request_and_nothing_of_what_was_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    handler = shop()
    handler.handle(request(PLACED))
    assert caplog.messages == ["answered"]
    (line,) = map(of_line, caplog.records)
    assert line.pop("took_ms") >= 0
    assert line == {"source": "shop", "outcome": "accepted", "status": 200, **ACCEPTED}

    caplog.clear()
    handler.handle(request(b'{"what": "placed", "order": ["unspeakable"]}'))
    (line,) = map(of_line, caplog.records)
    assert line.pop("took_ms") >= 0
    assert line == {"source": "shop", "outcome": "malformed", "status": 400}


def test_compiled_webhooks_are_read_and_none_are_where_the_build_left_no_file(tmp_path: Path) -> None:
    webhooks = parse_webhook(SHOP, definitions(ORDER))
    (tmp_path / "webhooks.json").write_text(compile_webhooks(webhooks), encoding="utf-8")
    assert list(read_compiled_webhooks(str(tmp_path / "webhooks.json"))) == list(webhooks)
    assert list(read_compiled_webhooks(str(tmp_path / "gone.json"))) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 99}'])
def test_compiled_webhooks_that_cannot_be_read_stop_the_function_at_once(tmp_path: Path, text: str) -> None:
    (tmp_path / "webhooks.json").write_text(text)
    with pytest.raises(SettingsError, match="compiled webhooks"):
        read_compiled_webhooks(str(tmp_path / "webhooks.json"))


COLD_START = """
import sys
from workflow.aws.lambdas import webhook
print(webhook._handler is not None, *sorted(sys.modules))
"""
# The machine is: every request that is accepted asks it.
NOT_BY_THIS_ONE = (
    *(name for name in NOT_IMPORTED if name != "transitions"),
    *("workflow.runtime.deliver", "workflow.runtime.sweep", "workflow.aws.stream", "workflow.definition.load"),
)


def test_it_opens_its_handler_once_and_imports_nothing_that_it_does_not_run(tmp_path: Path) -> None:
    compiled, webhooks = tmp_path / "definitions.json", tmp_path / "webhooks.json"
    compiled.write_text(compile_definitions(REPOSITORY / "definitions"), encoding="utf-8")
    webhooks.write_text(compile_webhooks(parse_webhook(SHOP, definitions(ORDER))), encoding="utf-8")
    environment = {
        "PYTHONPATH": str(REPOSITORY),
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_FUNCTION_NAME": "webhook",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "WORKFLOW_TABLE": "table",
        "WORKFLOW_DEFINITIONS": str(compiled),
        "WORKFLOW_WEBHOOKS": str(webhooks),
        "WORKFLOW_HANDLERS": ",".join(HANDLERS),
    }
    done = subprocess.run([sys.executable, "-c", COLD_START], env=environment, capture_output=True, text=True)
    assert done.stderr == ""
    opened, *modules = done.stdout.split()
    assert opened == "True"
    assert {"botocore", "workflow.runtime.webhooks.receive", "handlers.order"} <= set(modules)
    assert [name for name in NOT_BY_THIS_ONE if name in modules] == []
