"""The Lambda folder and its zip."""

import os
import subprocess
import sys
import tomllib
import zipfile
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from workflow.aws.compose import read_compiled_webhooks
from workflow.errors import DefinitionError, RegisterHookError
from workflow.local import libraries, package, registered
from workflow.local.errors import PackageError

REPOSITORY = Path(__file__).parents[3]

ORDER = """\
kind: order
version: 1
initial: placed
states:
  placed: {}
  paid: {final: true}
transitions:
  pay: {from: placed, to: paid}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose libraries are one small module instead of a download."""
    monkeypatch.setenv("WORKFLOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(libraries, "_install_libraries", _one_library)
    project = tmp_path / "project"
    (project / "handlers").mkdir(parents=True)
    (project / "handlers" / "__init__.py").touch()
    (project / "handlers" / "order.py").write_text("PRICE = 1\n")
    (project / "definitions").mkdir()
    (project / "definitions" / "order.yaml").write_text(ORDER)
    return project


def _one_library(folder: Path, extra: Path | None) -> None:
    for service in ("sqs", "translate", "rekognition", "codestar-notifications"):
        (folder / "site" / "botocore" / "data" / service).mkdir(parents=True)
    (folder / "site" / "botocore" / "data" / "endpoints.json").touch()
    (folder / "site" / "library.py").write_text(f"EXTRA = {extra is not None}\n")


def test_the_build_holds_the_framework_the_handlers_the_libraries_and_the_definitions(project: Path) -> None:
    built = package.build(project)

    assert built == project / "build" / "lambda"
    assert sorted(path.name for path in built.iterdir() if path.name != "__pycache__") == [
        "botocore",
        "definitions.json",
        "handlers",
        "library.py",
        "workflow",
    ]
    assert (built / "workflow" / "errors.py").exists()
    left_out = {"local", "cli", "console", "testing"}
    assert not left_out & {path.name for path in (built / "workflow").iterdir()}


def test_byte_code_is_used_without_a_look_at_the_source_and_names_no_path_of_this_machine(project: Path) -> None:
    built = package.build(project)
    source = built / "handlers" / "order.py"
    # What a zip and a deployment do to a file: another time, and here another content to prove the point.
    source.write_text("PRICE = 'compiled again'\n")
    os.utime(source, (1, 1))

    done = subprocess.run(
        [sys.executable, "-c", "import handlers.order; print(handlers.order.PRICE)"],
        cwd=built,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "1\n"
    compiled = next((built / "handlers").rglob("order.*.pyc")).read_bytes()
    assert b"/var/task/handlers/order.py" in compiled
    assert str(built).encode() not in compiled


def test_every_module_of_the_framework_and_of_the_handlers_has_byte_code(project: Path) -> None:
    built = package.build(project)
    modules = [path for folder in ("workflow", "handlers") for path in (built / folder).rglob("*.py")]
    assert len(modules) > 30
    assert [path for path in modules if not Path(cache_from_source(str(path))).exists()] == []


def test_a_rebuild_forgets_deleted_files_and_sees_new_libraries(project: Path) -> None:
    (project / "handlers" / "old.py").touch()
    built = package.build(project)
    assert (built / "library.py").read_text() == "EXTRA = False\n"

    (project / "handlers" / "old.py").unlink()
    (project / "handlers" / "requirements.txt").write_text("something==1\n")
    package.build(project)

    assert not (built / "handlers" / "old.py").exists()
    assert (built / "library.py").read_text() == "EXTRA = True\n"


def described(built: Path) -> list[str]:
    return sorted(path.name for path in (built / "botocore" / "data").iterdir())


def test_of_the_services_botocore_describes_the_common_ones_and_those_that_handlers_name_are_shipped(
    project: Path,
) -> None:
    assert described(package.build(project)) == ["endpoints.json", "sqs"]

    (project / "handlers" / "order.py").write_text("notes = client('codestar-notifications')  # and translate\n")
    assert described(package.build(project)) == ["codestar-notifications", "endpoints.json", "sqs", "translate"]


def test_all_services_are_shipped_to_handlers_with_libraries_of_their_own(project: Path) -> None:
    (project / "handlers" / "requirements.txt").write_text("something==1\n")
    assert described(package.build(project)) == [
        "codestar-notifications",
        "endpoints.json",
        "rekognition",
        "sqs",
        "translate",
    ]


def test_the_pinned_libraries_are_those_that_the_distribution_asks_for() -> None:
    pins = {name: version for name, _, version in (pin.partition("==") for pin in libraries.RUNTIME_REQUIREMENTS)}
    declared = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]
    wanted = {requirement.name: requirement.specifier for requirement in map(Requirement, declared)}
    assert {name: pins.get(name) for name, versions in wanted.items() if pins.get(name, "") not in versions} == {}


def test_a_refused_definition_leaves_the_last_good_build_in_place(project: Path) -> None:
    built = package.build(project)
    good = (built / "definitions.json").read_text()
    (project / "definitions" / "order.yaml").write_text("kind: order\n")

    with pytest.raises(DefinitionError):
        package.build(project)

    assert (built / "definitions.json").read_text() == good


def test_a_syntax_error_is_told_with_file_and_line(project: Path) -> None:
    (project / "handlers" / "order.py").write_text("PRICE = 1\ndef (\n")
    with pytest.raises(PackageError) as refused:
        package.build(project)
    assert str(refused.value) == "handlers/order.py:2: invalid syntax"


def test_a_folder_that_is_no_project_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(PackageError) as refused:
        package.build(tmp_path)
    assert str(refused.value) == f"{tmp_path} has no folder `handlers`: is this the project's folder?"


def test_equal_files_give_equal_zips_whatever_their_times(tmp_path: Path) -> None:
    folder = tmp_path / "code"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "a.py").write_text("A = 1\n")
    first = package.zip_folder(folder, tmp_path / "1.zip")
    os.utime(folder / "inner" / "a.py", (1, 1))
    second = package.zip_folder(folder, tmp_path / "2.zip")
    (folder / "inner" / "a.py").write_text("A = 2\n")
    third = package.zip_folder(folder, tmp_path / "3.zip")

    assert first == second != third
    with zipfile.ZipFile(tmp_path / "1.zip") as archive:
        assert [(entry.filename, entry.external_attr >> 16) for entry in archive.infolist()] == [
            ("inner/a.py", 0o100644)
        ]


def test_a_build_takes_definitions_and_handlers_from_where_the_project_says_they_are(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.workflow]\ndefinitions = "flows"\nhandlers = ["shop.hooks.order"]\n')
    (project / "definitions").rename(project / "flows")
    (project / "shop").mkdir()
    (project / "handlers").rename(project / "shop" / "hooks")

    built = package.build(project)

    assert (built / "shop" / "hooks" / "order.py").read_text() == "PRICE = 1\n"
    assert '"order"' in (built / "definitions.json").read_text()
    assert not (built / "handlers").exists()


def test_a_folder_that_no_build_made_is_not_replaced(project: Path) -> None:
    with pytest.raises(PackageError, match="definitions is not empty and was not made by a build"):
        package.build(project, project / "definitions")

    assert (project / "definitions" / "order.yaml").exists()


def test_what_an_interrupted_build_left_is_replaced(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    built = package.build(project)
    (built / "leftover.py").touch()
    with monkeypatch.context() as patch:
        patch.setattr(libraries.shutil, "copytree", interrupted)
        patch.setattr(libraries, "RUNTIME_REQUIREMENTS", (*libraries.RUNTIME_REQUIREMENTS, "more==1"))
        with pytest.raises(KeyboardInterrupt):
            package.build(project)

    assert (package.build(project) / "library.py").exists()
    assert not (built / "leftover.py").exists()


SETTINGS = '[tool.workflow]\nhandlers = ["handlers.order"]\n'
HOOK = "from workflow import hook\nprint('imported')\n@hook\ndef {}(effect): ...\n"


def owing(project: Path, hook: str) -> None:
    """Let the order owe that hook."""
    order = ORDER.replace("paid: {final: true}", f"paid: {{final: true, on_enter: [{hook}]}}")
    (project / "definitions" / "order.yaml").write_text(order)


def test_a_hook_that_nobody_registers_is_refused_and_the_last_good_build_stays(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "pyproject.toml").write_text(SETTINGS)
    (project / "handlers" / "order.py").write_text(HOOK.format("greet"))
    owing(project, "greet")
    good = (package.build(project) / "definitions.json").read_text()
    owing(project, "byee")
    monkeypatch.chdir(project)

    with pytest.raises(DefinitionError) as refused:
        package.build(project)

    assert str(refused.value).startswith("definitions/order.yaml:6:34: no hook 'byee' is registered")
    assert (project / "build" / "lambda" / "definitions.json").read_text() == good


def test_what_a_handler_module_registers_is_looked_up_anew_for_every_build(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    (project / "pyproject.toml").write_text(SETTINGS)
    owing(project, "greet")
    # The same size in the same second: byte code of the first would pass for the second's.
    for name in ("greet", "thank", "leave"):
        (project / "handlers" / "order.py").write_text(HOOK.format(name))
        owing(project, name)
        package.build(project)
    assert not (project / "handlers" / "__pycache__").exists()


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("raise ValueError('no')", "handler module 'handlers.order' cannot be imported: ValueError: no (order.py:1)"),
        ("import os; os._exit(7)", "importing the handler modules ended the process (exit code 7)"),
        ("import time; time.sleep(9)", "the handler modules were still being imported after 0.5 s; what do they wait"),
    ],
)
def test_a_handler_module_that_cannot_be_imported_is_told_and_the_last_good_build_stays(
    project: Path, monkeypatch: pytest.MonkeyPatch, source: str, problem: str
) -> None:
    (project / "pyproject.toml").write_text(SETTINGS)
    built = package.build(project)
    (project / "handlers" / "order.py").write_text(source)
    if "sleep" in source:
        monkeypatch.setattr(registered, "_TIMEOUT_SECONDS", 0.5)

    with pytest.raises(RegisterHookError) as refused:
        package.build(project)

    assert str(refused.value).startswith(problem)
    assert (built / "handlers" / "order.py").read_text() == "PRICE = 1\n"


def test_a_syntax_error_leaves_the_last_good_build_in_place(project: Path) -> None:
    built = package.build(project)
    (project / "handlers" / "order.py").write_text("def (\n")
    with pytest.raises(PackageError):
        package.build(project)
    assert (built / "handlers" / "order.py").read_text() == "PRICE = 1\n"


WEBHOOK = """\
webhook: shop
signature: {scheme: github, secrets: [ssm:/workflow/shop]}
request_id: headers."x-github-delivery"
accept:
  - {kind: order, id: body.order, trigger: pay}
"""


def test_webhooks_are_compiled_where_there_are_some_and_forgotten_with_their_file(project: Path) -> None:
    assert not (package.build(project) / "webhooks.json").exists()

    (project / "webhooks").mkdir()
    (project / "webhooks" / "shop.yaml").write_text(WEBHOOK)
    built = package.build(project)
    assert [webhook.name for webhook in read_compiled_webhooks(str(built / "webhooks.json"))] == ["shop"]

    (project / "webhooks" / "shop.yaml").unlink()
    assert not (package.build(project) / "webhooks.json").exists()


def test_a_refused_webhook_leaves_the_last_good_build_in_place(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "webhooks").mkdir()
    (project / "webhooks" / "shop.yaml").write_text(WEBHOOK)
    good = (package.build(project) / "webhooks.json").read_text()
    (project / "webhooks" / "shop.yaml").write_text(WEBHOOK.replace("trigger: pay", "trigger: pya"))
    monkeypatch.chdir(project)

    with pytest.raises(DefinitionError, match=r"^webhooks/shop\.yaml:5:44: .*'pya'"):
        package.build(project)

    assert (project / "build" / "lambda" / "webhooks.json").read_text() == good
