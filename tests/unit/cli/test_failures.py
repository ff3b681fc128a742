"""Errors are lines with an exit code; help is fast and needs nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from workflow.cli.commands import workflow
from workflow.errors import DefinitionError, Problem, StoreAccessError, ThrottledError

ROOT = Path(__file__).parents[3]


def run(error: BaseException, *arguments: str):
    def fail(settings):
        raise error

    return CliRunner().invoke(workflow, arguments or ("show", "order", "42"), obj=fail)


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (StoreAccessError("no such table"), 1, "Error: no such table\n"),
        (ThrottledError("slow down"), 3, "Error: slow down\n"),
        (KeyboardInterrupt(), 130, "\nInterrupted.\n"),
        (PermissionError(13, "Permission denied", "x.yaml"), 1, "Error: x.yaml: Permission denied\n"),
    ],
)
def test_who_must_act_decides_the_exit_code(error, code, text):
    result = run(error)

    assert (result.exit_code, result.stderr, result.stdout) == (code, text, "")


def test_broken_definitions_are_one_line_a_problem():
    problems = [Problem("b.yaml", 2, 1, "odd", "even it"), Problem("a.yaml", 1, 1, "evil\x1b[2J")]

    assert run(DefinitionError(problems)).stderr == "a.yaml:1:1: evil\\x1b[2J\nb.yaml:2:1: odd; even it\n"


def test_our_own_mistakes_are_not_hidden():
    assert isinstance(run(ZeroDivisionError()).exception, ZeroDivisionError)


def test_a_table_that_nobody_named_is_asked_for():
    result = CliRunner().invoke(workflow, ["show", "order", "42"])

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: no table is named; set WORKFLOW_TABLE")


@pytest.mark.parametrize("url", ["nonsense", "ftp://host", "http://", "http://host:x"])
def test_an_endpoint_that_is_no_address_is_a_usage_error(url):
    result = CliRunner().invoke(workflow, ["--endpoint-url", url, "list", "order"])

    assert result.exit_code == 2
    assert f"{url!r} is no address" in result.stderr


def test_options_come_before_environment_before_the_projects_file(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.workflow]\ntable = "file"\ndefinitions = "machines"\n')
    seen = []

    def note(settings):
        seen.append((settings.table, settings.definitions, settings.endpoint_url))
        raise StoreAccessError("enough")

    for arguments, environment in (
        ([], {}),
        ([], {"WORKFLOW_DEFINITIONS": "other"}),
        ([], {"WORKFLOW_TABLE": "env", "WORKFLOW_DEFINITIONS": "env.json", "AWS_ENDPOINT_URL": "http://env"}),
        (["--table", "option", "--definitions", "d", "--endpoint-url", "http://option"], {"WORKFLOW_TABLE": "env"}),
    ):
        CliRunner().invoke(workflow, [*arguments, "show", "order", "1"], obj=note, env=environment)

    assert seen == [
        ("file", "machines", ""),
        ("file", "other", ""),
        ("env", "env.json", "http://env"),
        ("option", "d", "http://option"),
    ]


def test_help_and_version_work_where_the_settings_are_broken(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.workflow]\n= broken")

    for arguments in (["--help"], ["--version"], ["fire", "--help"], ["-h"]):
        assert CliRunner().invoke(workflow, arguments).exit_code == 0
    broken = CliRunner().invoke(workflow, ["list", "order"])
    assert (broken.exit_code, broken.stderr.count("\n")) == (1, 1)


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_help_imports_nothing_heavy():
    script = (
        "import sys; from workflow.cli.commands import workflow; workflow(['--help'], standalone_mode=False);"
        "print({'boto3', 'botocore', 'pydantic', 'yaml', 'rich', 'jmespath', 'transitions'} & set(sys.modules))"
    )

    assert _python("-c", script).stdout.splitlines()[-1] == "set()"


def test_a_reader_who_has_enough_is_no_error():
    script = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-m', 'workflow.cli.main', 'schema'],"
        "stdout=subprocess.PIPE, stderr=subprocess.PIPE); p.stdout.close(); print(p.stderr.read(), p.wait())"
    )

    assert _python("-c", script).stdout == "b'' 1\n"


def test_a_terminal_that_lacks_a_character_gets_it_spelt_out():
    done = subprocess.run(
        [sys.executable, "-m", "workflow.cli.main", "diagram", "✓"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={"PYTHONIOENCODING": "latin-1", "PATH": ""},
        timeout=60,
    )

    loaded = ", ".join(sorted(file.stem for file in (ROOT / "definitions").glob("*.yaml")))
    assert (done.returncode, done.stderr) == (1, f"Error: no definition of kind '\\u2713'; loaded: {loaded}\n")
