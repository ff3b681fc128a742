"""A webhook file becomes a frozen webhook, with what is left out filled in, and survives being compiled."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.samples import definitions
from workflow.definition.definition import Definition, Definitions, Field, State, Transition
from workflow.definition.webhooks.load import compile_webhooks, load_webhooks, parse_webhook
from workflow.definition.webhooks.plain import FORMAT, from_plain
from workflow.definition.webhooks.webhook import Accept, From, Signature, Webhook
from workflow.errors import DefinitionError, SettingsError

HERE = Path(__file__).parent
GITHUB = Webhook(
    name="github",
    signature=Signature("github", ("ssm:/ci/github-webhook", "secretsmanager:ci/github"), "x-hub-signature-256"),
    request_id='headers."x-github-delivery"',
    by="body.sender.login",
    most_bytes=2_097_152,
    accepts=(
        Accept(
            when="headers.\"x-github-event\" == 'opened'",
            ignore="body.draft",
            kind="order",
            id="body.order.id",
            trigger="create",
            payload={"total": "body.order.total"},
        ),
        Accept(
            kind=From("body.kind"),
            id="body.id",
            trigger=From("body.trigger"),
            payload={"amount": "body.amount", "carrier": "not_null(body.carrier, 'dhl')"},
        ),
    ),
)


def test_a_file_becomes_the_webhook_it_says() -> None:
    assert list(load_webhooks(HERE / "github.yaml", definitions())) == [GITHUB]


def test_a_folder_holds_one_webhook_a_file(tmp_path: Path) -> None:
    text = (HERE / "github.yaml").read_text()
    (tmp_path / "b.yaml").write_text(text)
    (tmp_path / "a.yml").write_text(text.replace("webhook: github", "webhook: runner"))
    (tmp_path / "notes.txt").write_text("nothing")

    webhooks = load_webhooks(tmp_path, definitions())

    assert [webhook.name for webhook in webhooks] == ["github", "runner"]
    assert webhooks.find("github") == GITHUB
    assert webhooks.find("gitlab") is None


def test_a_folder_that_is_missing_or_empty_holds_no_webhooks(tmp_path: Path) -> None:
    assert list(load_webhooks(tmp_path / "webhooks", definitions())) == []
    assert list(load_webhooks(tmp_path, definitions())) == []


def test_where_the_definitions_are_not_known_nothing_is_held_against_them_and_all_else_is(tmp_path: Path) -> None:
    (tmp_path / "github.yaml").write_text((HERE / "github.yaml").read_text().replace("kind: order", "kind: unheard"))
    assert [webhook.name for webhook in load_webhooks(tmp_path, None)] == ["github"]

    (tmp_path / "twin.yaml").write_text((HERE / "github.yaml").read_text().replace("scheme: github", "scheme: gitlab"))
    with pytest.raises(DefinitionError) as failed:
        load_webhooks(tmp_path, None)
    assert [problem.message for problem in failed.value.problems] == [
        f"the webhook 'github' is declared in {tmp_path}/github.yaml already",
        "there is no signature scheme 'gitlab'",
    ]


@pytest.mark.parametrize(
    ("said", "signature"),
    [
        ("scheme: github", Signature("github", ("ssm:/s",), "x-hub-signature-256")),
        ("scheme: timestamped", Signature("timestamped", ("ssm:/s",), "stripe-signature")),
        (
            "scheme: timestamped, header: X-Own, tolerance: 1m",
            Signature("timestamped", ("ssm:/s",), "x-own", tolerance_seconds=60),
        ),
        (
            "scheme: standard-webhooks, tolerance: 1d",
            Signature("standard-webhooks", ("ssm:/s",), "webhook-signature", tolerance_seconds=86_400),
        ),
        (
            'scheme: hmac, header: X-Sig, encoding: base64, prefix: "v1="',
            Signature("hmac", ("ssm:/s",), "x-sig", "base64", "v1="),
        ),
    ],
)
def test_a_scheme_has_its_own_header(said: str, signature: Signature) -> None:
    text = (
        f"webhook: own\nsignature: {{secrets: [ssm:/s], {said}}}\nrequest_id: body.id\n"
        "accept: [{kind: order, id: body.id, trigger: cancel}]\n"
    )

    webhook = parse_webhook(text, definitions()).find("own")

    assert webhook is not None
    assert webhook.signature == signature


def test_what_was_compiled_at_build_time_is_what_the_files_say() -> None:
    text = compile_webhooks(load_webhooks(HERE / "github.yaml", definitions()))

    assert list(from_plain(json.loads(text))) == [GITHUB]


@pytest.mark.parametrize(
    "plain", [{}, {"format": FORMAT + 1, "webhooks": []}, [], {"format": FORMAT}, {"format": FORMAT, "webhooks": [{}]}]
)
def test_plain_data_of_another_format_is_refused_with_what_to_do(plain: Any) -> None:
    with pytest.raises(SettingsError, match="compile them again"):
        from_plain(plain)


def test_plain_webhooks_load_without_yaml_pydantic_and_jmespath() -> None:
    heavy = "{'yaml', 'pydantic', 'jmespath'}"
    code = f"import sys, workflow.definition.webhooks.plain; print(sorted({heavy} & sys.modules.keys()))"

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_webhooks_are_received_without_yaml_and_pydantic() -> None:
    heavy = "{'yaml', 'pydantic', 'boto3'}"
    code = f"import sys, workflow.runtime.webhooks.receive; print(sorted({heavy} & sys.modules.keys()))"

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_the_example_of_the_documentation_is_a_webhook() -> None:
    text = (HERE.parents[3] / "docs" / "webhooks.md").read_text()
    example = next(block for block in re.findall("```yaml\n(.*?)```", text, re.DOTALL) if "\nwebhook:" in block)
    push = Transition("push", "known", "known", sets={"commit": None, "branch": None})
    fields = {name: Field(name, "string", optional=True) for name in ("commit", "branch")}
    repository = Definition("repository", 1, "known", fields, {"known": State("known")}, (push,))

    webhook = parse_webhook(example, Definitions((repository,))).find("github")

    assert webhook is not None
    assert webhook.accepts[0].payload == {"commit": "body.after", "branch": "body.ref"}
