"""The state machine of one definition version, held by the `transitions` library.

The library keeps states, triggers and guards and answers which ways lead out of a state. It is never asked to run a
transition (that costs more than the whole of `decide`) and never sees a string from YAML where it takes a callback:
it would import a dotted name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import cast

import transitions

from workflow.definition.definition import Definition, Guard, Transition
from workflow.definition.expressions import Expression, Seen

GuardFunction = Callable[[Seen], object]
"""A guard in Python: given copies of {payload, data, entity}, anything true lets the transition pass. It is pure."""


class Way(transitions.Transition):
    """One way out of a state: the library's transition, with what our definition declares beside it."""

    dest: str
    declared: Transition
    mappings: Mapping[str, Expression | None]
    guard: GuardFunction | None


class _Machine(transitions.Machine):
    transition_cls = Way


class UnknownGuardError(LookupError):
    """A definition names a guard function that was not given."""


class BrokenGuardError(Exception):
    """A guard function raised, which is its `__cause__`."""


class Machine:
    """The ways through one definition, ready to be asked; built once per definition version."""

    def __init__(self, definition: Definition, guards: Mapping[str, GuardFunction]) -> None:
        self.definition = definition
        self._machine = _Machine(
            model=None,
            states=list(definition.states),
            initial=definition.initial,
            auto_transitions=False,
            send_event=True,
            # There is no model. The library refuses a trigger of this name, so it is one that no trigger can have.
            model_attribute="no model",
        )
        for declared in definition.transitions:
            self._add(declared, guards)

    def _add(self, declared: Transition, guards: Mapping[str, GuardFunction]) -> None:
        guard = _function(declared.guard, guards) if declared.guard else None
        conditions = cast("list[str | Callable[..., bool | None]]", [guard] if guard else [])
        self._machine.add_transition(declared.trigger, declared.source, declared.target, conditions=conditions)
        way = cast(Way, self._machine.events[declared.trigger].transitions[declared.source][-1])
        way.declared, way.guard = declared, guard
        way.mappings = {name: Expression(text) if text else None for name, text in declared.sets.items()}

    def ways(self, trigger: str, state: str) -> list[Way]:
        """The ways that `trigger` opens from `state`, in the order declared; none if it leads nowhere from there."""
        event = self._machine.events.get(trigger)
        return cast(list[Way], event.transitions.get(state, [])) if event else []

    def triggers_from(self, state: str) -> tuple[str, ...]:
        """The triggers that lead somewhere from `state`, in the order declared."""
        return tuple(self._machine.get_triggers(state)) if state in self._machine.states else ()


def _function(guard: Guard, guards: Mapping[str, GuardFunction]) -> GuardFunction:
    if guard.expression:
        return Expression(guard.expression).holds
    function = guards.get(guard.function)

    def asked(seen: Seen) -> object:
        if function is None:
            raise UnknownGuardError(guard.function)
        try:
            # A copy, since what it did to the payload or the data would be written.
            return function(deepcopy(seen))
        except Exception as error:
            raise BrokenGuardError(guard.function) from error

    return asked
