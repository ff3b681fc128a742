"""Archives on a real table, from the shell alone: of an old system, into one table, into an archive, into another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.engines import create_table
from tests.unit.cli.conftest import ORDER
from tests.unit.cli.test_archives import MAP, ROWS
from workflow.aws.client import make_client
from workflow.cli.commands import workflow

HOOKED = ORDER.replace("[send_receipt, charge_loyalty, tell_warehouse]", "[send_receipt]")
HANDLERS = """\
from workflow import hook


@hook
def send_receipt(effect):
    raise AssertionError("no hook runs for what happened")
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("WORKFLOW_TABLE", "WORKFLOW_DEFINITIONS", "WORKFLOW_HANDLERS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "order.yaml").write_text(HOOKED)
    (tmp_path / "shop_hooks_of_a_test.py").write_text(HANDLERS)
    (tmp_path / "pyproject.toml").write_text('[tool.workflow]\nhandlers = ["shop_hooks_of_a_test"]\n')
    (tmp_path / "old.yaml").write_text(MAP)
    # Both of them paid: the timer of an unpaid one has been due since.
    (tmp_path / "old.csv").write_text(ROWS.replace("22:58:00Z,", "22:58:00Z,2026-03-28T22:59:00Z"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("project")
def test_an_old_system_becomes_a_table_an_archive_and_another_table(dynamodb_local_url: str) -> None:
    client = make_client("dynamodb", endpoint_url=dynamodb_local_url)
    one, two = create_table(client), create_table(client)

    def run(table: str, *arguments: str, code: int = 0) -> Any:
        options = ["--endpoint-url", dynamodb_local_url, "--table", table]
        result = CliRunner().invoke(workflow, [*options, *arguments, "--json"])
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def counts(found: dict[str, Any]) -> tuple[int, ...]:
        return tuple(found[name] for name in ("loaded", "there", "events", "checked", "wrong"))

    old = ("hydrate", "old.csv", "--map", "old.yaml")
    assert counts(run(one, *old, code=1)) == (2, 0, 4, 2, 1)
    assert counts(run(one, *old, code=1)) == (0, 2, 0, 2, 1)
    assert run(one, "archive", "kept")["events"] == 4
    assert counts(run(two, "hydrate", "kept")) == (2, 0, 4, 2, 0)
    for table in (one, two):
        assert run(table, "verify")["findings"] == []
        assert run(table, "reconcile")["restored"] == []
    shown = [run(table, "history", "order", "1")["events"] for table in (one, two)]
    # When its effects were skipped is of each table.
    kept = [[{**event, "effects": len(event["effects"])} for event in events] for events in shown]
    assert kept[0] == kept[1]
    assert [event["trigger"] for event in kept[0]] == ["create", "pay"]
