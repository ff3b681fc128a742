"""The small pieces the model is made of: names, texts, durations, numbers, and values with a short and a long form."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    StrictStr,
    StringConstraints,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from workflow.definition import durations
from workflow.definition.definition import ON_REFUSED, ON_UNKNOWN
from workflow.definition.expressions import MAX_CHARACTERS
from workflow.definition.fields import FIELD_TYPES
from workflow.definition.suggestions import ways_out

# Pydantic puts tags into an error's path; the control character, which no file may hold, keeps them apart from keys.
_TEXT, _LIST, _MAP, _NUMBER, _PUBLISH, _FIRE = "\0text", "\0list", "\0map", "\0number", "\0publish", "\0fire"
TAGS = frozenset({_TEXT, _LIST, _MAP, _NUMBER, _PUBLISH, _FIRE})
TEXT, LIST, MAP, NUMBER = Tag(_TEXT), Tag(_LIST), Tag(_MAP), Tag(_NUMBER)
PUBLISH, FIRE = Tag(_PUBLISH), Tag(_FIRE)

MAX_NAME_CHARACTERS = 64
NAME_PATTERN = f"^[a-z][a-z0-9_]{{0,{MAX_NAME_CHARACTERS - 1}}}$"

Name: TypeAlias = Annotated[StrictStr, StringConstraints(pattern=NAME_PATTERN)]
Text: TypeAlias = Annotated[StrictStr, StringConstraints(max_length=2000)]
ExpressionText: TypeAlias = Annotated[StrictStr, StringConstraints(min_length=1, max_length=MAX_CHARACTERS)]
ErrorName: TypeAlias = Annotated[StrictStr, StringConstraints(pattern=r"^([A-Za-z_][A-Za-z0-9_]*|\*)$")]


def judged(message: str, way_out: str) -> PydanticCustomError:
    """An error whose words are ours already."""
    return PydanticCustomError("judged", "{message}", {"message": message, "way_out": way_out})


def by_shape(expected: str) -> Discriminator:
    """Tells the forms of a value apart; `expected` names them all, for the error where none fits."""
    return Discriminator(_tag, custom_error_type="shape", custom_error_message=expected)


def _tag(given: Any) -> str | None:
    if isinstance(given, dict):
        return _PUBLISH if "publish" in given else _FIRE if "fire" in given else _MAP
    if isinstance(given, list):
        return _LIST
    return _TEXT if isinstance(given, str) else None


def by_shape_of_map(expected: str) -> Discriminator:
    """As `by_shape`, for values in which `publish` and `fire` are keys like any other."""
    return Discriminator(_tag_of_map, custom_error_type="shape", custom_error_message=expected)


def _tag_of_map(given: Any) -> str | None:
    return _MAP if isinstance(given, dict) else _tag(given)


def by_shape_of_number(expected: str) -> Discriminator:
    """As `by_shape`, for a whole number or a map."""
    return Discriminator(_tag_of_number, custom_error_type="shape", custom_error_message=expected)


def _tag_of_number(given: Any) -> str | None:
    if isinstance(given, int) and not isinstance(given, bool):
        return _NUMBER
    return _MAP if isinstance(given, dict) else None


def _value(given: Any) -> Any:
    if given is None:
        raise PydanticCustomError("nothing", "nothing given")
    return given


GIVEN = BeforeValidator(_value)
"""For keys that may be absent: `guard:` with nothing after it is a slip, and must not mean `no guard`."""


class Closed(BaseModel):
    """A map of which every key is known."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, given: object) -> object:
        if isinstance(given, dict):
            allowed = [field.alias or name for name, field in cls.model_fields.items()]
            unknown = [key for key in given if key not in allowed]
            if unknown:
                raise PydanticCustomError("unknown_keys", "unknown keys", {"unknown": unknown, "allowed": allowed})
        return given


def _duration(parse: Callable[[str], object]) -> AfterValidator:
    def check(text: str) -> str:
        try:
            parse(text)
        except ValueError as error:
            message, _, way_out = str(error).partition("; ")
            raise judged(message, way_out) from None
        return text

    return AfterValidator(check)


Duration: TypeAlias = Annotated[
    StrictStr, _duration(durations.seconds), Field(json_schema_extra={"pattern": durations.PATTERN})
]
WholeDuration: TypeAlias = Annotated[
    StrictStr, _duration(durations.whole_seconds), Field(json_schema_extra={"pattern": durations.PATTERN})
]


def _factor(given: object) -> int | Decimal:
    if isinstance(given, bool) or not isinstance(given, int | Decimal) or not 1 <= given <= 100:
        raise judged("expected a number from 1 to 100", "2 doubles each wait")
    return given


Factor: TypeAlias = Annotated[
    int | Decimal, PlainValidator(_factor), WithJsonSchema({"type": "number", "minimum": 1, "maximum": 100})
]


def _on_unknown(given: object) -> str:
    if isinstance(given, str) and given in ON_UNKNOWN:
        return given
    if not isinstance(given, str):
        raise judged("expected what to do about a run that was cut off", f"write one of {', '.join(ON_UNKNOWN)}")
    raise judged(f"on_unknown has no {given[:40]!r}", ways_out(given, ON_UNKNOWN, "write one of"))


OnUnknown: TypeAlias = Annotated[
    str, PlainValidator(_on_unknown), WithJsonSchema({"type": "string", "enum": list(ON_UNKNOWN)})
]


def _on_refused(given: object) -> str:
    if isinstance(given, str) and given in ON_REFUSED:
        return given
    raise judged("expected what to do about a refusal", f"write one of {', '.join(ON_REFUSED)}")


OnRefused: TypeAlias = Annotated[
    str, PlainValidator(_on_refused), WithJsonSchema({"type": "string", "enum": list(ON_REFUSED)})
]


def _field_type(given: object) -> str:
    if isinstance(given, str) and given in FIELD_TYPES:
        return given
    if not isinstance(given, str):
        raise judged("expected the name of a type", f"types: {', '.join(FIELD_TYPES)}")
    raise judged(f"there is no type {given[:40]!r}", ways_out(given, FIELD_TYPES, "types"))


FieldType: TypeAlias = Annotated[
    str, PlainValidator(_field_type), WithJsonSchema({"type": "string", "enum": list(FIELD_TYPES)})
]
