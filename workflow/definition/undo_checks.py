"""Undos: does a transition that compensates come after each, and is there anything for it to take back?"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from workflow.definition.document import PathTuple
from workflow.definition.findings import Finding
from workflow.definition.graph import Edge
from workflow.definition.hook_checks import each_item, items_at
from workflow.definition.item_model import HookItem, RunModel, undo_hook
from workflow.definition.model import DefinitionModel
from workflow.definition.suggestions import listed

_COMPENSATE = "compensate: true"


def idle_undos(model: DefinitionModel, all_edges: list[Edge]) -> Iterator[Finding]:
    """Undos that nothing ever runs, and transitions that compensate for nothing."""
    if not any(_has_undo(item) for _, item in each_item(model)):
        for path, trigger, transition in model.each_transition():
            if transition.compensate:
                message = f"{trigger!r} compensates, and no hook has an `undo`"
                yield Finding((*path, "compensate"), message, "give the hooks that it takes back one: `undo: HOOK`")
        return
    before = _states_before(all_edges)
    for path, item, states in _each_run(model, all_edges):
        if isinstance(item, RunModel) and item.undo is not None and before.isdisjoint(states):
            message = (
                f"nothing ever runs {undo_hook(item)!r}: no transition that compensates can follow on {item.run!r}"
            )
            yield Finding((*path, "undo"), message, _way_out(model))


def _has_undo(item: HookItem) -> bool:
    return isinstance(item, RunModel) and item.undo is not None


def _way_out(model: DefinitionModel) -> str:
    there = [trigger for _, trigger, transition in model.each_transition() if transition.compensate]
    if not there:
        return f"say `{_COMPENSATE}` of the transition that takes everything back"
    return f"these compensate: {listed(list(dict.fromkeys(there)))}; say `{_COMPENSATE}` of one that can follow"


def _each_run(model: DefinitionModel, all_edges: list[Edge]) -> Iterator[tuple[PathTuple, HookItem, Collection[str]]]:
    """Every place that asks for a hook, with the states in which the entity may be when it has run."""
    after: dict[str, set[str]] = {}
    for edge in all_edges:
        after.setdefault(edge.source, set()).add(edge.target)
    for path, name, state in model.each_state():
        for where, item in items_at((*path, "on_enter"), state.on_enter):
            yield where, item, (name,)
        for where, item in items_at((*path, "on_exit"), state.on_exit):
            yield where, item, after.get(name, ())
    for path, _, transition in model.each_transition():
        for where, item in items_at((*path, "effects"), transition.effects):
            yield where, item, (transition.to,)


def _states_before(all_edges: list[Edge]) -> set[str]:
    """The states from which a transition that compensates can be reached."""
    into: dict[str, set[str]] = {}
    for edge in all_edges:
        into.setdefault(edge.target, set()).add(edge.source)
    found: set[str] = set()
    waiting = [edge.source for edge in all_edges if edge.transition.compensate]
    while waiting:
        state = waiting.pop()
        if state not in found:
            found.add(state)
            waiting += into.get(state, ())
    return found
