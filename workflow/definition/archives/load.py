"""Loading the map of an archive: every problem of it in one run, or the map."""

from __future__ import annotations

from pathlib import Path

from workflow.definition import parser
from workflow.definition.archives.archive_map import ArchiveMap
from workflow.definition.archives.build import build
from workflow.definition.archives.checks import check
from workflow.definition.archives.reading import read_model
from workflow.definition.definition import Definitions
from workflow.definition.document import Document
from workflow.definition.findings import Finding
from workflow.errors import DefinitionError, Problem

_FIRST_KEY = "archive"


def load_archive_map(path: Path | str, definitions: Definitions) -> ArchiveMap:
    """The checked map in the file; raises DefinitionError with every problem, each with line and column."""
    return _map(parser.read(Path(path), str(path), _FIRST_KEY), definitions)


def parse_archive_map(text: str, definitions: Definitions, file: str = "map.yaml") -> ArchiveMap:
    """The checked map in the text, named `file` in problems; raises DefinitionError with every problem."""
    return _map(parser.parse(text, file, _FIRST_KEY), definitions)


def _map(document: Document, definitions: Definitions) -> ArchiveMap:
    problems = list(document.problems)
    if document.usable:
        reading = read_model(document)
        findings = [*reading.findings, *check(reading, definitions)]
        problems += [_problem(document, finding) for finding in dict.fromkeys(findings)]
        if reading.model is not None and not problems:
            return build(reading.model)
    raise DefinitionError(problems)


def _problem(document: Document, finding: Finding) -> Problem:
    mark = document.locate(finding.path, at_key=finding.at_key)
    return Problem(document.file, mark.line, mark.column, finding.message, finding.way_out)
