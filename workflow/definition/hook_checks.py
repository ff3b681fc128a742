"""Hooks: are they registered, is each owed once for an event, do timers and catches fire what can be fired?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator

from workflow.definition.build import PUBLISH
from workflow.definition.definition import VERIFY
from workflow.definition.document import PathTuple
from workflow.definition.durations import whole_seconds
from workflow.definition.findings import Finding
from workflow.definition.graph import Edge, triggers_by_source
from workflow.definition.model import DefinitionModel, GuardFunctionModel, HookItem, PublishModel, RunModel
from workflow.definition.registered import Registered
from workflow.definition.suggestions import listed, ways_out


def unregistered(model: DefinitionModel, registered: Registered) -> Iterator[Finding]:
    """Hooks, guards and probes that the definition needs and no handler registers."""
    yield from _unregistered_hooks(model, registered.hooks)
    yield from _unregistered_probes(model, registered.probes)
    yield from _unregistered_guards(model, registered.guards)


def _unregistered_hooks(model: DefinitionModel, hooks: Collection[str]) -> Iterator[Finding]:
    for path, item in each_item(model):
        name = hook_name(item)
        if name in hooks:
            continue
        if isinstance(item, PublishModel):
            yield Finding(path, "nothing publishes yet in this version", "run a hook that publishes")
        else:
            message = f"no hook {name!r} is registered"
            where = (*path, "run") if isinstance(item, RunModel) else path
            yield Finding(where, message, ways_out(name, sorted(hooks), "registered"))


def _unregistered_probes(model: DefinitionModel, probes: Collection[str]) -> Iterator[Finding]:
    for path, item in each_item(model):
        if isinstance(item, RunModel) and item.on_unknown == VERIFY and item.run not in probes:
            message = f"no probe of {item.run!r} is registered, so nothing can verify whether it happened"
            way_out = f"write one, marked @probe(of={item.run!r}), or choose 'retry' or 'park'"
            yield Finding((*path, "on_unknown"), message, way_out)


def _unregistered_guards(model: DefinitionModel, guards: Collection[str]) -> Iterator[Finding]:
    for path, _, transition in model.each_transition():
        guard = transition.guard
        if isinstance(guard, GuardFunctionModel) and guard.function not in guards:
            message = f"no guard {guard.function!r} is registered"
            yield Finding((*path, "guard", "function"), message, ways_out(guard.function, sorted(guards), "registered"))


def repeated_hooks(model: DefinitionModel, all_edges: list[Edge]) -> Iterator[Finding]:
    """Hooks owed twice by one event: the key of an effect, event and hook, would stand for two."""
    on_enter = {name: items_at((*path, "on_enter"), state.on_enter) for path, name, state in model.each_state()}
    on_exit = {name: items_at((*path, "on_exit"), state.on_exit) for path, name, state in model.each_state()}
    found: dict[PathTuple, Finding] = {}
    for name in model.states:
        _note_repeated(found, on_enter[name], f"an event that leads into {name!r}")
        _note_repeated(found, on_exit[name], f"an event that leads out of {name!r}")
    for edge in all_edges:
        effects = items_at((*edge.path, "effects"), edge.transition.effects)
        owed = on_exit.get(edge.source, []) + effects + on_enter.get(edge.target, [])
        _note_repeated(found, owed, f"{edge.trigger!r} from {edge.source!r}")
    yield from found.values()


def _note_repeated(found: dict[PathTuple, Finding], owed: list[tuple[PathTuple, HookItem]], event: str) -> None:
    seen: set[str] = set()
    for path, item in owed:
        name = hook_name(item)
        if name in seen:
            message = f"the hook {name!r} is owed twice by {event}"
            found.setdefault(path, Finding(path, message, "name it once, or register it under a second name"))
        seen.add(name)


def wrong_timers(model: DefinitionModel, all_edges: list[Edge]) -> Iterator[Finding]:
    """Timers that fire what the state does not have, what needs a payload, or two at the same time."""
    triggers = triggers_by_source(all_edges)
    for path, name, state in model.each_state():
        if state.final:
            continue
        for text, trigger in state.after.items():
            where = (*path, "after", text)
            known = triggers.get(name, [])
            if trigger not in known:
                yield Finding(where, *_no_such_trigger("the timer fires", trigger, name, known))
            elif all(_needs_payload(edge) for edge in all_edges if (edge.trigger, edge.source) == (trigger, name)):
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


def _needs_payload(edge: Edge) -> bool:
    requires = edge.transition.requires
    if isinstance(requires, list):
        return bool(requires)
    return any(
        isinstance(spec, str) or not (spec.optional or "default" in spec.model_fields_set) for spec in requires.values()
    )


def wrong_catches(model: DefinitionModel, all_edges: list[Edge]) -> Iterator[Finding]:
    """Catches that fire a trigger which the entity, where it then is, does not have."""
    triggers = triggers_by_source(all_edges)
    after_exit: dict[str, list[str]] = defaultdict(list)
    for edge in all_edges:
        after_exit[edge.source] += triggers.get(edge.target, [])
    for path, name, state in model.each_state():
        yield from _wrong_catches((*path, "on_enter"), state.on_enter, name, triggers.get(name, []))
        yield from _wrong_catches((*path, "on_exit"), state.on_exit, f"what follows {name}", after_exit[name])
    for path, _, transition in model.each_transition():
        known = triggers.get(transition.to, [])
        yield from _wrong_catches((*path, "effects"), transition.effects, transition.to, known)


def _wrong_catches(path: PathTuple, items: list[HookItem], state: str, known: list[str]) -> Iterator[Finding]:
    for where, item in items_at(path, items):
        if isinstance(item, RunModel):
            for error_name, trigger in item.catch.items():
                if trigger not in known:
                    problem = _no_such_trigger("the catch fires", trigger, state, known)
                    yield Finding((*where, "catch", error_name), *problem)


def _no_such_trigger(who: str, trigger: str, state: str, known: list[str]) -> tuple[str, str]:
    message = f"{who} {trigger!r}, but no transition of that name leads out of {state!r}"
    way_out = ways_out(trigger, known, "triggers there") if known else f"add one; triggers there: {listed(known)}"
    return message, way_out


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


def hook_name(item: HookItem) -> str:
    """The registered name of the hook that the item asks for."""
    if isinstance(item, str):
        return item
    return PUBLISH if isinstance(item, PublishModel) else item.run
