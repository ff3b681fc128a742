"""A definition as the rest of the framework uses it: frozen, checked, and free of YAML, pydantic and AWS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

# Whoever has to do with a definition finds its parts here too.
from workflow.definition.parts import CREATE as CREATE
from workflow.definition.parts import MOST_RUNNING as MOST_RUNNING
from workflow.definition.parts import ON_REFUSED as ON_REFUSED
from workflow.definition.parts import ON_UNKNOWN as ON_UNKNOWN
from workflow.definition.parts import PARK as PARK
from workflow.definition.parts import RETRY as RETRY
from workflow.definition.parts import SKIP as SKIP
from workflow.definition.parts import UNDO as UNDO
from workflow.definition.parts import VERIFY as VERIFY
from workflow.definition.parts import Field as Field
from workflow.definition.parts import Fire as Fire
from workflow.definition.parts import Guard as Guard
from workflow.definition.parts import HookUse as HookUse
from workflow.definition.parts import Lane as Lane
from workflow.definition.parts import Retry as Retry
from workflow.definition.parts import State as State
from workflow.definition.parts import Timer as Timer
from workflow.definition.parts import Transition as Transition


@dataclass(frozen=True)
class Definition:
    """All that is declared of one kind in one version."""

    kind: str
    version: int
    initial: str
    data: Mapping[str, Field]
    states: Mapping[str, State]
    transitions: tuple[Transition, ...]
    lanes: Mapping[str, Lane] = field(default_factory=dict)

    @cached_property
    def lane_of(self) -> Mapping[str, Lane]:
        """The lane that each state belongs to, as the one in which entities wait or run."""
        return {state: lane for lane in self.lanes.values() for state in (lane.waiting, lane.running)}

    @cached_property
    def uses(self) -> Mapping[tuple[str, str, str], tuple[HookUse, ...]]:
        """Every declared (trigger, from, to), with the hook uses it owes in the order they run, one for each hook;
        creation comes from ''."""
        uses = {(CREATE, "", self.initial): _first_of_each(self.states[self.initial].on_enter)}
        for transition in self.transitions:
            key = (transition.trigger, transition.source, transition.target)
            undone = (HookUse(UNDO),) if transition.compensate else ()
            leaving, entering = self.states[transition.source].on_exit, self.states[transition.target].on_enter
            uses[key] = _first_of_each(leaving + undone + transition.effects + entering)
        return uses

    @cached_property
    def edges(self) -> Mapping[tuple[str, str, str], tuple[str, ...]]:
        """Every declared (trigger, from, to), with the hooks it owes in the order they run; creation comes from ''."""
        return {edge: tuple(use.hook for use in uses) for edge, uses in self.uses.items()}

    @cached_property
    def sensitive(self) -> frozenset[str]:
        """The names of all fields, of data and payloads, that never go into logs, traces or errors."""
        required = [f for t in self.transitions for f in t.requires.values()]
        return frozenset(f.name for f in [*self.data.values(), *required] if f.sensitive)

    @property
    def hooks(self) -> frozenset[str]:
        """The names of all registered hooks that the definition asks for."""
        return frozenset(hook for owed in self.uses.values() for use in owed for hook in use.functions)

    @property
    def verified(self) -> frozenset[str]:
        """The names of all hooks that are asked, by their probe, whether a run that was cut off has happened."""
        asked = [one for owed in self.uses.values() for use in owed for one in (use, use.undo) if one]
        return frozenset(use.hook for use in asked if use.on_unknown == VERIFY)

    @property
    def guards(self) -> frozenset[str]:
        """The names of all guards in Python that the definition asks for."""
        return frozenset(t.guard.function for t in self.transitions if t.guard and t.guard.function)

    @property
    def limits(self) -> frozenset[str]:
        """The names of all functions in Python that say how many of a lane may run."""
        return frozenset(lane.limit_function for lane in self.lanes.values() if lane.limit_function)

    def triggers_from(self, state: str) -> tuple[str, ...]:
        """The triggers that lead out of `state`, in the order the definition gives them."""
        return tuple(dict.fromkeys(t.trigger for t in self.transitions if t.source == state))


def _first_of_each(uses: tuple[HookUse, ...]) -> tuple[HookUse, ...]:
    first: dict[str, HookUse] = {}
    for use in uses:
        first.setdefault(use.hook, use)
    return tuple(first.values())


class Definitions:
    """The loaded definitions: for each kind the version in force (the highest), and the older ones that were kept."""

    def __init__(self, definitions: tuple[Definition, ...]) -> None:
        self._all = tuple(sorted(definitions, key=lambda d: (d.kind, d.version)))
        self._versions = {(d.kind, d.version): d for d in self._all}
        self._in_force = {d.kind: d for d in self._all}

    def __iter__(self) -> Iterator[Definition]:
        return iter(self._all)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The loaded kinds, in alphabetical order."""
        return tuple(self._in_force)

    def find(self, kind: str, version: int | None = None) -> Definition | None:
        """That version of the definition, or the one in force; None where it is not loaded."""
        return self._in_force.get(kind) if version is None else self._versions.get((kind, version))
