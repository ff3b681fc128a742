"""Circles without an end: effects that fire transitions that owe effects that fire the first one again, for ever.

Of each edge it is asked what its hooks fire: by `then` and `catch`, which the definition says, and by themselves, which
the handlers say (`@hook(fires=...)`); and what a lane fires on those that wait. A guard is trusted to end a circle, and
a timer to slow it down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, TypeAlias

from workflow.definition.components import round_trips, way_round
from workflow.definition.definition import CREATE
from workflow.definition.document import PathTuple
from workflow.definition.findings import Finding
from workflow.definition.graph import Edge, edges, ways_by_source
from workflow.definition.hook_checks import each_item, items_at
from workflow.definition.item_model import FireModel, HookItem, RunModel, hook_name, undo_hook
from workflow.definition.model import DefinitionModel

Fires: TypeAlias = Mapping[str, Sequence[str]]
"""What each hook says that it fires, by the hook's name."""

_Node: TypeAlias = tuple[str, ...]
_MOST_SHOWN = 8
_WAY_OUT = "put a guard on one of the transitions, or wait in between with a timer (`after`)"


class _Use(NamedTuple):
    """A place that asks for a hook: in which of the models, and where there."""

    model: int
    path: PathTuple
    hook: str


_Arcs: TypeAlias = dict[_Node, dict[_Node, _Use | None]]
"""What leads to what. An edge is ("edge", kind, trigger, from, to); all other nodes bundle arcs, of which n edges and n
hooks could else make n times n. An arc from a bundle of hooks is labelled with the one that fires."""


def endless_circles(models: Sequence[DefinitionModel], fires: Fires) -> Iterator[tuple[int, Finding]]:
    """One finding for each set of edges that lead to each other without a guard, with the index of its model.

    `models` has one model of each kind.
    """
    arcs: _Arcs = {}
    for index, model in enumerate(models):
        _Reader(arcs, index, model, fires).add_all()
    position = {node: i for i, node in enumerate(arcs)}
    for component in sorted(round_trips(arcs), key=lambda nodes: min(position[node] for node in nodes)):
        start = min((node for node in component if node[0] == "edge"), key=position.__getitem__)
        yield _finding(way_round(arcs, start, component), arcs)


def _finding(way: list[_Node], arcs: _Arcs) -> tuple[int, Finding]:
    uses = [use for node, after in zip(way, [*way[1:], way[0]], strict=True) if (use := arcs[node][after])]
    steps = [node for node in way if node[0] == "edge"]
    told = [f"{_told(edge)} -> {use.hook}" for edge, use in zip(steps, uses, strict=True)]
    if len(told) > _MOST_SHOWN:
        told = [*told[: _MOST_SHOWN - 1], f"{len(told) - _MOST_SHOWN + 1} more"]
    _, kind, trigger, *_ = steps[0]
    message = f"circle without an end: {' -> '.join([*told, f'{kind} {trigger}'])}"
    return uses[0].model, Finding(uses[0].path, message, _WAY_OUT)


def _told(edge: _Node) -> str:
    _, kind, trigger, source, target = edge
    return f"{kind} {trigger} ({source} -> {target})" if source else f"{kind} {trigger} (-> {target})"


class _Fired(NamedTuple):
    """What a list of hooks fires, with the first hook that does: triggers of the entity itself, and wider ones."""

    own: dict[str, _Use]
    wide: dict[_Node, _Use]


class _Reader:
    """Adds the arcs of one model, edges first in the order of the file."""

    def __init__(self, arcs: _Arcs, index: int, model: DefinitionModel, fires: Fires) -> None:
        self._arcs, self._index, self._model, self._fires = arcs, index, model, fires
        self._kind = model.kind
        self._edges = edges(model)

    def add_all(self) -> None:
        created = ("edge", self._kind, CREATE, "", self._model.initial)
        self._add(created, ("in", self._kind, self._model.initial))
        self._add(("any", self._kind, CREATE), created)
        for edge in self._edges:
            if edge.transition.guard is None:
                self._add_edge(edge)
        for path, name, state in self._model.each_state():
            self._add_fired(("in", self._kind, name), name, self._fired((*path, "on_enter"), state.on_enter))
        for path, _, transition in self._model.each_transition():
            bundle = ("do", self._kind, *map(str, path))
            self._add_fired(bundle, transition.to, self._fired((*path, "effects"), transition.effects))
            if transition.compensate:
                self._add_fired(bundle, transition.to, self._fired_by_undos)
        self._add_exits()
        self._add_lanes()

    def _add_lanes(self) -> None:
        for name, lane in self._model.lanes.items():
            use = _Use(self._index, ("lanes", name, "trigger"), f"the lane {name}")
            self._add(("in", self._kind, lane.waiting), ("from", self._kind, lane.waiting, lane.trigger), use)

    def _add_edge(self, edge: Edge) -> None:
        kind, source, target = self._kind, edge.source, edge.target
        node = ("edge", kind, edge.trigger, source, target)
        bundles = [("out", kind, source), ("out", kind, source, target), ("in", kind, target)]
        for bundle in (*bundles, ("do", kind, *map(str, edge.path))):
            self._add(node, bundle)
        self._add(("any", kind, edge.trigger), node)
        self._add(("from", kind, source, edge.trigger), node)

    def _add_exits(self) -> None:
        ways = ways_by_source(self._edges)
        fired = {
            name: self._fired((*path, "on_exit"), state.on_exit)
            for path, name, state in self._model.each_state()
            if state.on_exit
        }
        for name, found in fired.items():
            self._add_fired(("out", self._kind, name), "", _Fired({}, found.wide))
        for source, target in dict.fromkeys((e.source, e.target) for e in self._edges if e.source in fired):
            own, led_on = fired[source].own, ways.get(target, {})
            # The smaller of the two is gone through: there may be many pairs of states.
            shared = [name for name in led_on if name in own] if len(led_on) < len(own) else own
            found = _Fired({name: own[name] for name in shared}, {})
            self._add_fired(("out", self._kind, source, target), target, found)

    def _add_fired(self, bundle: _Node, state: str, fired: _Fired) -> None:
        for trigger, use in fired.own.items():
            self._add(bundle, ("from", self._kind, state, trigger), use)
        for wide, use in fired.wide.items():
            self._add(bundle, wide, use)

    def _fired(self, path: PathTuple, items: list[HookItem]) -> _Fired:
        fired = _Fired({}, {})
        for where, item in items_at(path, items):
            hook = hook_name(item)
            for written_at, trigger in _written(where, item):
                fired.own.setdefault(trigger, _Use(self._index, written_at, hook))
            for name in _fired_elsewhere(item) or self._fires.get(hook, ()):
                self._note(fired, name, _Use(self._index, where, hook))
        return fired

    @cached_property
    def _fired_by_undos(self) -> _Fired:
        fired = _Fired({}, {})
        for path, item in each_item(self._model):
            for name in self._fires.get(undo_hook(item), ()):
                self._note(fired, name, _Use(self._index, (*path, "undo"), undo_hook(item)))
        return fired

    def _note(self, fired: _Fired, name: str, use: _Use) -> None:
        kind, _, trigger = name.rpartition(".")
        if kind or trigger == CREATE:
            fired.wide.setdefault(("any", kind or self._kind, trigger), use)
        else:
            fired.own.setdefault(trigger, use)

    def _add(self, node: _Node, after: _Node, use: _Use | None = None) -> None:
        self._arcs.setdefault(node, {}).setdefault(after, use)


def _written(where: PathTuple, item: HookItem) -> Iterator[tuple[PathTuple, str]]:
    if not isinstance(item, str):
        if isinstance(item, RunModel) and item.then is not None:
            yield (*where, "then"), item.then
        for error, trigger in item.catch.items():
            yield (*where, "catch", error), trigger


def _fired_elsewhere(item: HookItem) -> tuple[str, ...]:
    return (f"{item.fire.kind}.{item.fire.trigger}",) if isinstance(item, FireModel) else ()
