"""Definitions as plain data and back, so that the deployed functions load them without YAML and pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any, TypeAlias

from workflow.definition.definition import (
    RETRY,
    Definition,
    Definitions,
    Field,
    Fire,
    Guard,
    HookUse,
    Lane,
    Retry,
    State,
    Timer,
    Transition,
)
from workflow.definition.values import Value
from workflow.errors import SettingsError

FORMAT = 1
"""Raised whenever plain data of the version before could no longer be read."""

Plain: TypeAlias = dict[str, Any]
"""JSON types only: maps, lists, text, whole numbers and fractions, booleans and null."""


def to_plain(definitions: Definitions) -> Plain:
    """The definitions as JSON-ready data, in the order the files give; `from_plain` gives them back."""
    return {"format": FORMAT, "definitions": [_plain_definition(d) for d in definitions]}


def from_plain(plain: Mapping[str, Any]) -> Definitions:
    """The definitions that `to_plain` was given; raises SettingsError where the format is another one."""
    found = plain.get("format") if isinstance(plain, Mapping) else None
    if found != FORMAT:
        raise SettingsError(
            f"compiled definitions have format {found!r}, this version reads {FORMAT}; compile them again with it"
        )
    try:
        return Definitions(tuple(_definition(d) for d in plain["definitions"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SettingsError(f"compiled definitions are damaged ({type(error).__name__}); compile them again") from error


def _plain_definition(definition: Definition) -> Plain:
    plain: Plain = {
        "kind": definition.kind,
        "version": definition.version,
        "initial": definition.initial,
        "data": [_plain_field(f) for f in definition.data.values()],
        "states": [_plain_state(s) for s in definition.states.values()],
        "transitions": [_plain_transition(t) for t in definition.transitions],
    }
    if definition.lanes:
        plain["lanes"] = [asdict(lane) for lane in definition.lanes.values()]
    return plain


def _definition(plain: Plain) -> Definition:
    return Definition(
        kind=plain["kind"],
        version=plain["version"],
        initial=plain["initial"],
        data=_fields(plain["data"]),
        states={s["name"]: _state(s) for s in plain["states"]},
        transitions=tuple(_transition(t) for t in plain["transitions"]),
        lanes={lane["name"]: Lane(**lane) for lane in plain.get("lanes", ())},
    )


def _plain_field(field: Field) -> Plain:
    plain: Plain = {"name": field.name, "type": field.type}
    plain |= {key: True for key in ("optional", "sensitive") if getattr(field, key)}
    if field.default is not None:
        plain["default"] = _plain_value(field.default)
    if field.choices:
        plain["choices"] = [_plain_value(choice) for choice in field.choices]
    return plain


def _fields(plain: list[Plain]) -> dict[str, Field]:
    return {f["name"]: _field(f) for f in plain}


def _field(plain: Plain) -> Field:
    return Field(
        name=plain["name"],
        type=plain["type"],
        optional=plain.get("optional", False),
        sensitive=plain.get("sensitive", False),
        default=_value(plain.get("default")),
        choices=tuple(_value(choice) for choice in plain.get("choices", ())),
    )


def _plain_state(state: State) -> Plain:
    plain: Plain = {"name": state.name}
    if state.final:
        plain["final"] = True
    if state.timers:
        plain["timers"] = [[timer.after_seconds, timer.trigger] for timer in state.timers]
    for key, uses in (("on_enter", state.on_enter), ("on_exit", state.on_exit)):
        if uses:
            plain[key] = [_plain_use(use) for use in uses]
    return plain


def _state(plain: Plain) -> State:
    return State(
        name=plain["name"],
        final=plain.get("final", False),
        on_enter=_uses(plain.get("on_enter", ())),
        on_exit=_uses(plain.get("on_exit", ())),
        timers=tuple(Timer(after_seconds, trigger) for after_seconds, trigger in plain.get("timers", ())),
    )


def _plain_use(use: HookUse) -> Plain:
    plain: Plain = {"hook": use.hook}
    if use.retry is not None:
        retry = use.retry
        plain["retry"] = [retry.attempts, retry.first_seconds, retry.factor, retry.ceiling_seconds]
    if use.catch:
        plain["catch"] = dict(use.catch)
    if use.publish is not None:
        plain["publish"] = dict(use.publish)
    if use.then:
        plain["then"] = use.then
    if use.on_unknown != RETRY:
        plain["on_unknown"] = use.on_unknown
    if use.fire is not None:
        plain["fire"] = {**asdict(use.fire), "payload": dict(use.fire.payload)}
    if use.undo is not None:
        plain["undo"] = _plain_use(use.undo)
    return plain


def _uses(plain: Any) -> tuple[HookUse, ...]:
    return tuple(_use(use) for use in plain)


def _use(plain: Plain) -> HookUse:
    retry = plain.get("retry")
    return HookUse(
        hook=plain["hook"],
        retry=Retry(*retry) if retry else None,
        catch=plain.get("catch", {}),
        publish=plain.get("publish"),
        then=plain.get("then", ""),
        on_unknown=plain.get("on_unknown", RETRY),
        fire=Fire(**plain["fire"]) if "fire" in plain else None,
        undo=_use(plain["undo"]) if "undo" in plain else None,
    )


def _plain_transition(transition: Transition) -> Plain:
    plain: Plain = {"trigger": transition.trigger, "from": transition.source, "to": transition.target}
    if transition.requires:
        plain["requires"] = [_plain_field(f) for f in transition.requires.values()]
    if transition.sets:
        plain["sets"] = dict(transition.sets)
    if transition.guard is not None:
        guard = transition.guard
        plain["guard"] = {"expression": guard.expression} if guard.expression else {"function": guard.function}
    if transition.effects:
        plain["effects"] = [_plain_use(use) for use in transition.effects]
    if transition.compensate:
        plain["compensate"] = True
    return plain


def _transition(plain: Plain) -> Transition:
    guard = plain.get("guard")
    return Transition(
        trigger=plain["trigger"],
        source=plain["from"],
        target=plain["to"],
        requires=_fields(plain.get("requires", [])),
        sets=plain.get("sets", {}),
        guard=Guard(**guard) if guard else None,
        effects=_uses(plain.get("effects", ())),
        compensate=plain.get("compensate", False),
    )


def _plain_value(value: Value) -> Value:
    """JSON has no exact fractions: they travel as tagged text, and maps in a tag too, so that none looks like one."""
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, Mapping):
        return {"map": {key: _plain_value(inner) for key, inner in value.items()}}
    return [_plain_value(inner) for inner in value] if isinstance(value, list) else value


def _value(plain: Value) -> Value:
    if isinstance(plain, dict):
        if "decimal" in plain:
            return Decimal(plain["decimal"])
        return {key: _value(inner) for key, inner in plain["map"].items()}
    return [_value(inner) for inner in plain] if isinstance(plain, list) else plain
