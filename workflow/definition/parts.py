"""What a definition is made of: fields, states with their hooks and timers, lanes, transitions with their guards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
