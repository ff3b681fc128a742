"""Data for the shipped kinds in which every sensitive field, or simply every field, holds a text that stands nowhere
else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from workflow import Effect, Refused, guard, hook, limit, projection
from workflow.definition.definition import Definition, Definitions, Field, Transition

_TOKEN = re.compile(r"canary\d{4,}x|7777\d{4,}7777|2777-07-07", re.IGNORECASE)

FAILING = ("plain", "python", "json", "url", "lines", "upper", "cause", "refused")
"""How a hook that fails quotes what it was given."""


def found_in(text: str) -> set[str]:
    """The canaries in a text, however they are written there."""
    return set(_TOKEN.findall(text))


class Canaries:
    """Makes values for fields; each canary is another one."""

    def __init__(self, everywhere: Definitions | None = None) -> None:
        """`everywhere`: in each field of these that holds text, sensitive or not; but not where the text is somebody's
        id or a lane's key, which may be told."""
        self.planted, self._everywhere = 0, everywhere is not None
        self._told = {name for one in everywhere or () for name in _ids_and_keys(one)}

    def data(self, definition: Definition) -> dict[str, Any]:
        """Every field of an entity's data, those that need not be given as well."""
        return {name: self.value(field) for name, field in definition.data.items()}

    def payload(self, definition: Definition, transition: Transition) -> dict[str, Any]:
        """All that a transition requires or may take."""
        taken = {name: definition.data[name] for name in transition.sets if name in definition.data}
        fields = {**taken, **transition.requires}
        secret = {name: replace(field, sensitive=name in definition.sensitive) for name, field in fields.items()}
        return {name: self.value(field) for name, field in secret.items()}

    def value(self, field: Field) -> Any:
        """A value that the field takes."""
        is_text = field.type in ("string", "any", "list", "map") and field.name not in self._told
        is_hiding = field.sensitive or (self._everywhere and is_text)
        # Of what is chosen or a truth value none is known again.
        is_open = bool(field.choices) or field.type == "boolean"
        return self._canary(field.type) if is_hiding and not is_open else _plain(field)

    def _canary(self, type_name: str) -> Any:
        self.planted += 1
        token = f"canary{self.planted:04}x"
        # Quotes, a line end, what URLs escape, and what another case changes: whatever a text is written as.
        text = f"{token} o'Hara \"&ü\n{token}, too"
        made: dict[str, Any] = {
            "string": text,
            "any": text,
            "integer": int(f"7777{self.planted:04}7777"),
            "decimal": int(f"7777{self.planted:04}7777"),
            "timestamp": f"2777-07-07T07:07:07.{self.planted % 10**6:06}Z",
            "list": [text, {"deep": text}],
            "map": {"plain": text, f"{token}@example.com": text},
        }
        return made[type_name]


def _ids_and_keys(definition: Definition) -> Iterable[str]:
    fired = [use.fire.id for owed in definition.uses.values() for use in owed if use.fire]
    for text in [*fired, *(lane.by for lane in definition.lanes.values())]:
        yield from re.findall(r"(?:data|payload)\.(\w+)", text)


def wrong(value: Any) -> Any:
    """The same secret as another type."""
    return [value] if isinstance(value, str) else str(value)


def _plain(field: Field) -> Any:
    if field.choices:
        return field.choices[0]
    made = {"integer": 3, "decimal": 12, "boolean": True, "timestamp": "2026-01-31T12:00:00Z", "list": ["a"], "map": {}}
    return made.get(field.type, "plain")


def opened(definitions: Iterable[Definition], way: Transition) -> Definitions:
    """The same kinds with every transition open, and that one first of those that its trigger may take."""
    return Definitions(tuple(_opened(one, way) for one in definitions))


def _opened(definition: Definition, way: Transition) -> Definition:
    transitions = sorted(definition.transitions, key=lambda transition: transition is not way)
    return replace(definition, transitions=tuple(replace(one, guard=None) for one in transitions))


class Indiscreet:
    """Every hook, guard and limit that the kinds ask for: they quote all that they are given, each time another way,
    and what they give another kind and get of it. With `hooks_quote=False`, hooks fail without a word."""

    def __init__(
        self,
        definitions: Definitions,
        canaries: Canaries,
        *,
        batched: frozenset[str],
        projections: frozenset[str],
        hooks_quote: bool = True,
    ) -> None:
        self.ran: set[str] = set()
        self.quoted: set[str] = set()
        self.given = 0
        self._definitions, self._canaries, self._projections = definitions, canaries, projections
        self._quotes, self._turn = hooks_quote, 0
        self._failed: set[str] = set()
        self._gave: set[str] = set()
        names = {name for one in definitions for name in one.hooks}
        self.handlers: list[Any] = [
            self._batch(name) if name in batched else self._hook(name) for name in sorted(names)
        ]
        self.handlers += [self._guard(name) for name in sorted({name for one in definitions for name in one.guards})]
        self.handlers += [limit(name=name)(lambda key: 1) for one in definitions for name in sorted(one.limits)]

    def fail_again(self) -> None:
        """What has failed once fails once more."""
        self._failed.clear()

    def _hook(self, name: str) -> Any:
        @(projection if name in self._projections else hook)(name=name)
        def indiscreet(effect: Effect) -> object:
            return self._run(name, [effect])

        return indiscreet

    def _batch(self, name: str) -> Any:
        @hook(name=name, batch=3)
        def indiscreet(effects: list[Effect]) -> object:
            return self._run(name, effects)

        return indiscreet

    def _guard(self, name: str) -> Any:
        @guard(name=name)
        def indiscreet(seen: Mapping[str, Any]) -> object:
            raise ValueError(json.dumps([seen["payload"], seen["data"]], default=str))

        return indiscreet

    def _run(self, name: str, effects: list[Effect]) -> object:
        self.ran.add(name)
        keys = {effect.key for effect in effects}
        if not keys <= self._failed:
            # Once each, so that what waits behind it has its turn.
            self._failed |= keys
            self._turn += 1
            others = [self._gives(name, effect) for effect in effects]
            if not self._quotes:
                raise ValueError("no")
            self._fail(FAILING[self._turn % len(FAILING)], effects, others)
        definition = self._definitions.find(effects[0].kind)
        assert definition is not None
        required = {name: field for t in definition.transitions for name, field in t.requires.items()}
        # What it returns is fired with by `then`, or it would not be in any log.
        returned = {name: self._canaries.value(field) for name, field in required.items()}
        return {effect.key: returned for effect in effects} if len(effects) > 1 else returned

    def _gives(self, name: str, effect: Effect) -> list[Any]:
        """What the hook gives other kinds, right and wrong, and what it gets; once, lest that has no end."""
        others = [one for one in self._definitions if one.sensitive and one.kind != effect.kind]
        if name in self._gave or name in self._projections or not others or effect.entity.depth:
            return []
        self._gave.add(name)
        other = others[len(self._gave) % len(others)]
        given, astray = self._canaries.data(other), {key: wrong(v) for key, v in self._canaries.data(other).items()}
        with suppress(Refused):
            effect.create(other.kind, f"{other.kind}-{effect.kind}-{effect.id}-{name}-astray", astray)
        got = effect.create(other.kind, f"{other.kind}-{effect.kind}-{effect.id}-{name}", given)
        self.given += 1
        return [given, astray, dict(got.entity.data), dict(got.event.payload)]

    def _fail(self, how: str, effects: list[Effect], others: list[Any]) -> None:
        values: dict[str, Any] = {"others": others}
        for number, effect in enumerate(effects):
            before = effect.before.data if effect.before else {}
            values[str(number)] = [dict(effect.entity.data), dict(before), dict(effect.event.payload)]
        told = {
            "plain": "; ".join(_texts(values)),
            "python": repr(values),
            "json": json.dumps(values, default=str),
            "url": "; ".join(quote(text, safe="") for text in _texts(values)),
            "lines": "\n".join(line for text in _texts(values) for line in text.splitlines()),
            "upper": "; ".join(_texts(values)).upper(),
        }.get(how, repr(values))
        self.quoted |= found_in(told)
        if how == "refused":
            raise Refused(told)
        if how == "cause":
            raise RuntimeError("no") from KeyError(told)
        raise ValueError(told)


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield str(name)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    else:
        yield str(value)
