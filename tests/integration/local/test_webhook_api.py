"""Webhooks over real HTTP: the template's own API and function, on the embedded cloud, with their role enforced."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import urllib3

from workflow import Workflow
from workflow.aws.secrets import StoredSecrets
from workflow.errors import SecretAccessError
from workflow.local.session import LocalCloud, local_cloud
from workflow.settings import read_settings

REPOSITORY = Path(__file__).parents[3]
PROJECT = {
    "pyproject.toml": '[tool.workflow]\nhandlers = ["handlers.order"]\n',
    "handlers/__init__.py": "",
    "handlers/order.py": """\
from workflow import guard


@guard
def affordable(seen):
    return seen["payload"]["amount"] <= 100
""",
    "definitions/order.yaml": """\
kind: order
version: 1
initial: placed
data:
  note: {type: string, optional: true}
states:
  placed: {}
  paid: {final: true}
transitions:
  pay: {from: placed, to: paid, requires: {amount: decimal}, guard: {function: affordable}}
""",
    "webhooks/shop.yaml": """\
webhook: shop
signature: {scheme: github, secrets: [ssm:/workflow/shop, ssm:/workflow/shop-next]}
request_id: headers."x-github-delivery"
accept:
  - {when: body.note, kind: order, id: body.order, trigger: create, payload: {note: body.note}}
  - {when: body.amount, kind: order, id: body.order, trigger: pay, payload: {amount: body.amount}}
""",
    "webhooks/bank.yaml": """\
webhook: bank
signature: {scheme: standard-webhooks, secrets: [ssm:/workflow/bank]}
request_id: headers."webhook-id"
accept:
  - {kind: order, id: body.order, trigger: create}
""",
    "webhooks/press.yaml": """\
webhook: press
signature: {scheme: github, secrets: [ssm:/workflow/press]}
request_id: headers."x-github-delivery"
accept:
  - {kind: order, id: body.order, trigger: create}
""",
    "webhooks/elsewhere.yaml": """\
webhook: elsewhere
signature: {scheme: github, secrets: [ssm:/elsewhere/secret]}
request_id: headers."x-github-delivery"
accept:
  - {kind: order, id: body.order, trigger: create}
""",
}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A small project, deployed with the repository's template."""
    project = tmp_path_factory.mktemp("shop")
    for name, text in PROJECT.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text)
    shutil.copy(REPOSITORY / "template.yaml", project)
    with local_cloud(project, sweep_seconds=3600) as cloud:
        yield cloud


@pytest.fixture
def flow(cloud: LocalCloud) -> Workflow:
    return Workflow.from_settings(replace(read_settings(cloud.env), handlers=()), hooks_required=False)


def send(url: str, body: bytes = b"", method: str = "POST", **headers: str) -> tuple[int, Mapping[str, str], Any]:
    """Status, headers and JSON content of the answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    # Not tried again by the client: each of these is one request.
    answer = urllib3.request(method, url, body=body, headers=named, retries=False, timeout=30)
    return answer.status, answer.headers, json.loads(answer.data) if answer.data else None


def post(
    cloud: LocalCloud, content: Any, delivery: str, *, source: str = "shop", secret: bytes | None = None, **headers: str
) -> Any:
    """What the webhook answers to content that is signed as GitHub signs."""
    body = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
    key = cloud.get_secret("ssm:/workflow/shop") if secret is None else secret
    signature = f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"
    kind = {"Content_Type": "application/json", "X_Hub_Signature_256": signature, "X_GitHub_Delivery": delivery}
    return send(f"{cloud.webhook_url}/{source}", body, **{**kind, **headers})


def test_a_signed_request_is_accepted_and_its_repetition_gets_the_same_answer(
    cloud: LocalCloud, flow: Workflow
) -> None:
    content = {"order": "1", "note": "für Ada"}
    accepted = {"kind": "order", "id": "1", "version": 1, "state": "placed"}
    status, headers, answer = post(cloud, content, "d1")
    assert (status, headers["content-type"], answer) == (200, "application/json", accepted)
    assert post(cloud, content, "d1")[::2] == (200, accepted)
    assert [(event.trigger, event.request_id) for event in flow.history("order", "1")] == [("create", "shop:d1")]
    assert flow.get("order", "1").data["note"] == "für Ada"


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/x-www-form-urlencoded", ""])
def test_bytes_that_api_gateway_hands_over_as_base64_are_the_signed_ones(cloud: LocalCloud, kind: str) -> None:
    order = f"base64 {kind}"
    assert post(cloud, {"order": order, "note": "ü"}, order, Content_Type=kind)[::2] == (
        200,
        {"kind": "order", "id": order, "version": 1, "state": "placed"},
    )


def test_a_guard_of_a_handler_module_decides(cloud: LocalCloud, flow: Workflow) -> None:
    flow.create("order", "2")
    status, _, answer = post(cloud, {"order": "2", "amount": 101}, "d2")
    assert (status, list(answer)) == (403, ["error"])
    assert post(cloud, {"order": "2", "amount": 99.5}, "d3")[::2] == (
        200,
        {"kind": "order", "id": "2", "version": 2, "state": "paid"},
    )


def test_an_unsigned_request_is_told_no_more_than_that(cloud: LocalCloud, flow: Workflow) -> None:
    refused = (401, {"error": "the signature does not fit"})
    content = {"order": "3", "note": "n"}
    assert send(f"{cloud.webhook_url}/shop", b"{}")[::2] == refused
    assert post(cloud, content, "d4", secret=b"wrong")[::2] == refused
    assert flow.find("order", "3") is None


def test_a_huge_body_is_refused_without_a_signature(cloud: LocalCloud) -> None:
    status, _, answer = send(f"{cloud.webhook_url}/shop", b" " * (1024 * 1024 + 1), Content_Type="application/json")
    assert (status, answer) == (413, {"error": "the body has more than 1048576 bytes"})


def test_what_is_not_declared_is_answered_without_content(cloud: LocalCloud) -> None:
    assert post(cloud, {"order": "4"}, "d5")[::2] == (204, None)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_webhooks_are_posted_and_nothing_else(cloud: LocalCloud, method: str) -> None:
    status, headers, answer = send(f"{cloud.webhook_url}/shop", method=method)
    assert (status, headers["allow"], answer) == (405, "POST", {"error": "webhooks are posted: use POST"})


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/unknown", {"error": "there is no webhook of that name here"}),
        # The gateway's own answer: no function was asked.
        ("", {"message": "Not Found"}),
        ("/shop/more", {"message": "Not Found"}),
    ],
)
def test_another_path_is_not_found(cloud: LocalCloud, path: str, answer: object) -> None:
    assert send(f"{cloud.webhook_url}{path}")[::2] == (404, answer)


def test_a_secret_that_is_put_works_at_once_though_the_function_keeps_what_it_read(cloud: LocalCloud) -> None:
    for secret in (b"one", b"another"):
        cloud.put_secret("ssm:/workflow/press", secret.decode())
        assert post(cloud, {"order": f"by {secret!r}"}, f"d6 {secret!r}", source="press", secret=secret)[0] == 200


def test_each_secret_is_random_and_of_its_scheme(cloud: LocalCloud) -> None:
    body, sent_at = b'{"order": "6"}', str(int(time.time()))
    secret = cloud.get_secret("ssm:/workflow/bank").decode()
    assert secret.startswith("whsec_")
    assert secret.encode() != cloud.get_secret("ssm:/workflow/shop") != b""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = base64.b64encode(hmac.new(key, f"m1.{sent_at}.".encode() + body, hashlib.sha256).digest()).decode()
    headers = {"webhook_id": "m1", "webhook_timestamp": sent_at, "webhook_signature": f"v1,{made}"}
    assert send(f"{cloud.webhook_url}/bank", body, **headers)[0] == 200
    assert len(key) == 32


def test_the_role_reads_no_secret_outside_of_its_path_and_the_answer_does_not_tell_its_name(cloud: LocalCloud) -> None:
    status, headers, answer = send(f"{cloud.webhook_url}/elsewhere", b"{}", X_Hub_Signature_256="sha256=00")
    assert (status, headers["retry-after"]) == (503, "10")
    assert answer == {"error": "the signature cannot be checked at this moment; send it again"}
    assert cloud.get_secret("ssm:/elsewhere/secret") != b""


def test_the_environment_leads_to_the_secrets_too(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in cloud.env.items():
        monkeypatch.setenv(name, value)
    assert StoredSecrets().get("ssm:/workflow/bank") == cloud.get_secret("ssm:/workflow/bank")
    cloud.put_secret("secretsmanager:other", "one")
    cloud.put_secret("secretsmanager:other", "two")
    assert StoredSecrets().get("secretsmanager:other") == b"two"
    with pytest.raises(SecretAccessError):
        cloud.get_secret("ssm:/workflow/nobody")
