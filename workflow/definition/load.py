"""Loading definitions from files: every problem of every file in one run, or the definitions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from workflow.definition import parser
from workflow.definition.build import build
from workflow.definition.checks import check, check_together
from workflow.definition.definition import Definition, Definitions
from workflow.definition.document import Document
from workflow.definition.plain import to_plain
from workflow.definition.reading import read_model
from workflow.definition.registered import Registered
from workflow.errors import DefinitionError, Problem

_SUFFIXES = {".yaml", ".yml"}


def load_definitions(path: Path | str, *, registered: Registered | None = None) -> Definitions:
    """The checked definitions of a file, or of the *.yaml and *.yml files right in a folder.

    `registered` None leaves unchecked whether a name is registered. Raises DefinitionError with every problem of
    every file.
    """
    documents = [parser.read(file, str(file)) for file in _files(Path(path))]
    return Definitions(_definitions(documents, registered, complete=True))


def parse_definition(text: str, file: str = "definition.yaml", *, registered: Registered | None = None) -> Definition:
    """The checked definition in the text, named `file` in problems; other kinds may be anywhere.

    Raises DefinitionError with every problem.
    """
    return _definitions([parser.parse(text, file)], registered, complete=False)[0]


def compile_definitions(path: Path | str) -> str:
    """JSON text from which `plain.from_plain` makes the definitions at `path`; raises DefinitionError."""
    return json.dumps(to_plain(load_definitions(path)), indent=1, ensure_ascii=False) + "\n"


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise _nothing(path, "there is no such file or folder", "check the path, or make the folder")
    files = sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES and file.is_file())
    if not files:
        raise _nothing(path, "the folder has no *.yaml file", "write a definition into it, such as order.yaml")
    return files


def _nothing(path: Path, message: str, way_out: str) -> DefinitionError:
    return DefinitionError([Problem(str(path), 1, 1, message, way_out)])


def _definitions(
    documents: Sequence[Document], registered: Registered | None, *, complete: bool
) -> tuple[Definition, ...]:
    problems = [problem for document in documents for problem in document.problems]
    readings = [read_model(document) for document in documents if document.usable]
    for reading in readings:
        problems += reading.problems + check(reading, registered)
    problems += check_together(readings, registered, complete=complete and len(readings) == len(documents))
    if problems:
        raise DefinitionError(problems)
    return tuple(build(reading.model) for reading in readings if reading.model is not None)
