"""One life of an order through the real table, from the shell alone."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner
from moto import mock_aws

from workflow.cli.commands import workflow

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-central-1",
}
GUARDED = """\
kind: letter
version: 1
initial: draft
data: {text: string}
states: {draft: {}, sent: {final: true}}
transitions:
  send: {from: draft, to: sent, guard: {function: is_polite}}
"""


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch):
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        keys = ("pk", "sk", "listed")
        boto3.client("dynamodb").create_table(
            TableName="shop",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by_state",
                    "KeySchema": [
                        {"AttributeName": "listed", "KeyType": "HASH"},
                        {"AttributeName": "pk", "KeyType": "RANGE"},
                    ],
                    "Projection": {
                        "ProjectionType": "INCLUDE",
                        "NonKeyAttributes": ["state", "version", "changed_at"],
                    },
                }
            ],
        )
        yield


def run(*arguments: str):
    return CliRunner().invoke(workflow, ["--table", "shop", *arguments])


@pytest.mark.usefixtures("table", "definitions")
def test_an_order_lives_from_creation_to_history():
    created = run("create", "order", "-42", "--set", "email=a@b.c", "--set", "total=120.50", "--request-id", "r")
    assert created.exit_code == 2
    create = ("create", "--set", "email=a@b.c", "--set", "total=120.50", "--request-id", "r", "--", "order", "-42")
    assert run(*create).stdout == "order -42: created in placed (version 1)\n"
    assert run(*create).stdout.endswith("nothing was written now\n")
    fired = run("fire", "--set", "amount=120.50", "--", "order", "-42", "pay")
    assert (fired.stdout, fired.stderr) == ("order -42: placed -> paid (version 2)\n", "")

    assert run("show", "order", "\udcff").exit_code in (1, 3)
    refused = run("fire", "--", "order", "-42", "pay")
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)

    listed = json.loads(run("list", "order", "--state", "paid", "--json").stdout)["entities"]
    assert [(line["id"], line["version"]) for line in listed] == [("-42", 2)]
    assert "total  120.5" in run("show", "--", "order", "-42").stdout
    told = json.loads(run("history", "--json", "--", "order", "-42").stdout)
    assert [(event["trigger"], event["to"], event["by"]) for event in told["events"]] == [
        ("create", "placed", "cli:ada"),
        ("pay", "paid", "cli:ada"),
    ]
    assert {effect["outcome"] for effect in told["events"][1]["effects"]} == {"owed"}


@pytest.mark.usefixtures("table")
def test_a_guard_in_python_is_found_where_a_trigger_asks_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import sys

    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("WORKFLOW_HANDLERS", "letter_handlers")
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "letter.yaml").write_text(GUARDED)
    source = "from workflow import guard\n\n@guard\ndef is_polite(seen): return 'please' in seen['data']['text']\n"
    (tmp_path / "letter_handlers.py").write_text(source)
    run("create", "letter", "1", "--set", "text=please")
    run("create", "letter", "2", "--set", "text=now")

    assert run("fire", "letter", "1", "send").stdout == "letter 1: draft -> sent (version 2)\n"
    assert "needs: is_polite()" in run("fire", "letter", "2", "send").stderr


@pytest.mark.usefixtures("definitions")
def test_a_region_that_nobody_configured_is_one_line(monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "nowhere")

    result = run("show", "order", "42")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "region" in result.stderr
