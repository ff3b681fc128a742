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
    """A project with handlers of its own, which no other test sees."""
    (tmp_path / "pyproject.toml").write_text('[tool.workflow]\nhandlers = ["handlers.shop"]\n')
    (tmp_path / "handlers").mkdir()
    (tmp_path / "handlers" / "__init__.py").touch()
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

    def build(folder, target):
        (target / "handlers").mkdir(parents=True)
        (target / "handlers" / "shop.py").write_text("x" * 1_500_000)
        (target / "definitions.json").write_text(str(folder))
        return target

    monkeypatch.setattr(package, "build", build)

    result = run("build", "--output", "out/[b]code")

    assert (result.stdout, result.exit_code) == ("built out/[b]code: 2 files, 1.5 MB\n", 0)
    assert (project / "out" / "[b]code" / "definitions.json").read_text() == str(project)


def test_dev_tells_each_line_with_its_time_and_never_as_control(project, monkeypatch):
    from workflow.local import dev

    told = []

    def happen(folder, show, **_):
        told.append(folder)
        show("ready at http://127.0.0.1:1")
        show("not deployed:\ndefinitions/order.yaml:1:1: \x1b[2J[bold]")
        return 0

    monkeypatch.setattr(dev, "run_dev", happen)

    lines = run("dev").stdout.splitlines()

    assert told == [project]
    assert [line[8:] for line in lines] == [
        "  ready at http://127.0.0.1:1",
        "  not deployed:",
        "  definitions/order.yaml:1:1: \\x1b[2J[bold]",
    ]
