"""Building and running a project from a shell."""

from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner

from workflow.cli.commands import workflow


def run(*arguments: str):
    return CliRunner().invoke(workflow, arguments)


@pytest.fixture
def project(tmp_path, definitions, monkeypatch):
    """A project whose libraries are not installed: what is built is ours to see, the rest is tested elsewhere."""
    (tmp_path / "pyproject.toml").write_text('[tool.workflow]\nhandlers = ["handlers.shop"]\n')
    (tmp_path / "handlers").mkdir()
    names = ("send_receipt", "charge_loyalty", "tell_warehouse")
    hooks = "".join(f"@hook\ndef {name}(effect): ...\n" for name in names)
    (tmp_path / "handlers" / "shop.py").write_text("from workflow import hook\n" + hooks)
    monkeypatch.setattr(sys, "path", [*sys.path])
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "handlers"}
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "handlers"]:
        del sys.modules[name]
    sys.modules.update(kept)


def test_a_build_never_replaces_a_folder_that_no_build_made(project):
    result = run("build", "--output", "definitions")

    assert result.exit_code == 1
    assert "definitions is not empty and was not made by a build" in result.stderr
    assert (project / "definitions" / "order.yaml").exists()


def test_a_build_never_replaces_the_project_itself(project):
    assert run("build", "--output", ".").exit_code == 1
    assert (project / "pyproject.toml").exists()


def test_a_hook_that_nobody_registers_stops_a_build_before_it_writes(project):
    order = project / "definitions" / "order.yaml"
    order.write_text(order.read_text().replace("tell_warehouse", "tell_warehous"))

    result = run("build")

    assert result.exit_code == 1
    assert result.stderr.startswith("definitions/order.yaml:15:46: no hook 'tell_warehous' is registered; did you")
    assert not (project / "build").exists()


def test_a_build_tells_what_it_made(project, monkeypatch):
    from workflow.local import package

    monkeypatch.setattr(package, "_install_libraries", lambda folder, extra: (folder / "site").mkdir())
    monkeypatch.setenv("WORKFLOW_CACHE", str(project / "cache"))

    first, again = run("build", "--output", "out/code"), run("build", "--output", "out/code")

    assert first.exit_code == 0, first.output
    assert first.stdout.startswith("built out/code: ")
    assert first.stdout.endswith(" MB\n")
    assert (project / "out" / "code" / "definitions.json").exists()
    assert (project / "out" / "code" / "handlers" / "shop.py").exists()
    assert again.exit_code == 0, again.output


def test_dev_tells_each_line_with_its_time_and_never_as_control(project, monkeypatch):
    from workflow.local import dev

    told = []

    def happen(folder, show):
        told.append(folder)
        show("ready at http://127.0.0.1:1")
        show("not deployed:\ndefinitions/order.yaml:1:1: \x1b[2J[bold]")

    monkeypatch.setattr(dev, "run_dev", happen)

    lines = run("dev").stdout.splitlines()

    assert told == [project]
    assert [line[8:] for line in lines] == [
        "  ready at http://127.0.0.1:1",
        "  not deployed:",
        "  definitions/order.yaml:1:1: \\x1b[2J[bold]",
    ]
