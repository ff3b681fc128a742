"""Each function does all that it can do, and calls what its role allows: nothing is missing, and nothing is spare.

What hooks need is judged for both functions that run them as one: which of the two runs a hook is chance.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
import urllib3

from demo.ci.github import serve_github
from demo.crm.crm_server import crm_server
from demo.payment.stripe import captured, post
from handlers.builds.report import Report, signed
from tests.acceptance.conftest import CALLS, Deployed, an_order
from tests.roles import Call, Grant, find_roles, read_calls, read_grants
from workflow.aws.client import make_client
from workflow.local.errors import DeployError

NOT_CALLED = {
    ("WriteOwnLog", "logs:CreateLogStream"): "Lambda itself writes what a function prints",
    ("WriteOwnLog", "logs:PutLogEvents"): "the same",
    (
        "ReadOwnStream",
        "dynamodb:ListStreams",
    ): "the stream mapping's, with the function's role; here the pump needs none",
    ("PutLostRecordsAside", "s3:PutObject"): "the stream mapping puts there what is given up, and here nothing is",
    ("FindLostRecords", "s3:ListBucket"): "the same",
}
"""What the roles may do and no code of ours does, and why they need it."""

NOT_CALLED_EITHER = {
    ("SendTraces", "xray:PutTraceSegments"): "the daemon beside the function sends; here nobody listens",
    ("SendTraces", "xray:PutTelemetryRecords"): "the same",
    ("Build", "codebuild:StopBuild"): "the embedded cloud's builds end as soon as they begin",
}
"""The same, of what parameters grant."""

PROJECT, GITHUB_TOKEN, CRM_TOKEN = "ci", "/ci/github-token", "/crm/token"


@pytest.fixture(scope="module")
def roles(deployed: Deployed) -> dict[str, str]:
    return find_roles(deployed.cloud.endpoint_url, deployed.cloud.stack.name)


@pytest.fixture(scope="module")
def grants(deployed: Deployed, roles: dict[str, str]) -> list[Grant]:
    return read_grants(deployed.cloud.endpoint_url, roles)


@pytest.fixture(scope="module")
def calls(deployed: Deployed, roles: dict[str, str]) -> set[Call]:
    """What the functions called in the stories beneath, and in those of other files that came before."""
    for story in (_hooks, _lanes, _what_was_put_aside, _timers, _by_hand, _entities_over_http):
        story(deployed)
    deployed.settle()
    return read_calls(deployed.cloud.project / CALLS, roles)


def _hooks(deployed: Deployed) -> None:
    flow, cloud = deployed.flow, deployed.cloud
    flow.create("order", "may", an_order("ada@may.example.com"))
    flow.fire("order", "may", "pay", {"amount": "59.90", "payment": "pi_1"})
    lines = [{"sku": f"SKU-{number}", "text": "x" * 1000} for number in range(280)]
    invoice = {"customer": "c-1", "currency": "EUR", "amount": "120.50", "lines": lines}
    flow.create("invoice", "may", invoice | {"email": "ada@may.example.com", "iban": "DE001"})
    flow.fire("invoice", "may", "pay", {"amount": 121})
    payment = {"email": "ada@may.example.com", "order": "may", "currency": "eur", "amount": 5990}
    flow.create("payment", "pi_may", payment)
    event = captured("evt_may", "pi_may", 1_795_000_000, 5990)
    secret = cloud.get_secret("ssm:/workflow/stripe-webhook")
    assert post(f"{cloud.webhook_url}/stripe", secret, event).status == 200
    assert post(f"{cloud.webhook_url}/stripe", secret, event).status == 200
    deployed.settle()


def _lanes(deployed: Deployed) -> None:
    job = {"repository": "acme/may", "commit": "1" * 40, "requested_by": "eve@may.example.com"}
    for id in ("may-1", "may-2", "may-3"):
        deployed.flow.create("job", id, job)
    deployed.settle()
    _report(deployed, Report("may-1", 1, 0, "https://ci.example.com/1"))
    deployed.settle()


def _report(deployed: Deployed, report: Report) -> None:
    cloud, body = deployed.cloud, report.body()
    secret = cloud.get_secret("ssm:/workflow/runner-webhook").decode()
    headers = {"Content-Type": "application/json"} | signed(report.id, int(time.time()), body, secret)
    answer = urllib3.request("POST", f"{cloud.webhook_url}/runner", body=body, headers=headers, retries=False)
    assert answer.status == 200, answer.data


def _what_was_put_aside(deployed: Deployed) -> None:
    deployed.flow.create("trial", "may-fail", {"poison": True})
    deployed.flow.fire("trial", "may-fail", "begin")
    deployed.settle()
    deployed.flow.operations.redrive("trial", "may-fail")
    deployed.sweep()
    deployed.flow.operations.skip("trial", "may-fail", "the story is over")
    deployed.sweep()


def _timers(deployed: Deployed) -> None:
    deployed.flow.create("trial", "may-late")
    time.sleep(1)
    assert deployed.sweep()["timers_fired"]
    deployed.settle()


def _by_hand(deployed: Deployed) -> None:
    deployed.flow.create("order", "may-by-hand", an_order("ada@may.example.com"))
    deployed.settle()
    deployed.dynamodb.update_item(
        TableName=deployed.cloud.stack.table_name,
        Key={"pk": {"S": "order#may-by-hand"}, "sk": {"S": "entity"}},
        UpdateExpression="SET #state = :state",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": {"S": "shipped"}},
    )
    deployed.settle()


def _entities_over_http(deployed: Deployed) -> None:
    job = {"repository": "acme/may-http", "commit": "1" * 40, "requested_by": "eve@may.example.com"}
    for id in ("may-4", "may-5"):
        assert deployed.ask("PUT", f"job/{id}", job) == 201
    deployed.settle()
    assert deployed.ask("POST", "job/may-4/cancel", {"reason": "not this one"}) == 200
    assert {deployed.ask("GET", path) for path in ("job?state=pending", "job/may-4", "job/may-4/history")} == {200}


def test_no_call_is_made_that_the_role_does_not_allow(calls: set[Call], grants: list[Grant]) -> None:
    assert sorted(call for call in calls if not any(grant.allows(call) for grant in grants)) == []


def test_nothing_is_allowed_that_is_never_called(calls: set[Call], grants: list[Grant]) -> None:
    spare = [grant for grant in grants if not any(grant.allows(call) for call in calls)]
    assert [str(grant) for grant in spare if (grant.sid, grant.action) not in NOT_CALLED] == []
    # A reason for what is called after all, or is allowed no more, is none.
    assert {(grant.sid, grant.action) for grant in spare} == NOT_CALLED.keys()


@pytest.fixture(scope="module")
def by_parameters(deployed: Deployed, grants: list[Grant]) -> Iterator[list[Grant]]:
    """What is granted besides, once the parameters are on that grant something and all of it was used."""
    endpoint_url = deployed.cloud.endpoint_url
    environment = {"type": "LINUX_CONTAINER", "image": "none", "computeType": "BUILD_GENERAL1_SMALL"}
    make_client("codebuild", endpoint_url=endpoint_url).create_project(
        name=PROJECT,
        source={"type": "NO_SOURCE"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment=environment,
        serviceRole=f"arn:aws:iam::000000000000:role/{PROJECT}",
    )
    deployed.cloud.put_secret(f"ssm:{GITHUB_TOKEN}", "ghp_may")
    deployed.cloud.put_secret(f"ssm:{CRM_TOKEN}", "pat_may")
    with serve_github("ghp_may") as github, crm_server("pat_may") as crm:
        given = {"Tracing": "xray", "Builds": "codebuild", "CodeBuildProject": PROJECT}
        given |= {"GithubApiUrl": github.url, "GithubTokenName": GITHUB_TOKEN}
        with _given(deployed, given | {"CrmUrl": crm.url, "CrmTokenName": CRM_TOKEN}):
            found = read_grants(endpoint_url, find_roles(endpoint_url, deployed.cloud.stack.name))
            _builds_and_contacts(deployed)
            assert crm.versions("may") == [1]
            told = sorted(state for state, _ in github.statuses("acme/may-builds", "1" * 40))
            assert told == ["error", *["pending"] * 4]
            yield [grant for grant in found if grant not in grants]


@contextmanager
def _given(deployed: Deployed, parameters: Mapping[str, str]) -> Iterator[None]:
    deployed.cloud.redeploy(parameters)
    yield
    defaults = {name: "none" if name == "Tracing" else "" for name in parameters}
    deployed.cloud.redeploy(defaults)


def _builds_and_contacts(deployed: Deployed) -> None:
    job = {"repository": "acme/may-builds", "commit": "1" * 40, "requested_by": "eve@may.example.com"}
    job["clone_url"] = "https://git.example.com/may-builds.git"
    for id in ("may-6", "may-7"):
        deployed.flow.create("job", id, job)
    deployed.settle()
    deployed.flow.fire("job", "may-6", "cancel", {"reason": "not this one"})
    deployed.flow.create("contact", "may", {"email": "ada@may.example.com", "name": "Ada"})
    deployed.settle()


def test_what_parameters_grant_is_called_as_well_and_there_is_nothing_else(
    deployed: Deployed, roles: dict[str, str], grants: list[Grant], by_parameters: list[Grant]
) -> None:
    calls = read_calls(deployed.cloud.project / CALLS, roles)
    allowed = [*grants, *by_parameters]
    assert sorted(call for call in calls if not any(grant.allows(call) for grant in allowed)) == []
    spare = [grant for grant in by_parameters if not any(grant.allows(call) for call in calls)]
    assert {(grant.sid, grant.action) for grant in spare} == NOT_CALLED_EITHER.keys()
    assert {grant.sid for grant in by_parameters} == {"SendTraces", "Build", "ReadGithubToken", "ReadCrmToken"}


@pytest.mark.parametrize(
    ("setting", "needed"), [("Builds=codebuild", "CodeBuildProject"), ("Tracing=opentelemetry", "TracingLayer")]
)
def test_what_could_not_work_is_refused_and_what_is_deployed_stays(
    deployed: Deployed, setting: str, needed: str
) -> None:
    name, value = setting.split("=")
    with pytest.raises(DeployError, match=f"{setting} needs {needed}"):
        deployed.cloud.redeploy({name: value, needed: ""})
    assert deployed.ask("GET", "job?state=pending") == 200
