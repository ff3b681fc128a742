"""The shape of an archive's map, closed: what is not named here is refused. The published schema derives from it."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field, PlainValidator, StrictStr, WithJsonSchema

from workflow.definition import slips
from workflow.definition.archives import clock_times
from workflow.definition.archives.archive_map import DECIMALS, ISO, POINT, ROOTS, TIME_WORDS
from workflow.definition.expressions import Expression, ExpressionError
from workflow.definition.shapes import (
    GIVEN,
    MAP,
    TEXT,
    Closed,
    ExpressionText,
    Name,
    Text,
    by_shape_of_map,
    judged,
)
from workflow.definition.suggestions import ways_out

_DELIMITERS = (",", ";", "\t", "|")
_DELIMITERS_TOLD = 'one of , ; | or "\\t"'


def _in_reach(expression: Expression) -> None:
    """Raises where a name is none that a map has."""
    for root in sorted(expression.roots() - set(ROOTS)):
        way_out = slips.find_literal(root, expression.text) or ways_out(root, ROOTS, "it may start from")
        raise judged(f"the expression starts from {root[:60]!r}", way_out)
    inside = sorted(expression.element_names() & set(ROOTS))
    if inside:
        message = f"inside a filter or after &, names start from the element, not from the root: {inside[0]!r}"
        raise judged(message, f"compare outside of it; '@.{inside[0]}' is the element's own")


def _compiles(text: str) -> str:
    try:
        expression = Expression(text)
    except ExpressionError as error:
        raise judged(str(error), _way_out(text, error)) from None
    _in_reach(expression)
    return text


def _way_out(text: str, error: ExpressionError) -> str:
    bare = re.search(r"(line|step)\.([A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)+)", text)
    if bare:
        # In a bare name with a dash, jmespath sees a subtraction.
        return f'write {bare[1]}."{bare[2]}", with the quotes'
    what, _, _ = error.way_out.partition("; ")
    if what.startswith("JMESPath has no"):
        return f"{what}; map the numbers as they are"
    return error.way_out or "write JMESPath such as line.status"


Mapped: TypeAlias = Annotated[ExpressionText, AfterValidator(_compiles)]
"""JMESPath over the line, and in a step over the element and the moment."""


def _format(given: object) -> str:
    if isinstance(given, str) and (given in TIME_WORDS or "%" in given):
        problem = "" if given in TIME_WORDS else clock_times.find_problem(given)
        if problem:
            raise judged(f"{given[:40]!r} {problem}", "write one such as %d.%m.%Y %H:%M")
        return given
    raise judged("expected how times are written", f"write {', '.join(TIME_WORDS)}, or a format such as %d.%m.%Y %H:%M")


def _zone(given: object) -> str:
    if isinstance(given, str) and clock_times.is_zone(given):
        return given
    if not isinstance(given, str):
        raise judged("expected the name of a time zone", "write one such as Europe/Berlin")
    raise judged(f"there is no time zone {given[:40]!r} here", clock_times.ways_to_zone(given))


def _delimiter(given: object) -> str:
    if isinstance(given, str) and given in _DELIMITERS:
        return given
    raise judged("expected what stands between two columns", f"write {_DELIMITERS_TOLD}")


def _decimal(given: object) -> str:
    if isinstance(given, str) and given in DECIMALS:
        return given
    raise judged("expected what stands before the fraction of a number", 'write "." or ","')


class FromModel(Closed):
    """A name that the line gives."""

    from_: Mapped = Field(alias="from", description="JMESPath that gives the name, or the old system's word for it.")
    words: Annotated[dict[Annotated[StrictStr, Field(min_length=1)], Name] | None, GIVEN] = Field(
        default=None, description="Our name for each word of the old system; other words put the line aside."
    )


NameSpec: TypeAlias = Annotated[
    Annotated[Name, TEXT] | Annotated[FromModel, MAP],
    by_shape_of_map("a name or a map such as {from: line.status}"),
]


class StepModel(Closed):
    """Something that happened to the entity after its creation."""

    description: Text = Field(default="", description="For people; it changes nothing.")
    each: Annotated[Mapped | None, GIVEN] = Field(
        default=None, description="JMESPath for a list; each of its elements, known as `step`, is a step of its own."
    )
    when: Annotated[Mapped | None, GIVEN] = Field(
        default=None, description="JMESPath that holds where it happened; without it, wherever there is a moment."
    )
    trigger: NameSpec = Field(description="What moved the entity: the name of a trigger, or {from: JMESPath}.")
    at: Mapped = Field(description="JMESPath for the moment; where it is null or empty, this has not happened.")
    payload: dict[Name, Mapped] = Field(
        default={}, description="The payload: names with JMESPath; null is left out, `at` is the moment."
    )


class TimesModel(Closed):
    """How the old system wrote times."""

    format: Annotated[
        str, PlainValidator(_format), WithJsonSchema({"type": "string", "pattern": f"^({'|'.join(TIME_WORDS)})$|%"})
    ] = Field(default=ISO, description="iso, seconds or milliseconds since 1970, or such as %d.%m.%Y %H:%M.")
    zone: Annotated[
        Annotated[str, PlainValidator(_zone), WithJsonSchema({"type": "string", "minLength": 1})] | None, GIVEN
    ] = Field(default=None, description="The time zone of those that name none: Europe/Berlin.")


class CsvModel(Closed):
    """How the old system wrote CSV."""

    delimiter: Annotated[
        str, PlainValidator(_delimiter), WithJsonSchema({"type": "string", "enum": list(_DELIMITERS)})
    ] = Field(default=",", description="What stands between two columns.")
    decimal: Annotated[str, PlainValidator(_decimal), WithJsonSchema({"type": "string", "enum": list(DECIMALS)})] = (
        Field(default=POINT, description="What stands before the fraction of a number; with a comma, points group.")
    )


class ArchiveMapModel(Closed):
    """How the lines of an old system's archive become entities with histories."""

    archive: Name = Field(description="The name of the archive; its events are by archive:<name>.")
    description: Text = Field(default="", description="For people; it changes nothing.")
    kind: Name = Field(description="The kind of the entities.")
    id: Mapped = Field(description="JMESPath that gives the entity's id, text or a whole number.")
    created: Mapped = Field(description="JMESPath for the moment of its creation.")
    data: dict[Name, Mapped] = Field(
        default={}, description="The data that it was created with: names with JMESPath; null is left out."
    )
    steps: list[StepModel] = Field(
        default=[], description="What happened then. Steps are taken in the order of their moments."
    )
    state: Annotated[NameSpec | None, GIVEN] = Field(
        default=None, description="Where it must have ended: a state, or {from: JMESPath}; else the line is put aside."
    )
    times: TimesModel = Field(default=TimesModel(), description="How times are written.")
    csv: CsvModel = Field(default=CsvModel(), description="How CSV is written.")
