"""Triggers and payloads that an entity will probably take, and now and then some that it will not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workflow.definition.definition import Definition, Field
from workflow.testing.simulation.log import Key

if TYPE_CHECKING:
    from workflow.testing.simulation.world import World

_WRONG: tuple[object, ...] = ("a text", -1, None, [1], {"a": 1}, 10**40)
_TEXTS = ("text", "other", "ü #1")
_MOMENTS = ("2026-01-31T12:00:00Z", "2026-02-01T08:00:00+02:00", "2025-12-31T23:59:59Z")


def trigger_from(world: World, key: Key) -> str:
    """A trigger that leads somewhere from where the entity is, mostly; any other of its kind sometimes."""
    definition = world.definition(key[0])
    entity = world.table.entity(key)
    open_now = definition.triggers_from(entity.state) if entity else ()
    every = world.scenario.triggers[key[0]]
    choices = open_now if open_now and not world.fate.happens(8) else every
    return choices[world.fate.choose(len(choices))] if choices else "nothing"


def payload_for(world: World, key: Key, trigger: str) -> dict[str, object]:
    """A payload for the trigger, or the data for a creation where the trigger is ''."""
    definition = world.definition(key[0])
    entity = world.table.entity(key)
    data: dict[str, Any] = dict(entity.data) if entity else {}
    fields = definition.data if not trigger else _wanted(definition, trigger)
    given: dict[str, object] = {}
    for name, declared in fields.items():
        is_needed = not declared.optional and declared.default is None
        if is_needed or world.fate.choose(2):
            given[name] = _value(world, declared, data)
    if world.fate.happens(12):
        _spoil(world, given)
    return given


def _wanted(definition: Definition, trigger: str) -> dict[str, Field]:
    wanted: dict[str, Field] = {}
    for transition in definition.transitions:
        if transition.trigger == trigger:
            wanted |= {name: definition.data[name] for name, path in transition.sets.items() if path is None}
            wanted |= transition.requires
    return wanted


def _value(world: World, field: Field, data: dict[str, Any]) -> object:
    fate = world.fate
    if field.choices:
        return field.choices[fate.choose(len(field.choices))]
    if field.type in ("integer", "decimal"):
        numbers = [data[field.name]] if field.name in data else []
        pool = [*numbers, *sorted({v for v in data.values() if type(v) is int}, reverse=True), 1, 7]
        return pool[fate.choose(len(pool))]
    if field.type == "timestamp":
        return _MOMENTS[fate.choose(3)]
    plain: dict[str, object] = {"boolean": True, "list": [{"sku": "a", "quantity": 1}], "map": {"city": "Ulm"}}
    return plain[field.type] if field.type in plain else _TEXTS[fate.choose(3)]


def _spoil(world: World, given: dict[str, object]) -> None:
    name = list(given)[world.fate.choose(len(given))] if given else "unheard_of"
    if world.fate.choose(2):
        given[name] = _WRONG[world.fate.choose(len(_WRONG))]
    else:
        given.pop(name, None)
