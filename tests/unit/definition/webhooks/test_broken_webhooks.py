"""Every broken webhook is reported at the right place with a way out, and nothing else is reported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.samples import definitions
from workflow.definition.definition import Definition, Definitions, Field, Guard, State, Transition
from workflow.definition.webhooks.load import load_webhooks, parse_webhook
from workflow.errors import DefinitionError

BROKEN = Path(__file__).parent / "broken"
FILES = sorted(BROKEN.glob("*.yaml"))

RIGHT = """\
webhook: own
signature: {scheme: github, secrets: [ssm:/s]}
request_id: body.id
accept:
  - {kind: order, id: body.id, trigger: cancel}
"""


def problems_of(path: Path) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        load_webhooks(path, definitions())
    return [str(problem).replace(f"{BROKEN}/", "") for problem in caught.value.problems]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_broken_webhook_is_reported_as_its_text_says(file: Path) -> None:
    assert "\n".join(problems_of(file)) + "\n" == file.with_suffix(".txt").read_text()


def test_one_run_reports_every_problem_of_every_file() -> None:
    alone = [problem for file in FILES for problem in problems_of(file)]
    together = problems_of(BROKEN)

    assert [problem for problem in together if "is declared in" not in problem] == alone


def test_two_files_with_the_same_source_are_refused(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml", "c.yaml"):
        (tmp_path / name).write_text(RIGHT)

    with pytest.raises(DefinitionError) as caught:
        load_webhooks(tmp_path, definitions())

    assert [str(problem).replace(f"{tmp_path}/", "") for problem in caught.value.problems] == [
        f"{name}:1:10: the webhook 'own' is declared in a.yaml already; give it another name, or remove one of the two "
        "files"
        for name in ("b.yaml", "c.yaml")
    ]


@pytest.mark.parametrize(
    "text",
    ["hunter2", "hunter2: x", "ssm:", "ssm:hunter2 ", "{ssm: hunter2}", "5", "ssm:/hunter2?"],
)
def test_a_secret_that_was_written_where_its_name_belongs_is_not_told(text: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_webhook(RIGHT.replace("[ssm:/s]", f'["{text}"]'), definitions())

    assert "never the secret itself" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "5", "webhook", "a: {b: [", "null", "- webhook: x", "{}"])
def test_whatever_is_no_webhook_at_all_is_told_in_one_way_or_another(text: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_webhook(text, definitions(), "f.yaml")

    assert all(problem.way_out for problem in caught.value.problems)


def test_what_is_right_has_no_problems() -> None:
    assert [webhook.name for webhook in parse_webhook(RIGHT, definitions())] == ["own"]


def deploying(*transitions: Transition) -> Definitions:
    fields = {
        "commit": Field("commit", "string"),
        "branch": Field("branch", "string", default="main"),
        "note": Field("note", "string", optional=True),
    }
    return Definitions((Definition("repository", 1, "known", fields, {"known": State("known")}, transitions),))


PUSH = "webhook: own\nsignature: {scheme: github, secrets: [ssm:/s]}\nrequest_id: body.id\naccept:\n"


@pytest.mark.parametrize("name", ["head", "size", "note", "who"])
def test_whatever_a_transition_reads_of_the_payload_is_known(name: str) -> None:
    push = Transition(
        "push",
        "known",
        "known",
        requires={"who": Field("who", "string", optional=True)},
        sets={"commit": "payload.head", "note": None},
        guard=Guard("payload.size > `5`"),
    )
    text = f"{PUSH}  - {{kind: repository, id: body.id, trigger: push, payload: {{{name}: body.x}}}}\n"

    assert len(list(parse_webhook(text, deploying(push)))) == 1
    with pytest.raises(DefinitionError, match="known: commit, head, note, size, who"):
        parse_webhook(text.replace(f"{{{name}:", "{stranger:"), deploying(push))


def test_only_what_every_way_of_a_trigger_requires_must_be_in_the_payload() -> None:
    ways = [
        Transition("push", "known", "known", requires={name: Field(name, "string") for name in ("commit", own)})
        for own in ("branch", "note")
    ]
    text = f"{PUSH}  - {{kind: repository, id: body.id, trigger: push, payload: {{note: body.x}}}}\n"

    with pytest.raises(DefinitionError) as caught:
        parse_webhook(text, deploying(*ways))

    assert [problem.message for problem in caught.value.problems] == [
        "the payload lacks 'commit', without which 'push' is always refused"
    ]


def test_only_data_that_cannot_be_absent_must_be_in_the_payload_of_a_creation() -> None:
    text = f"{PUSH}  - {{kind: repository, id: body.id, trigger: create}}\n"

    with pytest.raises(DefinitionError) as caught:
        parse_webhook(text, deploying())

    assert [(problem.message, problem.way_out) for problem in caught.value.problems] == [
        ("the payload lacks 'commit', without which 'create' is always refused", "add 'commit: body...' to the payload")
    ]


def test_what_one_of_several_kinds_requires_need_not_be_in_the_payload() -> None:
    text = f"{PUSH}  - {{kind: {{from: body.kind}}, id: body.id, trigger: create}}\n"
    both = Definitions((*(replace(one, kind="a") for one in deploying()), *deploying()))

    assert len(list(parse_webhook(text, both))) == 1
