"""Byte code that survives a zip and a deployment."""

from __future__ import annotations

import compileall
from pathlib import Path
from py_compile import PycInvalidationMode

from workflow.local.errors import PackageError

TASK_ROOT = "/var/task"


def compile_folder(folder: Path, task_path: str) -> None:
    """Put byte code beside every module of `folder`, made as if it lay at `task_path`: the same on every machine.

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
        refuse_syntax_errors(folder)
        raise PackageError(f"{folder.name}: could not be compiled")


def refuse_syntax_errors(folder: Path) -> None:
    """Raise PackageError, with file and line, for the first module of `folder` that is no Python; writes nothing."""
    for path in sorted(folder.rglob("*.py")):
        try:
            compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
        except SyntaxError as error:
            raise PackageError(f"{folder.name}/{path.relative_to(folder)}:{error.lineno}: {error.msg}") from None
        except ValueError as error:
            raise PackageError(f"{folder.name}/{path.relative_to(folder)}: {error}") from None
