"""The map of an old system's archive as the framework uses it: frozen, checked, free of YAML and pydantic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

LINE, STEP, AT = ROOTS = ("line", "step", "at")
"""The names an expression of a map may start from: the line, the element of its list, and the moment of the event."""

ISO, SECONDS, MILLISECONDS = TIME_WORDS = ("iso", "seconds", "milliseconds")
"""How times may be written, beside a format with `%`: ISO 8601, or seconds or milliseconds since 1970."""

POINT, COMMA = DECIMALS = (".", ",")
"""What stands before the fraction of a number that a CSV holds."""

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class From:
    """A name that the line gives, by this JMESPath; `words` are our names for those of the old system, none: the same
    names."""

    expression: str
    words: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened: `trigger` at the moment `at`, unless that is null or empty or `when` does not hold.

    With `each`, JMESPath for a list, it is as many steps as the list has elements.
    """

    trigger: str | From
    at: str
    when: str = ""
    each: str = ""
    payload: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True)
class Times:
    """How the old system wrote times: one of TIME_WORDS or a format with `%`, in `zone` where they name none."""

    format: str = ISO
    zone: str = ""


@dataclass(frozen=True, slots=True)
class ArchiveMap:
    """How a line becomes an entity of `kind`: created with `data` at `created`, then moved by the steps in the order of
    their times. `state` is where it must have ended, '' where the line does not say. Events are by `archive:<name>`."""

    name: str
    kind: str
    id: str
    created: str
    data: Mapping[str, str]
    steps: tuple[Step, ...] = ()
    state: str | From = ""
    times: Times = field(default_factory=Times)
    delimiter: str = ","
    decimal: str = POINT

    def expressions(self) -> Iterator[str]:
        """The text of every expression."""
        yield from (self.id, self.created, *self.data.values())
        for step in self.steps:
            yield from filter(None, (step.at, step.when, step.each, *step.payload.values()))
            if isinstance(step.trigger, From):
                yield step.trigger.expression
        if isinstance(self.state, From):
            yield self.state.expression
