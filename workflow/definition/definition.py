"""A definition as the rest of the framework uses it: frozen, checked, and free of YAML, pydantic and AWS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from workflow.definition.undo_names import hook_of
from workflow.definition.values import Value

CREATE = "create"
"""The trigger recorded with an entity's first event; no transition may use the name."""

RETRY, PARK, VERIFY = ON_UNKNOWN = ("retry", "park", "verify")
"""What to do about a run that was cut off: run again, wait for a person, or ask the hook's probe."""

SKIP = "skip"
ON_REFUSED = (PARK, SKIP)
"""What to do about a trigger that another entity refused: wait for a person, or note it and go on."""

UNDO = "@undo"
"""Stands among the effects of a transition that compensates for all those that it undoes, which the ledger knows."""

MOST_RUNNING = 1000
"""The highest limit of a lane: who runs is read whole before somebody is started."""

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Field:
    """One typed field of the data or of a payload."""

    name: str
    type: str
    optional: bool = False
    sensitive: bool = False
    default: Value = None
    choices: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how fast an effect is tried again: `attempts` in all, waits in seconds."""

    attempts: int = 8
    first_seconds: float = 0.2
    factor: float = 4.0
    ceiling_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Fire:
    """A trigger, or CREATE, that is fired on other entities of a kind.

    `id` is JMESPath for one id or a list of them, as is `payload` for each field of the payload. `on_refused` is one of
    ON_REFUSED.
    """

    kind: str
    id: str
    trigger: str
    payload: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    on_refused: str = PARK


@dataclass(frozen=True, slots=True)
class HookUse:
    """A place where a definition asks for a hook; entering it makes an effect owed.

    `retry` None means `Retry()`. `catch` maps names of error classes, or `*`, to triggers of the same kind; `then` is
    the trigger of the same kind that the effect's commit fires, '' for none. `on_unknown` is one of ON_UNKNOWN. `undo`
    is asked for by transitions that compensate. With `publish` or `fire`, no registered hook runs but the framework's
    own.
    """

    hook: str
    retry: Retry | None = None
    catch: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    publish: Mapping[str, str] | None = None
    then: str = ""
    on_unknown: str = RETRY
    fire: Fire | None = None
    undo: HookUse | None = None

    @property
    def function(self) -> str:
        """The registered name of the hook; the name of an effect that undoes another says also which."""
        return hook_of(self.hook)

    @property
    def functions(self) -> tuple[str, ...]:
        """The names of the registered hooks that it needs."""
        if self.publish is not None or self.fire is not None or self.hook == UNDO:
            return ()
        return (self.hook, self.undo.hook) if self.undo else (self.hook,)


@dataclass(frozen=True, slots=True)
class Timer:
    """`after` a stay of so many seconds in the state, the trigger fires."""

    after_seconds: int
    trigger: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A queue for each key: at most `limit` entities of one key are in the state `running`, and while there are fewer,
    `trigger` is fired on the best of those in the state `waiting`.

    `by` is JMESPath for the key, '' for one queue for all. `limit_function` names the registered function that says
    the limit of a key, in place of `limit`. `first` is JMESPath for a number: the highest goes first, then the oldest;
    a wait of `ageing_seconds` is worth one point of it, 0: nothing.
    """

    name: str
    waiting: str
    running: str
    trigger: str
    by: str = ""
    limit: int = 1
    limit_function: str = ""
    first: str = ""
    ageing_seconds: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """One state: what is owed on entering and leaving it, its timers, and whether it ends the entity's life."""

    name: str
    final: bool = False
    on_enter: tuple[HookUse, ...] = ()
    on_exit: tuple[HookUse, ...] = ()
    timers: tuple[Timer, ...] = ()


@dataclass(frozen=True, slots=True)
class Guard:
    """What must hold for a transition: a JMESPath `expression`, or the name of a registered `function`; one is set."""

    expression: str = ""
    function: str = ""

    def __str__(self) -> str:
        return self.expression or f"{self.function}()"


@dataclass(frozen=True, slots=True)
class Transition:
    """One edge: `trigger` leads from `source` to `target`.

    `requires` are the payload's declared fields; `sets` maps each field of the data that may change to the JMESPath
    that gives its value, or to None for the payload field of the same name. `compensate`: it owes the `undo` of what
    was done and not yet undone, last first.
    """

    trigger: str
    source: str
    target: str
    requires: Mapping[str, Field] = field(default_factory=dict)
    sets: Mapping[str, str | None] = field(default_factory=dict)
    guard: Guard | None = None
    effects: tuple[HookUse, ...] = ()
    compensate: bool = False


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
