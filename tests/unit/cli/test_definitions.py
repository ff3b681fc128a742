"""Commands on definitions: what is wrong where, the schema, the picture."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from workflow.cli.commands import workflow
from workflow.definition.registered import Registered
from workflow.local.registered import read_registered

HANDLERS = """\
from workflow import guard, hook

@hook
def send_receipt(effect): ...

@hook
def charge_loyalty(effect): ...

@hook
def tell_warehouse(effect): ...
"""


@pytest.fixture
def project(tmp_path: Path, definitions: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with its own handlers, which no other test sees."""
    (tmp_path / "pyproject.toml").write_text('[tool.workflow]\nhandlers = ["shop_handlers"]\n')
    (tmp_path / "shop_handlers.py").write_text(HANDLERS)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    sys.modules.pop("shop_handlers", None)


def run(*arguments: str, **environment: str):
    return CliRunner().invoke(workflow, arguments, env=environment)


@pytest.mark.usefixtures("project")
def test_good_definitions_are_counted():
    result = run("check")

    assert (result.stdout, result.exit_code) == ("1 definition, 5 states, 6 transitions: all good\n", 0)


def test_every_problem_has_its_place_and_a_way_out(project):
    order = project / "definitions" / "order.yaml"
    order.write_text(order.read_text().replace("initial: placed", "initial: payd").replace("to: shipped", "to: shiped"))
    (project / "definitions" / "job.yaml").write_text("kind: job\nversions: 1\n")

    result = run("check")

    lines = result.stdout.splitlines()
    assert result.exit_code == 1
    assert "definitions/order.yaml:3:10: " in result.stdout
    assert any(line.startswith("    did you mean 'paid'?") for line in lines)
    assert any(line.startswith("definitions/job.yaml:2:1: unknown key 'versions'") for line in lines)
    assert lines[-1].endswith(" problems in 2 files")
    assert result.stderr == ""


@pytest.mark.usefixtures("project")
def test_a_path_is_checked_against_the_hooks_of_the_project(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    text = (tmp_path / "definitions" / "order.yaml").read_text()
    (other / "order.yaml").write_text(text.replace("tell_warehouse", "tell_warehous"))

    refused, passed = run("check", "other"), run("check", "other", "--without-hooks")

    assert refused.exit_code == 1
    assert "other/order.yaml:15:46: " in refused.stdout
    assert "'tell_warehouse'" in refused.stdout
    assert refused.stdout.endswith("1 problem in 1 file\n")
    assert passed.stdout.endswith("all good\n")


@pytest.mark.usefixtures("project")
def test_a_problem_stays_on_its_line_however_narrow_the_terminal(tmp_path):
    order = tmp_path / "definitions" / "order.yaml"
    order.write_text(order.read_text().replace("tell_warehouse", "tell_warehous"))

    lines = run("check", COLUMNS="30").stdout.splitlines()

    assert lines[0] == "definitions/order.yaml:15:46: no hook 'tell_warehous' is registered"
    assert len(lines) == 3


def test_a_circle_over_what_a_handler_says_it_fires_is_a_problem(project):
    order = project / "definitions" / "order.yaml"
    order.write_text(order.read_text() + "  again:   {from: paid, to: paid}\n")
    handlers = project / "shop_handlers.py"
    handlers.write_text(handlers.read_text().replace("@hook\ndef tell", "@hook(fires=['again'])\ndef tell"))

    result = run("check")

    assert (result.exit_code, result.stdout.splitlines()) == (
        1,
        [
            "definitions/order.yaml:15:46: circle without an end: order again (paid -> paid) -> tell_warehouse -> "
            "order again",
            "    put a guard on one of the transitions, or wait in between with a timer (`after`)",
            "1 problem in 1 file",
        ],
    )
    assert run("check", "--without-hooks").stdout.endswith("all good\n")


def test_a_hook_to_be_verified_needs_a_probe(project):
    order, handlers = project / "definitions" / "order.yaml", project / "shop_handlers.py"
    verified = "{run: charge_loyalty, on_unknown: verify}"
    order.write_text(order.read_text().replace("charge_loyalty", verified))

    refused = run("check")
    sys.modules.pop("shop_handlers")
    handlers.write_text(f"from workflow import probe\n{HANDLERS}\n@probe(of='charge_loyalty')\ndef was(effect): ...\n")
    passed = run("check")

    assert refused.stdout.startswith(
        "definitions/order.yaml:15:64: no probe of 'charge_loyalty' is registered, so nothing can verify whether it "
        "happened\n"
    )
    assert passed.stdout.endswith("all good\n")


def test_all_that_handlers_register_comes_from_a_process_of_its_own(project):
    handlers = project / "shop_handlers.py"
    handlers.write_text(
        "from workflow import guard, hook, probe\n"
        "@hook(fires=['again', 'shipment.create'])\ndef tell_warehouse(effect): ...\n"
        "@hook\ndef send_receipt(effect): ...\n"
        "@guard\ndef enough(seen): ...\n"
        "@probe(of='send_receipt')\ndef was_sent(effect): ...\n"
    )

    assert read_registered(project, ["shop_handlers"]) == Registered(
        hooks={"tell_warehouse": ("again", "shipment.create"), "send_receipt": ()},
        guards=("enough",),
        probes=("send_receipt",),
    )


@pytest.mark.usefixtures("project")
def test_an_absolute_path_beneath_here_is_shown_from_here(tmp_path):
    (tmp_path / "definitions" / "order.yaml").write_text("kind: [")

    assert run("check", str(tmp_path / "definitions")).stdout.startswith("definitions/order.yaml:1:")


def test_a_check_from_a_subfolder_finds_the_project(project, monkeypatch):
    (project / "docs").mkdir()
    monkeypatch.chdir(project / "docs")

    assert run("check").stdout.endswith("all good\n")


@pytest.mark.usefixtures("project")
def test_the_json_of_a_check_holds_problems_and_definitions(tmp_path):
    good = json.loads(run("check", "--json").stdout)
    (tmp_path / "definitions" / "order.yaml").write_text("kind: order\nkind: order\n")
    bad = run("check", "--json")

    assert good == {
        "problems": [],
        "definitions": [{"kind": "order", "version": 1, "states": 5, "transitions": 6}],
        "webhooks": [],
    }
    assert bad.exit_code == 1
    twice = next(p for p in json.loads(bad.stdout)["problems"] if p["line"] == 2)
    assert (twice["file"], twice["column"]) == ("definitions/order.yaml", 1)
    assert "kind" in twice["message"]


WEBHOOK = """\
webhook: shop
signature: {scheme: github, secrets: [ssm:/workflow/shop]}
request_id: headers."x-github-delivery"
accept:
  - {kind: order, id: body.order, trigger: pay, payload: {amount: body.amount}}
"""


@pytest.fixture
def webhook(project: Path) -> Path:
    """The file of a webhook of the project."""
    file = project / "webhooks" / "shop.yaml"
    file.parent.mkdir()
    file.write_text(WEBHOOK)
    return file


@pytest.mark.usefixtures("webhook")
def test_good_webhooks_are_counted_with_the_definitions():
    result = run("check")
    assert (result.stdout, result.exit_code) == ("1 definition, 5 states, 6 transitions, 1 webhook: all good\n", 0)
    assert json.loads(run("check", "--json").stdout)["webhooks"] == [{"source": "shop", "signature": "github"}]


def test_a_webhook_is_checked_against_the_definitions(webhook):
    webhook.write_text(WEBHOOK.replace("trigger: pay", "trigger: pya"))
    result = run("check")
    problem, way_out, summary = result.stdout.splitlines()
    assert (result.exit_code, summary) == (1, "1 problem in 1 file")
    assert problem.startswith("webhooks/shop.yaml:5:44: ")
    assert "'pya' of 'order'" in problem
    assert way_out.startswith("    did you mean 'pay'?")


def test_problems_of_definitions_and_webhooks_come_at_once_and_none_is_blamed_on_the_other(project, webhook):
    order = project / "definitions" / "order.yaml"
    order.write_text(order.read_text().replace("initial: placed", "initial: payd"))
    webhook.write_text(WEBHOOK.replace("webhook: shop\n", "webhook: shop\nrequest: 1\n"))
    result = run("check")
    lines = [line for line in result.stdout.splitlines() if not line.startswith(" ")]
    assert result.exit_code == 1
    assert [line.partition(": ")[0] for line in lines] == [
        "definitions/order.yaml:3:10",
        "webhooks/shop.yaml:2:1",
        "2 problems in 2 files",
    ]
    json_lines = json.loads(run("check", "--json").stdout)
    assert [one["file"] for one in json_lines["problems"]] == ["definitions/order.yaml", "webhooks/shop.yaml"]
    assert (json_lines["definitions"], json_lines["webhooks"]) == ([], [])


def test_webhooks_lie_where_the_settings_say(project, webhook):
    settings = project / "pyproject.toml"
    settings.write_text(settings.read_text() + 'webhooks = "doors"\n')
    assert run("check").stdout == "1 definition, 5 states, 6 transitions: all good\n"
    webhook.parent.rename(project / "doors")
    assert run("check").stdout == "1 definition, 5 states, 6 transitions, 1 webhook: all good\n"


@pytest.mark.usefixtures("webhook")
def test_definitions_of_another_folder_are_checked_without_the_webhooks_of_the_project(tmp_path):
    (tmp_path / "definitions").rename(tmp_path / "other")
    assert run("check", "other").stdout == "1 definition, 5 states, 6 transitions: all good\n"


def test_a_folder_that_is_not_there_is_a_problem_too():
    result = run("check", "nowhere", "--without-hooks")

    assert result.exit_code == 1
    assert result.stdout.startswith("nowhere:1:1: there is no such file or folder\n")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "import nothing_of_that_name",
            "ModuleNotFoundError: No module named 'nothing_of_that_name' (shop_handlers.py:1)",
        ),
        ("def (", "SyntaxError: invalid syntax (shop_handlers.py, line 1)"),
        ("\nraise KeyError('MAIL_FROM')", "KeyError: 'MAIL_FROM' (shop_handlers.py:2)"),
    ],
)
def test_handlers_that_cannot_be_imported_are_one_line(project, source, message):
    (project / "shop_handlers.py").write_text(source)

    result = run("check")

    assert result.exit_code == 1
    assert result.stderr == f"Error: handler module 'shop_handlers' cannot be imported: {message}\n"
    assert result.stderr.count("\n") == 1


@pytest.mark.usefixtures("definitions")
def test_a_diagram_is_mermaid_unless_its_file_says_otherwise(tmp_path):
    run("diagram", "order", "--output", "order.dot")

    assert run("diagram", "order").stdout.startswith("stateDiagram-v2\n")
    assert run("diagram", "order", "--format", "dot").stdout == (tmp_path / "order.dot").read_text()
    assert (tmp_path / "order.dot").read_text().startswith('digraph "order"')


@pytest.mark.usefixtures("definitions")
def test_a_picture_without_graphviz_names_the_way_out(tmp_path):
    result = run("diagram", "order", "--format", "svg", PATH=str(tmp_path))

    assert result.exit_code == 1
    assert "no `dot` on PATH; install Graphviz, or take --format mermaid or dot" in result.stderr


@pytest.mark.usefixtures("definitions")
def test_a_picture_is_what_graphviz_makes_of_dot(tmp_path):
    program = tmp_path / "dot"
    program.write_text('#!/bin/sh\necho "$1"\n/bin/cat\n')
    program.chmod(0o755)

    run("diagram", "order", "--output", "order.svg", PATH=str(tmp_path))

    assert (tmp_path / "order.svg").read_text().startswith('-Tsvg\ndigraph "order"')


@pytest.mark.usefixtures("definitions")
def test_graphviz_failing_is_one_line(tmp_path):
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho broken >&2\nexit 1\n")
    program.chmod(0o755)

    result = run("diagram", "order", "--format", "png", PATH=str(tmp_path))

    assert (result.stderr, result.exit_code) == ("Error: Graphviz failed: broken\n", 1)


@pytest.mark.usefixtures("definitions")
def test_a_diagram_of_an_unknown_kind_names_those_there_are():
    assert run("diagram", "job").stderr == "Error: no definition of kind 'job'; loaded: order\n"


@pytest.mark.usefixtures("definitions")
def test_a_file_that_cannot_be_written_is_one_line():
    result = run("diagram", "order", "--output", "no/such/folder.dot")

    assert (result.stderr, result.exit_code) == ("Error: no/such/folder.dot: No such file or directory\n", 1)


def test_the_schema_is_json_and_goes_to_a_file_if_asked(tmp_path):
    printed = run("schema").stdout
    run("schema", "--output", "schema.json")

    assert json.loads(printed)["$schema"].endswith("2020-12/schema")
    assert (tmp_path / "schema.json").read_text() == printed
