"""Build the folder that becomes the Lambda: our code, the project's handlers, their libraries, byte code for all."""

from __future__ import annotations

import compileall
import hashlib
import importlib
import shutil
import sys
import zipfile
from pathlib import Path
from py_compile import PycInvalidationMode

from workflow.local.downloads import installed, run_tool
from workflow.local.errors import PackageError

# boto3 is shipped, although the Lambda runtime has one: that one changes under a running function, is older than
# what our tests ran with, and its byte code is not ours to keep. Every pin is listed, so a rebuild is the same build.
RUNTIME_REQUIREMENTS = (
    "boto3==1.44.5",
    "botocore==1.44.5",
    "jmespath==1.1.0",
    "python-dateutil==2.9.0.post0",
    "s3transfer==0.19.3",
    "six==1.17.0",
    "transitions==0.9.3",
    "urllib3==2.8.0",
)
BUILD_FOLDER = Path("build", "lambda")

# What a deployed function never imports.
_NOT_DEPLOYED = ("local", "cli", "console", "testing")
_TASK_ROOT = "/var/task"
_MARKER = ".libraries"


def build(project: Path, target: Path | None = None) -> Path:
    """Build `project` into `target` (default: its `build/lambda`) and return that folder, ready to be zipped.

    Libraries are installed only when their list has changed; a rebuild after a change of code takes well under a
    second. `handlers/requirements.txt`, where it exists, adds the libraries of the handlers.
    Raises PackageError, InstallEngineError, or DefinitionError with everything that is wrong in `definitions/`.
    """
    handlers = project / "handlers"
    if not handlers.is_dir():
        raise PackageError(f"{project} has no folder `handlers`: is this the project's folder?")
    # First, because it is what a user gets wrong: a refused definition leaves the last good build in place.
    definitions = _compile_definitions(project / "definitions")
    target = target or project / BUILD_FOLDER
    _put_libraries(handlers / "requirements.txt", target)
    _put_package(_framework(), target / "workflow", skipped=_NOT_DEPLOYED)
    _put_package(handlers, target / "handlers")
    (target / "definitions.json").write_text(definitions, encoding="utf-8")
    return target


def zip_folder(folder: Path, archive: Path) -> str:
    """Write all of `folder` to `archive` and return its SHA-256; the same files give the same bytes.

    Nothing is compressed: botocore's data is so already, and on a laptop the time matters, not the size.
    """
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as target:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix())
                entry.external_attr = 0o644 << 16
                target.writestr(entry, path.read_bytes())
    with archive.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def compile_folder(folder: Path, task_path: str) -> None:
    """Put byte code beside every module of `folder`, with `task_path` as the place tracebacks will show.

    The byte code is not checked against its source when it is loaded: a zip changes modification times, and a
    function that compiles again on every cold start takes four times as long. Raises PackageError on a syntax error.
    """
    done = compileall.compile_dir(
        folder,
        quiet=2,
        force=True,
        stripdir=str(folder),
        prependdir=task_path,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    if not done:
        raise PackageError(_first_syntax_error(folder))


def _first_syntax_error(folder: Path) -> str:
    for path in sorted(folder.rglob("*.py")):
        try:
            compile(path.read_bytes(), str(path), "exec")
        except SyntaxError as error:
            return f"{folder.name}/{path.relative_to(folder)}:{error.lineno}: {error.msg}"
        except ValueError as error:
            return f"{folder.name}/{path.relative_to(folder)}: {error}"
    return f"{folder.name}: could not be compiled"


def _compile_definitions(folder: Path) -> str:
    # Here and not above: it brings YAML and pydantic, which nothing else of this floor needs.
    from workflow.definition.load import compile_definitions

    return compile_definitions(folder)


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
    compile_folder(target, f"{_TASK_ROOT}/{target.name}")


def _put_libraries(extra: Path, target: Path) -> None:
    listed = "\n".join(RUNTIME_REQUIREMENTS) + (extra.read_text("utf-8") if extra.exists() else "")
    version = f"py{sys.version_info.major}.{sys.version_info.minor}"
    name = f"libraries-{hashlib.sha256(listed.encode()).hexdigest()[:16]}-{version}"
    marker = target.with_name(target.name + _MARKER)
    if target.is_dir() and marker.exists() and marker.read_text() == name:
        return
    cached = installed(name, lambda folder: _install_libraries(folder, extra))
    shutil.rmtree(target, ignore_errors=True)
    marker.unlink(missing_ok=True)
    shutil.copytree(cached / "site", target)
    marker.write_text(name)


def _install_libraries(folder: Path, extra: Path) -> None:
    # Pure Python wheels alone: what is built on any laptop runs on any architecture of Lambda.
    site = folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--no-compile", "--target", str(site)]
    pure = ["--only-binary=:all:", "--implementation=py", "--abi=none", "--platform=any"]
    purpose = "The libraries of the Lambda are installed with pip"
    run_tool([*pip, *pure, "--no-deps", *RUNTIME_REQUIREMENTS], purpose=purpose)
    if extra.exists():
        run_tool([*pip, *pure, "--upgrade", *RUNTIME_REQUIREMENTS, "--requirement", str(extra)], purpose=purpose)
    for unused in (site / "bin", *site.glob("boto3/examples"), *site.glob("botocore/data/*/*/examples-1.json*")):
        shutil.rmtree(unused) if unused.is_dir() else unused.unlink(missing_ok=True)
    compile_folder(site, _TASK_ROOT)
