"""Build the folder that becomes the Lambda: our code, the project's handlers, their libraries, byte code for all."""

from __future__ import annotations

import hashlib
import importlib
import shutil
import stat
import zipfile
from pathlib import Path

from workflow.local.byte_code import TASK_ROOT, compile_folder, refuse_syntax_errors
from workflow.local.downloads import locked
from workflow.local.errors import PackageError
from workflow.local.layout import Layout, read_layout
from workflow.local.libraries import put_libraries
from workflow.local.registered import read_registered

BUILD_FOLDER = Path("build", "lambda")

# What a deployed function never imports.
_NOT_DEPLOYED = ("local", "cli", "console", "testing", "event_source")


def build(project: Path, target: Path | None = None) -> Path:
    """Build `project` into `target` (default: its `build/lambda`) and return that folder, ready to be zipped.

    The project's `[tool.workflow]` says which definitions, webhooks and handler modules there are; the hooks and guards
    that the definitions name must be registered by those modules, which a process of its own imports. Libraries are
    installed only when their list has changed; a rebuild after a change of code takes about half a second. A
    `requirements.txt` beside the handler modules adds the libraries of the handlers.
    Raises PackageError, InstallEngineError, SettingsError, RegisterHookError, or DefinitionError with everything that
    is wrong.
    """
    layout = read_layout(project)
    for folder in layout.packages:
        if not folder.is_dir():
            raise PackageError(f"{project} has no folder `{folder.name}`: is this the project's folder?")
        refuse_syntax_errors(folder)
    # First, because it is what a user gets wrong: a refused definition leaves the last good build in place.
    compiled = _compile(layout)
    target = target or project / BUILD_FOLDER
    with locked(target):
        put_libraries(layout.packages, target)
        _put_package(_framework(), target / "workflow", skipped=_NOT_DEPLOYED)
        for folder in layout.packages:
            _put_package(folder, target / folder.name)
        for name, text in compiled.items():
            _write(target / name, text)
    return target


def zip_folder(folder: Path, archive: Path) -> str:
    """Write all of `folder` to `archive` and return its SHA-256; the same files give the same bytes.

    Nothing is compressed: botocore's data is so already, and on a laptop the time matters, not the size.
    """
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as target:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix())
                entry.external_attr = (stat.S_IFREG | 0o644) << 16
                target.writestr(entry, path.read_bytes())
    with archive.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _compile(layout: Layout) -> dict[str, str]:
    """Return what the functions read in place of YAML, by file; '' for a file that is not to be."""
    # Here and not above: it brings YAML and pydantic, which nothing else of this floor needs.
    from workflow.definition.load import compile_definitions, load_definitions
    from workflow.definition.webhooks.load import compile_webhooks, load_webhooks

    folder = _from_here(layout.definitions)
    registered = None if layout.handlers is None else read_registered(layout.project, layout.handlers)
    definitions = load_definitions(folder, registered=registered)
    webhooks = load_webhooks(_from_here(layout.webhooks), definitions)
    return {
        "definitions.json": compile_definitions(folder),
        "webhooks.json": compile_webhooks(webhooks) if any(webhooks) else "",
    }


def _write(file: Path, text: str) -> None:
    if text:
        file.write_text(text, encoding="utf-8")
    else:
        file.unlink(missing_ok=True)


def _from_here(path: Path) -> Path:
    """Return the path as seen from the current folder if it lies beneath it: shorter to read in every problem."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _framework() -> Path:
    package = importlib.import_module("workflow").__file__
    assert package is not None
    return Path(package).parent


def _put_package(source: Path, target: Path, *, skipped: tuple[str, ...] = ()) -> None:
    def ignore(folder: str, names: list[str]) -> set[str]:
        left_out = {name for name in names if name == "__pycache__" or name.endswith(".pyc")}
        return left_out | (set(skipped) & set(names) if Path(folder) == source else set())

    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=ignore)
    compile_folder(target, f"{TASK_ROOT}/{target.name}")
