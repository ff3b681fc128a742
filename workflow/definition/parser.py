"""Reading YAML as plain data, strictly: the one importer of yaml.

Definitions are hostile input until proven otherwise. Of YAML this reads mappings, lists and scalars; anchors, aliases,
merge keys, tags and further documents are refused. Events are read one by one, so that a bomb is refused before
anything is built from it. libyaml is left aside: one parser everywhere means the same line and column everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml

from workflow.definition.document import Document, Mark, PathTuple
from workflow.definition.scalars import ScalarError, resolve
from workflow.definition.values import Value
from workflow.errors import Problem

MAX_BYTES = 256 * 1024
MAX_NESTING = 32

_MAX_PROBLEMS = 20
_FORBIDDEN = re.compile("[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_PLAIN_WORDS = {
    "could not find expected ':'": "a key is not followed by ':'",
    "mapping values are not allowed here": "a ':' is not allowed here",
    "expected <block end>, but found": "the indentation does not fit, or something is left over",
    "while scanning a quoted scalar": "a quotation mark is not closed",
    "while parsing a flow": "a bracket or brace is not closed, or a comma is missing",
}
_WAY_OUT = "check the indentation, colons, quotes and brackets on this line and the one before"


class _Stop(Exception):  # noqa: N818 - no error: it ends the reading of a file whose problem is noted
    pass


def read(path: Path, file: str, first_key: str = "kind") -> Document:
    """The document in the file; what is wrong with it is in its `problems`, and nothing is raised.

    `first_key` is what such a file begins with, for the one who left it empty.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            return _refused(file, f"the file is larger than {MAX_BYTES // 1024} KB", "split it: one kind a file")
        raw = path.read_bytes()
    except OSError as error:
        return _refused(file, f"the file cannot be read: {error.strerror}", "check its name and permissions")
    try:
        return parse(raw.decode(), file, first_key)
    except UnicodeDecodeError as error:
        line_start = raw.rfind(b"\n", 0, error.start) + 1
        mark = Mark(raw.count(b"\n", 0, error.start) + 1, len(raw[line_start : error.start].decode()) + 1)
        return _refused(file, "the text is not valid UTF-8 here", "save the file as UTF-8", mark)


def parse(text: str, file: str, first_key: str = "kind") -> Document:
    """As `read`, of a text."""
    if len(text) > MAX_BYTES:
        return _refused(file, f"the text is larger than {MAX_BYTES // 1024} KB", "split it: one kind a file")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    document = Document(file)
    document.problems += _forbidden_characters(text, file)
    if document.problems:
        document.usable = False
        return document
    _Reader(text, document, first_key).read()
    return document


def _refused(file: str, message: str, way_out: str, mark: Mark = Mark(1, 1)) -> Document:  # noqa: B008 - frozen
    problem = Problem(file, mark.line, mark.column, message, way_out)
    return Document(file, problems=[problem], usable=False)


def _forbidden_characters(text: str, file: str) -> list[Problem]:
    problems: list[Problem] = []
    for found in _FORBIDDEN.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        if problems and problems[-1].line == line:
            continue
        column = found.start() - text.rfind("\n", 0, found.start())
        what = "a tab" if found[0] == "\t" else f"the control character U+{ord(found[0]):04X}"
        way_out = "indent and separate with spaces" if found[0] == "\t" else "remove it"
        problems.append(Problem(file, line, column, f"{what} is not allowed", way_out))
        if len(problems) == _MAX_PROBLEMS:
            break
    return problems


class _Reader:
    """Builds the plain data of one document and remembers where each key and value stands."""

    def __init__(self, text: str, document: Document, first_key: str) -> None:
        self._document = document
        self._first_key = first_key
        # The published types of PyYAML leave its events and half of its methods untyped.
        self._loader: Any = yaml.SafeLoader(text)

    def read(self) -> None:
        try:
            self._read_document()
        except _Stop:
            self._document.usable = False
        except yaml.MarkedYAMLError as error:
            self._note_syntax(error)
        except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
            # PyYAML lets such errors out for escapes and directives with absurd numbers in them.
            self._refuse(_mark(self._loader.get_mark()), "this is not valid YAML", _WAY_OUT)

    def _read_document(self) -> None:
        self._next()
        if self._loader.check_event(yaml.StreamEndEvent):
            self._stop(Mark(1, 1), "the file is empty", f"write a definition; it begins with '{self._first_key}:'")
        self._next()
        self._document.data = self._node(self._next(), ())
        self._next()
        if not self._loader.check_event(yaml.StreamEndEvent):
            mark = _mark(self._loader.peek_event().start_mark)
            self._stop(mark, "a second document begins here", "write one definition a file")

    def _next(self) -> Any:
        return self._loader.get_event()

    def _node(self, event: Any, path: PathTuple) -> Value:
        mark = _mark(event.start_mark)
        self._document.values[path] = mark
        self._refuse_machinery(event, mark)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, mark)
        if len(path) >= MAX_NESTING:
            self._stop(mark, f"this is nested deeper than {MAX_NESTING} levels", "write it flatter")
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(path)
        return self._map(path)

    def _refuse_machinery(self, event: Any, mark: Mark) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._stop(mark, f"the alias *{event.anchor} is not allowed", "write the value out")
        if event.anchor is not None:
            self._stop(mark, f"the anchor &{event.anchor} is not allowed", "remove it and write values out")
        if event.tag is not None:
            self._stop(mark, f"the tag {event.tag} is not allowed", "remove it; quotes make text")

    def _scalar(self, event: Any, mark: Mark) -> Value:
        try:
            return resolve(event.value, plain=event.style is None)
        except ScalarError as error:
            self._refuse(mark, error.message, error.way_out)
            return None

    def _list(self, path: PathTuple) -> list[Value]:
        return [self._node(event, (*path, i)) for i, event in enumerate(self._until(yaml.SequenceEndEvent))]

    def _map(self, path: PathTuple) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for event in self._until(yaml.MappingEndEvent):
            mark = _mark(event.start_mark)
            key = self._key(event, mark)
            inner = (*path, key)
            if key in found:
                first = self._document.keys[inner]
                way_out = f"keep one of the two; the first is on line {first.line}"
                self._note(mark, f"the key {key!r} appears twice", way_out)
                self._skip(inner)
                continue
            self._document.keys[inner] = mark
            found[key] = self._node(self._next(), inner)
        return found

    def _skip(self, path: PathTuple) -> None:
        """Read a value that is not kept, without moving the marks of the one that is."""
        kept = dict(self._document.values)
        self._node(self._next(), path)
        self._document.values = kept

    def _key(self, event: Any, mark: Mark) -> str:
        self._refuse_machinery(event, mark)
        if not isinstance(event, yaml.ScalarEvent):
            self._stop(mark, "a list or map is not allowed as a key", "write plain text before the ':'")
        plain = event.style is None
        if plain and event.value == "<<":
            self._stop(mark, "the merge key << is not allowed", "write the keys out")
        key = self._scalar(event, mark)
        if not isinstance(key, str):
            self._stop(mark, f"the key {event.value[:40] or 'null'} is not text", "put it in quotes, or give it a name")
        return key

    def _until(self, end: type[yaml.Event]) -> Iterator[Any]:
        while not self._loader.check_event(end):
            yield self._next()
        self._next()

    def _note(self, mark: Mark, message: str, way_out: str) -> None:
        problems = self._document.problems
        problems.append(Problem(self._document.file, mark.line, mark.column, message, way_out))
        if len(problems) >= _MAX_PROBLEMS:
            raise _Stop

    def _refuse(self, mark: Mark, message: str, way_out: str) -> None:
        self._document.usable = False
        self._note(mark, message, way_out)

    def _stop(self, mark: Mark, message: str, way_out: str) -> NoReturn:
        self._note(mark, message, way_out)
        raise _Stop

    def _note_syntax(self, error: yaml.MarkedYAMLError) -> None:
        said = f"{error.context or ''} {error.problem or ''}"
        # An open quotation runs to the end of the file; where it began is what helps.
        first = error.context_mark if "quoted" in said else error.problem_mark
        mark = _mark(first or error.context_mark or self._loader.get_mark())
        plain = next((ours for theirs, ours in _PLAIN_WORDS.items() if theirs in said), error.problem)
        self._document.usable = False
        problem = Problem(self._document.file, mark.line, mark.column, f"not valid YAML: {plain}", _WAY_OUT)
        self._document.problems.append(problem)


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1)
