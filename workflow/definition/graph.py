"""The states and the ways between them: what cannot be reached, what cannot be left, what is not clear."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from workflow.definition.document import PathTuple
from workflow.definition.findings import Finding
from workflow.definition.model import DefinitionModel, TransitionModel
from workflow.definition.suggestions import ways_out


@dataclass(frozen=True, slots=True)
class Edge:
    """One way from one state to another; `path` is that of the transition, `from_path` that of the source's name."""

    path: PathTuple
    from_path: PathTuple
    trigger: str
    source: str
    target: str
    transition: TransitionModel


Ways: TypeAlias = dict[str, dict[str, list[Edge]]]


def edges(model: DefinitionModel) -> list[Edge]:
    """Every edge, in the order given; a source that is named twice in one list counts once."""
    return [
        Edge(path, (*path, "from", i), trigger, source, transition.to, transition)
        for path, trigger, transition in model.each_transition()
        for source, i in _first_places(transition.sources).items()
    ]


def _first_places(names: list[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for i, name in enumerate(names):
        places.setdefault(name, i)
    return places


def ways_by_source(all_edges: list[Edge]) -> Ways:
    """The edges that lead out of each state, by their trigger, in the order they are tried."""
    ways: Ways = {}
    for edge in all_edges:
        ways.setdefault(edge.source, {}).setdefault(edge.trigger, []).append(edge)
    return ways


def unknown_states(model: DefinitionModel) -> Iterator[Finding]:
    """Names in initial, from and to that are no state's."""
    named: list[tuple[PathTuple, str]] = [(("initial",), model.initial)]
    for path, _, transition in model.each_transition():
        named += [((*path, "from", i), source) for i, source in enumerate(transition.sources)]
        named.append(((*path, "to"), transition.to))
    for path, name in named:
        if name not in model.states:
            yield Finding(path, f"there is no state {name!r}", ways_out(name, model.states, "states"))


def unreachable_states(model: DefinitionModel, all_edges: list[Edge]) -> Iterator[Finding]:
    """States that no way from the initial state leads to."""
    targets: dict[str, set[str]] = defaultdict(set)
    for edge in all_edges:
        targets[edge.source].add(edge.target)
    reached: set[str] = set()
    waiting = [model.initial]
    while waiting:
        state = waiting.pop()
        if state not in reached:
            reached.add(state)
            waiting += targets[state]
    for path, name, _ in model.each_state():
        if name not in reached:
            message = f"the state {name!r} cannot be reached from {model.initial!r}"
            yield Finding(path, message, "add a transition that leads to it, or remove it", at_key=True)


def dead_ends(model: DefinitionModel, all_edges: list[Edge]) -> Iterator[Finding]:
    """States that are not final and that nothing leads out of."""
    sources = {edge.source for edge in all_edges}
    for path, name, state in model.each_state():
        if not state.final and name not in sources:
            message = f"the state {name!r} is a dead end: nothing leads out of it and it is not final"
            yield Finding(path, message, "mark it 'final: true', or add a transition from it", at_key=True)


def final_states_with_ways_out(model: DefinitionModel, all_edges: list[Edge]) -> Iterator[Finding]:
    """What would happen after the end: transitions and timers out of final states, hooks on leaving them."""
    final = {name: path for path, name, state in model.each_state() if state.final}
    way_out = "remove it, or the state's 'final: true'"
    for edge in all_edges:
        if edge.source in final:
            message = f"the state {edge.source!r} is final, but {edge.trigger!r} leads out of it"
            yield Finding(edge.from_path, message, way_out)
    for name, path in final.items():
        state = model.states[name]
        for key in ("after", "on_exit"):
            if state is not None and getattr(state, key):
                yield Finding((*path, key), f"the state {name!r} is final, so its {key} never happens", way_out, True)


def ambiguous_triggers(all_edges: list[Edge]) -> Iterator[Finding]:
    """Candidates of one trigger from one state that nothing tells apart."""
    candidates: dict[tuple[str, str], list[Edge]] = defaultdict(list)
    for edge in all_edges:
        candidates[edge.trigger, edge.source].append(edge)
    for (trigger, source), rivals in candidates.items():
        for edge in rivals[:-1]:
            if edge.transition.guard is None:
                message = f"{trigger!r} from {source!r} is ambiguous: without a guard here, no later one is ever tried"
                yield Finding(edge.from_path, message, "add a guard, or put this one last")
        yield from _same_edge_other_effects(rivals)


def _same_edge_other_effects(rivals: list[Edge]) -> Iterator[Finding]:
    """An event records trigger, from and to: which of two such transitions it was could not be told from it."""
    first: dict[str, Edge] = {}
    for edge in rivals:
        twin = first.setdefault(edge.target, edge)
        if twin.transition.effects != edge.transition.effects:
            message = f"{edge.trigger!r} from {edge.source!r} to {edge.target!r} is given twice, with other effects"
            yield Finding((*edge.path, "to"), message, "give both the same effects, or lead them to different states")
