"""Values from a command line, typed by what the definition declares; numbers stay exact."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from workflow.definition.definition import Definition, Field

_TEXT_TYPES = {"string", "timestamp"}


def read_values(
    text: str | None, pairs: Sequence[str], find_field: Callable[[str], Field | None], *, option: str
) -> dict[str, Any]:
    """The JSON object in `text`, as `option` gave it, and the name=value pairs over it; raises click's usage errors."""
    values = {} if text is None else _read_object(text, option)
    for name, value in _split(pairs).items():
        values[name] = _typed(value, find_field(name))
    return values


def field_of_data(definition: Definition | None) -> Callable[[str], Field | None]:
    """Finds the fields that a creation takes."""
    return definition.data.get if definition else _nothing


def field_of_payload(definition: Definition | None, trigger: str) -> Callable[[str], Field | None]:
    """Finds the fields that a trigger takes: what it requires, else the field of the data of that name."""
    if definition is None:
        return _nothing
    required: Mapping[str, Field] = {
        name: field
        for way in definition.transitions
        if way.trigger == trigger
        for name, field in way.requires.items()
        if field.type != "any"
    }
    return lambda name: required.get(name) or definition.data.get(name)


def _nothing(_: str) -> None:
    return None


def _split(pairs: Sequence[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"{pair!r} is not of the form name=value.", param_hint="'--set'")
        if name in values:
            raise click.BadParameter(f"{name!r} is given twice.", param_hint="'--set'")
        values[name] = value
    return values


def _typed(text: str, field: Field | None) -> object:
    """What does not read as the declared type stays text: the engine then says what the field takes."""
    if field is not None and field.type in _TEXT_TYPES:
        return text
    try:
        return _read_json(text)
    except ValueError:
        return text


def _read_object(text: str, option: str) -> dict[str, Any]:
    try:
        values = _read_json(text)
    except ValueError as error:
        raise click.BadParameter(f"not valid JSON: {error}.", param_hint=f"'{option}'") from None
    if not isinstance(values, dict):
        hint = """give an object, such as '{"amount": 120.50}'."""
        raise click.BadParameter(hint, param_hint=f"'{option}'")
    return values


def _read_json(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_unique)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not a number that JSON knows")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} is given twice")
    return values
