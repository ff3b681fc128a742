"""Loading webhooks from files: every problem of every file in one run, or the webhooks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from workflow.definition import parser
from workflow.definition.definition import Definitions
from workflow.definition.document import Document
from workflow.definition.findings import Finding
from workflow.definition.webhooks.build import build
from workflow.definition.webhooks.checks import check, check_together
from workflow.definition.webhooks.plain import to_plain
from workflow.definition.webhooks.reading import read_model
from workflow.definition.webhooks.webhook import Webhooks
from workflow.errors import DefinitionError, Problem

_SUFFIXES = {".yaml", ".yml"}
_FIRST_KEY = "webhook"


def load_webhooks(path: Path | str, definitions: Definitions | None) -> Webhooks:
    """The checked webhooks of a file, or of the *.yaml and *.yml files right in a folder; none where there is none.

    Without definitions, since they could not be read, nothing is said of whether the webhooks fit them. Raises
    DefinitionError with every problem of every file.
    """
    return _webhooks([parser.read(file, str(file), _FIRST_KEY) for file in _files(Path(path))], definitions)


def parse_webhook(text: str, definitions: Definitions, file: str = "webhook.yaml") -> Webhooks:
    """The checked webhook in the text, named `file` in problems; raises DefinitionError with every problem."""
    return _webhooks([parser.parse(text, file, _FIRST_KEY)], definitions)


def compile_webhooks(webhooks: Webhooks) -> str:
    """JSON text from which `plain.from_plain` makes the webhooks."""
    return json.dumps(to_plain(webhooks), indent=1, ensure_ascii=False) + "\n"


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        return []
    return sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES and file.is_file())


def _webhooks(documents: Sequence[Document], definitions: Definitions | None) -> Webhooks:
    problems = [problem for document in documents for problem in document.problems]
    readings = [read_model(document) for document in documents if document.usable]
    for reading in readings:
        findings = [*reading.findings, *check(reading, definitions)]
        problems += [_problem(reading.document, finding) for finding in dict.fromkeys(findings)]
    problems += [_problem(reading.document, finding) for reading, finding in check_together(readings)]
    if problems:
        raise DefinitionError(problems)
    return Webhooks(tuple(build(reading.model) for reading in readings if reading.model is not None))


def _problem(document: Document, finding: Finding) -> Problem:
    mark = document.locate(finding.path, at_key=finding.at_key)
    return Problem(document.file, mark.line, mark.column, finding.message, finding.way_out)
