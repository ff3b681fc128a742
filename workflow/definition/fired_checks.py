"""What is fired without anybody asking, by timers, `then` and `catch`: is it there, does it lead on, does it fit?"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from workflow.definition.definition import CREATE
from workflow.definition.document import PathTuple
from workflow.definition.durations import whole_seconds
from workflow.definition.findings import Finding
from workflow.definition.graph import Edge, Ways, ways_by_source
from workflow.definition.hook_checks import each_item, items_at
from workflow.definition.item_model import HookItem, RunModel
from workflow.definition.model import DefinitionModel, FieldModel, TransitionModel
from workflow.definition.suggestions import listed, ways_out

ANY_ERROR = "*"
ERROR_FIELD = "error"
"""The payload field, a string, in which a catch gives what went wrong, if its transition declares it."""


class _Fired(NamedTuple):
    """A trigger that `then` or `catch` names: where, how it is written, and the states the entity may be in by then.

    What is fired with the same `moment` and trigger meets the same: a check that has looked once need not look again.
    """

    path: PathTuple
    written: str
    trigger: str
    moment: tuple[str, str]
    states: Collection[str]
    is_catch: bool


def wrong_timers(model: DefinitionModel, all_edges: list[Edge]) -> Iterator[Finding]:
    """Timers that fire what the state does not have, what needs a payload, or two at the same time."""
    ways, required = ways_by_source(all_edges), _required(model)
    for path, name, state in model.each_state():
        if state.final:
            continue
        known = ways.get(name, {})
        for text, trigger in state.after.items():
            where = (*path, "after", text)
            if trigger not in known:
                message = f"the timer fires {trigger!r}, but no transition of that name leads out of {name!r}"
                add = "" if known else "add one; "
                yield Finding(where, message, add + ways_out(trigger, list(known), "triggers there"))
            elif all(required[edge.path] for edge in known[trigger]):
                message = f"the timer fires {trigger!r}, which requires a payload; a timer has none"
                yield Finding(where, message, "let it fire a trigger that requires nothing")
    yield from _simultaneous_timers(model)


def _simultaneous_timers(model: DefinitionModel) -> Iterator[Finding]:
    for path, name, state in model.each_state():
        first: dict[int, str] = {}
        for text in state.after:
            due_seconds = whole_seconds(text)
            if due_seconds in first:
                message = f"two timers of {name!r} are due at the same time: {first[due_seconds]} and {text}"
                yield Finding((*path, "after", text), message, "keep one of them", at_key=True)
            first.setdefault(due_seconds, text)


def _required(model: DefinitionModel) -> dict[PathTuple, list[str]]:
    """The payload fields that each transition cannot do without, by its path."""
    return {path: required_names(transition) for path, _, transition in model.each_transition()}


def required_names(transition: TransitionModel) -> list[str]:
    """The payload fields that the transition cannot do without."""
    requires = transition.requires
    if isinstance(requires, list):
        return requires
    return [
        name
        for name, spec in requires.items()
        if isinstance(spec, str) or not (spec.optional or "default" in spec.model_fields_set)
    ]


def misled_outcomes(model: DefinitionModel, all_edges: list[Edge]) -> Iterator[Finding]:
    """Triggers of `then` and `catch` that there are not, or that lead nowhere from where the entity then is."""
    ways = ways_by_source(all_edges)
    stuck: dict[tuple[tuple[str, str], str], str | None] = {}
    for fired in _each_fired(model, all_edges):
        if fired.trigger not in model.transitions:
            yield Finding(fired.path, *_no_such_trigger(fired, model))
            continue
        key = (fired.moment, fired.trigger)
        if key not in stuck:
            stuck[key] = next((s for s in fired.states if fired.trigger not in ways.get(s, {})), None)
        state = stuck[key]
        if state is not None:
            message = f"`{fired.written}` leads nowhere from {state!r}"
            yield Finding(fired.path, message, f"from there: {listed(ways.get(state, {}))}")


def unreached_catches(model: DefinitionModel) -> Iterator[Finding]:
    """Names of errors after `*`: the first that fits is taken, and that one always fits."""
    for path, item in each_item(model):
        names = [] if isinstance(item, str) else list(item.catch)
        after_any = names[names.index(ANY_ERROR) + 1 :] if ANY_ERROR in names else []
        for name in after_any:
            message = f"{name} is never caught here: {ANY_ERROR!r} before it takes every error"
            yield Finding((*path, "catch", name), message, f"put {ANY_ERROR!r} last", at_key=True)


def _no_such_trigger(fired: _Fired, model: DefinitionModel) -> tuple[str, str]:
    if fired.trigger == CREATE:
        return f"`{fired.written}`: {CREATE!r} is for an entity's first event alone", "fire a transition's trigger"
    message = f"`{fired.written}` fires {fired.trigger!r}, which is no trigger of {model.kind!r}"
    return message, ways_out(fired.trigger, model.transitions, "triggers")


def unfit_catches(model: DefinitionModel, all_edges: list[Edge]) -> Iterator[Finding]:
    """Catches that no transition can take: every one there requires more of its payload than the text of an error."""
    ways = ways_by_source(all_edges)
    unmet = {path: _unmet(model, transition) for path, _, transition in model.each_transition()}
    unfit: dict[tuple[tuple[str, str], str], list[str]] = {}
    for fired in _each_fired(model, all_edges):
        key = (fired.moment, fired.trigger)
        if fired.is_catch and key not in unfit:
            unfit[key] = _always_unmet(ways, unmet, fired)
        if fired.is_catch and unfit[key]:
            message = f"`{fired.written}` fires a trigger that requires {listed(unfit[key])}; a catch cannot give that"
            yield Finding(fired.path, message, f"require {{{ERROR_FIELD}: string}} at most; let the rest be optional")


def _unmet(model: DefinitionModel, transition: TransitionModel) -> list[str]:
    requires = transition.requires
    error = (model.data if isinstance(requires, list) else requires).get(ERROR_FIELD)
    is_text = (error.type if isinstance(error, FieldModel) else error) == "string"
    return [name for name in required_names(transition) if name != ERROR_FIELD or not is_text]


def _always_unmet(ways: Ways, unmet: dict[PathTuple, list[str]], fired: _Fired) -> list[str]:
    """What is lacking in the first state in which every way lacks something."""
    for state in fired.states:
        edges = ways.get(state, {}).get(fired.trigger, [])
        if edges and all(unmet[edge.path] for edge in edges):
            return unmet[edges[0].path]
    return []


def _each_fired(model: DefinitionModel, all_edges: list[Edge]) -> Iterator[_Fired]:
    after_exit: dict[str, dict[str, None]] = {}
    for edge in all_edges:
        after_exit.setdefault(edge.source, {})[edge.target] = None
    for path, name, state in model.each_state():
        yield from _fired_by((*path, "on_enter"), state.on_enter, ("in", name), (name,))
        yield from _fired_by((*path, "on_exit"), state.on_exit, ("after", name), after_exit.get(name, {}))
    for path, _, transition in model.each_transition():
        yield from _fired_by((*path, "effects"), transition.effects, ("in", transition.to), (transition.to,))


def _fired_by(
    path: PathTuple, items: list[HookItem], moment: tuple[str, str], states: Collection[str]
) -> Iterator[_Fired]:
    for where, item in items_at(path, items):
        if isinstance(item, str):
            continue
        if isinstance(item, RunModel) and item.then is not None:
            yield _Fired((*where, "then"), f"then: {item.then}", item.then, moment, states, is_catch=False)
        for error, trigger in item.catch.items():
            written = f"catch: {{{error}: {trigger}}}"
            yield _Fired((*where, "catch", error), written, trigger, moment, states, is_catch=True)
