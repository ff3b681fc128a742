"""A hook that does what fate says, in place of one that the definitions name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from workflow.errors import Refused, Retryable
from workflow.runtime.effect import Effect
from workflow.testing.simulation.payloads import payload_for, trigger_from
from workflow.testing.simulation.profile import HOOK_FATES
from workflow.testing.simulation.scheduler import SECOND

if TYPE_CHECKING:
    from workflow.testing.simulation.world import World

_SLOW_SECONDS = (0.2, 2.0, 20.0)
VERY_SLOW_SECONDS = (58.0, 66.0, 120.0)


class SimulatedError(Exception):
    """What a hook raises where fate lets it fail."""


class SimulatedRetryableError(Retryable):
    """What a hook raises that was told to come again."""


class SimulatedRefusal(Refused):
    """What a hook raises that was refused."""


class StandIn:
    """A hook that does what fate says."""

    def __init__(self, world: World, name: str) -> None:
        self._world, self._name = world, name

    def __call__(self, effect: Effect) -> object:
        if self._world.is_poisoned(effect.kind, effect.id, self._name):
            if self._world.profile.poison_ends_process:
                self._world.crash("in the hook, as each time")
            raise SimulatedError("poisoned")
        what = HOOK_FATES[self._world.fate.weighted(self._world.profile.hooks)]
        if what != "well":
            self._world.fault(f"hook {what}")
        act: Callable[[Effect], object] = getattr(self, f"_{what.replace(' ', '_')}")
        act(effect)
        self._world.log.happened.add(effect.key)
        return self._returned(effect)

    def _well(self, effect: Effect) -> None:
        pass

    def _error(self, effect: Effect) -> None:
        raise SimulatedError("as fate has it")

    def _retryable(self, effect: Effect) -> None:
        raise SimulatedRetryableError("come again")

    def _refused(self, effect: Effect) -> None:
        raise SimulatedRefusal("no, and never")

    def _caught(self, effect: Effect) -> None:
        names = self._world.scenario.caught.get(self._name, ())
        name = names[self._world.fate.choose(len(names))] if names else "*"
        raise (_error_class(name) if name != "*" else SimulatedError)("to be caught")

    def _slow(self, effect: Effect) -> None:
        self._sleep(_SLOW_SECONDS)

    def _very_slow(self, effect: Effect) -> None:
        self._sleep(VERY_SLOW_SECONDS)

    def _sleep(self, lengths: tuple[float, ...]) -> None:
        self._world.scheduler.sleep(round(lengths[self._world.fate.choose(len(lengths))] * SECOND))

    def _crash_before(self, effect: Effect) -> None:
        self._world.crash("in the hook, before it did anything")

    def _crash_after(self, effect: Effect) -> None:
        self._world.log.happened.add(effect.key)
        self._world.crash("in the hook, after all was done")

    def _fires(self, effect: Effect) -> None:
        self._fire(effect, effect.kind, effect.id)

    def _fires_elsewhere(self, effect: Effect) -> None:
        keys = self._world.table.entity_keys()
        self._fire(effect, *keys[self._world.fate.choose(len(keys))])

    def _fire(self, effect: Effect, kind: str, entity_id: str) -> None:
        world = self._world
        trigger = trigger_from(world, (kind, entity_id))
        payload = payload_for(world, (kind, entity_id), trigger)
        try:
            accepted = effect.fire(trigger, payload, kind=kind, id=entity_id)
        except Refused as refusal:
            world.tell(f"{effect.key}: fired {trigger!r} at {kind} {entity_id}, which was refused: {refusal}")
            if world.fate.choose(2):
                raise
        else:
            world.tell(f"{effect.key}: fired {trigger!r} at {kind} {entity_id}: v{accepted.event.version}")

    def _creates(self, effect: Effect) -> None:
        world = self._world
        if effect.id.startswith("child"):
            return
        try:
            effect.create(effect.kind, f"child of {effect.id}", payload_for(world, (effect.kind, ""), ""))
        except Refused as refusal:
            world.tell(f"{effect.key}: creating a child was refused: {refusal}")

    def _returned(self, effect: Effect) -> object:
        trigger = self._world.scenario.then.get(self._name, "")
        if not trigger:
            return None
        return payload_for(self._world, (effect.kind, effect.id), trigger)


_classes: dict[str, type[Exception]] = {}


def _error_class(name: str) -> type[Exception]:
    if name not in _classes:
        _classes[name] = type(name, (SimulatedError,), {})
    return _classes[name]
