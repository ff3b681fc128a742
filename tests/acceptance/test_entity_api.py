"""Entities over HTTP: the template's own routes and function, for callers whose signature IAM knows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.acceptance.conftest import REPOSITORY, Deployed, an_order
from workflow.aws.client import make_client
from workflow.local.embedded_cloud import ACCESS_KEY, REGION

ROOT = Credentials(ACCESS_KEY, "local")


def send(
    deployed: Deployed,
    method: str,
    path: str,
    content: Any = None,
    *,
    signer: Credentials | None = ROOT,
    **headers: str,
) -> tuple[int, Mapping[str, str], Any]:
    """Status, headers and JSON content of the answer to a request that is signed, unless nobody signs it."""
    body = b"" if content is None else json.dumps(content).encode()
    named = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest(method, f"{deployed.cloud.api_url}{path}", headers=named, data=body)
    if signer:
        SigV4Auth(signer, "execute-api", REGION).add_auth(request)
    # Not tried again by the client: each of these is one request.
    answer = urllib3.request(method, request.url, body=body, headers=dict(request.headers), retries=False, timeout=30)
    return answer.status, answer.headers, json.loads(answer.data) if answer.data else None


def test_an_order_lives_over_http_and_its_hooks_run(deployed: Deployed) -> None:
    email, key = "ada@http.example.com", {"Idempotency_Key": "stripe:evt_http"}
    status, headers, answer = send(deployed, "PUT", "/order/http", an_order(email))
    created = {"kind": "order", "id": "http", "version": 1, "state": "placed"}
    assert (status, headers["etag"], headers["content-type"], answer) == (201, '"1"', "application/json", created)

    paid = (200, {"kind": "order", "id": "http", "version": 2, "state": "paid"})
    payment = {"amount": "59.90", "payment": "pi_1"}
    for _ in range(2):
        assert send(deployed, "POST", "/order/http/pay", payment, **key)[::2] == paid
    deployed.settle()
    assert deployed.subjects_to(email) == ["Your order http is paid"]

    status, headers, answer = send(deployed, "GET", "/order/http")
    assert (status, headers["etag"], answer["state"], answer["data"]["email"]) == (200, '"2"', "paid", email)
    _, _, history = send(deployed, "GET", "/order/http/history?limit=1&after=1")
    (event,) = history["events"]
    told = (event["version"], event["trigger"], event["payload"], event["request_id"], event["by"])
    root = f"arn:aws:iam::{ACCESS_KEY}:root"
    assert told == (2, "pay", {**payment, "amount": 59.9}, "stripe:evt_http", root)
    assert history["next"] is None
    _, _, listing = send(deployed, "GET", "/order?state=paid&after=htt")
    assert listing["entities"][0]["id"] == "http"


def test_a_refusal_is_told_as_a_problem(deployed: Deployed) -> None:
    send(deployed, "PUT", "/order/no", an_order("ada@no.example.com"))
    status, headers, answer = send(deployed, "POST", "/order/no/ship", {})
    assert (status, headers["content-type"]) == (409, "application/problem+json")
    assert answer == {
        "type": "urn:workflow:problem:transition",
        "title": "The trigger leads nowhere from this state",
        "status": 409,
        "detail": "order no: no transition 'ship' from 'placed' (version 1); from here: pay, cancel, expire",
        "allowed": ["pay", "cancel", "expire"],
    }


def test_an_id_with_a_slash_is_escaped_twice(deployed: Deployed) -> None:
    status, _, answer = send(deployed, "GET", "/repository/acme%252Fnowhere")
    assert (status, answer["detail"]) == (404, "there is no repository acme/nowhere")


def test_another_path_wakes_nobody(deployed: Deployed) -> None:
    assert send(deployed, "GET", "/order/http/pay/more")[::2] == (404, {"message": "Not Found"})


def test_who_does_not_sign_is_refused_by_the_gateway(deployed: Deployed) -> None:
    stranger = Credentials("AKIASTRANGER", "none")
    for signer in (None, stranger):
        for method, path in (("GET", "/order/http"), ("PUT", "/order/stranger"), ("GET", "/order?state=paid")):
            assert send(deployed, method, path, {}, signer=signer)[0] == 403
    assert deployed.flow.find("order", "stranger") is None


@pytest.fixture(scope="module")
def clerk(deployed: Deployed) -> Credentials:
    """Somebody who may read orders, and pay them."""
    api = deployed.cloud.api_url.split("/execute-api/")[1].partition("/")[0]
    arn = f"arn:aws:execute-api:{REGION}:{ACCESS_KEY}:{api}/$default"
    allowed = [f"{arn}/GET/entities/order/*", f"{arn}/POST/entities/order/*/pay"]
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": allowed}
    people = make_client("iam", endpoint_url=deployed.cloud.endpoint_url)
    people.create_user(UserName="clerk")
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    people.put_user_policy(UserName="clerk", PolicyName="orders", PolicyDocument=document)
    key = people.create_access_key(UserName="clerk")["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def test_a_policy_says_what_a_caller_may_do(deployed: Deployed, clerk: Credentials) -> None:
    deployed.flow.create("order", "clerk", an_order("ada@clerk.example.com"))
    payment = {"amount": "59.90", "payment": "pi_1"}
    assert send(deployed, "POST", "/order/clerk/pay", payment, signer=clerk)[0] == 200
    assert send(deployed, "GET", "/order/clerk", signer=clerk)[2]["state"] == "paid"
    assert deployed.flow.history("order", "clerk")[1].by == f"arn:aws:iam::{ACCESS_KEY}:user/clerk"
    refused = [
        ("POST", "/order/clerk/cancel"),
        ("PUT", "/order/clerks"),
        ("GET", "/invoice/clerk"),
        ("GET", "/order?state=paid"),
    ]
    assert [send(deployed, method, path, {}, signer=clerk)[0] for method, path in refused] == [403] * 4


PAGE = (REPOSITORY / "docs" / "http-api.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def run(deployed: Deployed, command: list[str], text: str) -> str:
    """What the program prints, run as somebody who has the address and credentials."""
    signer = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": "local"}
    own = {
        "PATH": os.environ["PATH"],
        "API": deployed.cloud.api_url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }
    done = subprocess.run(command, input=text, env={**own, **signer}, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_what_the_page_shows_works_with_curl_and_with_botocore(deployed: Deployed) -> None:
    _, shell = blocks("sh")
    told = run(
        deployed, ["bash", "-eu", "-s"], shell.replace("$AWS_SESSION_TOKEN", "${AWS_SESSION_TOKEN-}")
    ).splitlines()
    shown = re.findall(r"^# (.*)$", shell, re.MULTILINE)
    assert told[:3] == shown
    order, history, listing = map(json.loads, told[3:])
    assert (order["version"], order["data"]["email"]) == (3, "ada@example.com")
    assert ([event["trigger"] for event in history["events"]], history["next"]) == (["create", "pay"], 2)
    assert "4711" in [line["id"] for line in listing["entities"]]

    (program,) = blocks("python")
    assert run(deployed, [sys.executable, "-"], program) == "200 shipped\n"
