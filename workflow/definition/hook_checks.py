"""Hooks: are they registered, with what they need beside them, and is each owed once for an event?"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TypeAlias

from workflow.definition.definition import VERIFY
from workflow.definition.document import PathTuple
from workflow.definition.findings import Finding
from workflow.definition.graph import Edge
from workflow.definition.item_model import HookItem, RunModel, UndoModel, hook_name
from workflow.definition.model import DefinitionModel, GuardFunctionModel
from workflow.definition.registered import Registered
from workflow.definition.suggestions import ways_out

_Places: TypeAlias = dict[str, PathTuple]
"""Where in a list each hook stands first."""

_NOWHERE: _Places = {}


def unregistered(model: DefinitionModel, registered: Registered) -> Iterator[Finding]:
    """Hooks, guards and probes that the definition needs and no handler registers."""
    yield from _unregistered_hooks(model, registered.hooks)
    yield from _unregistered_probes(model, registered.probes)
    yield from _unregistered_guards(model, registered.guards)


def _unregistered_hooks(model: DefinitionModel, hooks: Collection[str]) -> Iterator[Finding]:
    for path, item in each_item(model):
        for where, name in _functions(path, item):
            if name not in hooks:
                yield Finding(where, f"no hook {name!r} is registered", ways_out(name, sorted(hooks), "registered"))


def _functions(path: PathTuple, item: HookItem) -> Iterator[tuple[PathTuple, str]]:
    if isinstance(item, str):
        yield path, item
    elif isinstance(item, RunModel):
        yield (*path, "run"), item.run
        if isinstance(item.undo, UndoModel):
            yield (*path, "undo", "run"), item.undo.run
        elif item.undo is not None:
            yield (*path, "undo"), item.undo


def _unregistered_probes(model: DefinitionModel, probes: Collection[str]) -> Iterator[Finding]:
    for path, item in each_item(model):
        for where, name in _verified(path, item):
            if name not in probes:
                message = f"no probe of {name!r} is registered, so nothing can verify whether it happened"
                way_out = f"write one, marked @probe(of={name!r}), or choose 'retry' or 'park'"
                yield Finding(where, message, way_out)


def _verified(path: PathTuple, item: HookItem) -> Iterator[tuple[PathTuple, str]]:
    if isinstance(item, RunModel):
        if item.on_unknown == VERIFY:
            yield (*path, "on_unknown"), item.run
        if isinstance(item.undo, UndoModel) and item.undo.on_unknown == VERIFY:
            yield (*path, "undo", "on_unknown"), item.undo.run


def _unregistered_guards(model: DefinitionModel, guards: Collection[str]) -> Iterator[Finding]:
    for path, _, transition in model.each_transition():
        guard = transition.guard
        if isinstance(guard, GuardFunctionModel) and guard.function not in guards:
            message = f"no guard {guard.function!r} is registered"
            yield Finding((*path, "guard", "function"), message, ways_out(guard.function, sorted(guards), "registered"))


def repeated_hooks(model: DefinitionModel, all_edges: list[Edge]) -> Iterator[Finding]:
    """Hooks owed twice by one event: the key of an effect, event and hook, would stand for two."""
    found: dict[PathTuple, Finding] = {}
    on_enter, on_exit, effects = dict[str, _Places](), dict[str, _Places](), dict[PathTuple, _Places]()
    for path, name, state in model.each_state():
        into, out_of = f"an event that leads into {name!r}", f"an event that leads out of {name!r}"
        on_enter[name] = _note_repeated(found, items_at((*path, "on_enter"), state.on_enter), into)
        on_exit[name] = _note_repeated(found, items_at((*path, "on_exit"), state.on_exit), out_of)
    compared: set[tuple[int, int]] = set()
    for edge in all_edges:
        event = f"{edge.trigger!r} from {edge.source!r}"
        if edge.path not in effects:
            own = items_at((*edge.path, "effects"), edge.transition.effects)
            effects[edge.path] = _note_repeated(found, own, event)
        leaving, entering = on_exit.get(edge.source, _NOWHERE), on_enter.get(edge.target, _NOWHERE)
        owned = effects[edge.path]
        for earlier, later in ((leaving, owned), (leaving, entering), (owned, entering)):
            # Many edges may share both lists.
            if (id(earlier), id(later)) not in compared:
                compared.add((id(earlier), id(later)))
                _note_shared(found, earlier, later, event)
    yield from found.values()


def _note_repeated(found: dict[PathTuple, Finding], items: list[tuple[PathTuple, HookItem]], event: str) -> _Places:
    places: _Places = {}
    for path, item in items:
        if places.setdefault(hook_name(item), path) != path:
            found.setdefault(path, _owed_twice(path, hook_name(item), event))
    return places


def _note_shared(found: dict[PathTuple, Finding], earlier: _Places, later: _Places, event: str) -> None:
    fewer, more = (earlier, later) if len(earlier) < len(later) else (later, earlier)
    for name in fewer:
        if name in more:
            found.setdefault(later[name], _owed_twice(later[name], name, event))


def _owed_twice(path: PathTuple, hook: str, event: str) -> Finding:
    if hook.startswith("fire:"):
        message = f"{hook.removeprefix('fire:')!r} is fired twice by {event}"
        return Finding(path, message, "fire it once: `id` may give a list of ids")
    message = f"the hook {hook!r} is owed twice by {event}"
    return Finding(path, message, "name it once, or register it under a second name")


def each_item(model: DefinitionModel) -> Iterator[tuple[PathTuple, HookItem]]:
    """Every place that asks for a hook, with its path."""
    for path, _, state in model.each_state():
        yield from items_at((*path, "on_enter"), state.on_enter)
        yield from items_at((*path, "on_exit"), state.on_exit)
    for path, _, transition in model.each_transition():
        yield from items_at((*path, "effects"), transition.effects)


def items_at(path: PathTuple, items: list[HookItem]) -> list[tuple[PathTuple, HookItem]]:
    """The items of one list, each with its path."""
    return [((*path, i), item) for i, item in enumerate(items)]
