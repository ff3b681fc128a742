"""Hooks as fate has them: stand-ins for every hook that the definitions name, or the user's own with crashes around."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from workflow.definition.definition import Definitions
from workflow.errors import Refused, Retryable
from workflow.runtime.effect import Effect
from workflow.runtime.hooks import BatchFunction, HookFunction, Hooks, LimitFunction, ProbeFunction
from workflow.testing.simulation.batches import OwnBatch, StandInBatch, error_of
from workflow.testing.simulation.check_starts import check_start
from workflow.testing.simulation.hook_runs import HookRuns
from workflow.testing.simulation.own_effect import OwnEffect
from workflow.testing.simulation.payloads import payload_for, trigger_from
from workflow.testing.simulation.profile import HOOK_FATES
from workflow.testing.simulation.scheduler import SECOND, current

if TYPE_CHECKING:
    from workflow.testing.simulation.world import World

_SLOW_SECONDS = (0.2, 2.0, 20.0)
_VERY_SLOW_SECONDS = (58.0, 66.0, 120.0)


class SimulatedError(Exception):
    """What a hook raises where fate lets it fail."""


class SimulatedRetryableError(Retryable):
    """What a hook raises that was told to come again."""


class SimulatedRefusal(Refused):
    """What a hook raises that was refused."""


class SimulatedHooks(Hooks):
    """The hooks, guards and probes of one world; `own` are the user's, None for stand-ins."""

    def __init__(self, world: World, definitions: Definitions, own: Hooks | None) -> None:
        super().__init__()
        self._world = world
        names = [name for definition in definitions for name in sorted(definition.hooks)]
        for name in dict.fromkeys(names):
            size = own.batches[name][1] if own and name in own.batches else world.scenario.batches.get(name, 0)
            if size:
                self._batched(name, size, own)
            else:
                self._hooks[name] = self._watched(name, _Own(world, name, own[name]) if own else _StandIn(world, name))
        limits = {lane.limit_function for d in definitions for lane in d.lanes.values() if lane.limit_function}
        self.limits = {name: self._watched_limit(name, own.limits[name] if own else None) for name in sorted(limits)}
        if own:
            self.guards, self.probes = own.guards, own.probes
            self.probes = {name: self._watched_probe(probe) for name, probe in own.probes.items()}
        else:
            guards = [name for definition in definitions for name in sorted(definition.guards)]
            self.guards = dict.fromkeys(guards, fated_guard)
            verified = [name for definition in definitions for name in sorted(definition.verified)]
            self.probes = {name: self._watched_probe(self._probe) for name in verified}

    def declared(self, name: str, function: HookFunction) -> HookFunction:
        """The framework's own, called for real; fate adds that the process dies before or after it."""
        return self._watched(name, lambda effect: _between_crashes(self._world, lambda: function(effect)))

    def _batched(self, name: str, size: int, own: Hooks | None) -> None:
        world = self._world
        run: BatchFunction = StandInBatch(world, _StandIn(world, name))
        if own:
            run = OwnBatch(world, name, own.batches[name][0])
        watched: Any = self._watched_batch(run, size)
        self._hooks[name], self.batches[name] = watched, (watched, size)

    def _watched_batch(self, function: BatchFunction, size: int) -> BatchFunction:
        def run(effects: Sequence[Effect]) -> object:
            if not 0 < len(effects) <= size:
                self._world.log.breach(4, f"{effects[0].hook!r} takes {size} effects at once, and got {len(effects)}")
            answer: object = None
            with self._starts(effects):
                answer = function(effects)
            for effect in effects:
                if error := error_of(answer, effect):
                    self._note_failure(effect, error)
                else:
                    self._note_well(effect, None)
            return answer

        return run

    def _watched(self, name: str, function: HookFunction) -> HookFunction:
        def run(effect: Effect) -> object:
            with self._starts([effect]):
                returned = function(effect)
            self._note_well(effect, returned)
            return returned

        return run

    @contextmanager
    def _starts(self, effects: Sequence[Effect]) -> Iterator[None]:
        world, actor = self._world, current()
        begun = []
        for effect in effects:
            check_start(world, effect)
            world.log.starts[effect.key] += 1
            world.log.cut_off.add(effect.key)
            begun.append(world.running.setdefault((effect.kind, effect.id), []))
            begun[-1].append(actor)
            world.tell(f"{effect.key}: runs (attempt {effect.attempt})")
        try:
            yield
        except BaseException as error:
            if not actor.crashed:
                for effect in effects:
                    self._note_failure(effect, error)
            raise
        finally:
            for runs in begun:
                runs.remove(actor)

    def _note_well(self, effect: Effect, returned: object) -> None:
        self._world.log.well.add(effect.key)
        self._world.tell(f"{effect.key}: is done" + (f" and returned {returned!r}" if returned else ""))

    def _note_failure(self, effect: Effect, error: BaseException) -> None:
        world = self._world
        world.log.failed.add(effect.key)
        # Whoever ran it knows that it did not happen.
        world.log.cut_off.discard(effect.key)
        world.fault("hook failed")
        world.tell(f"{effect.key}: fails with {type(error).__name__}: {error}")

    def _watched_limit(self, name: str, own: LimitFunction | None) -> LimitFunction:
        def ask(key: str) -> int:
            limit = own(key) if own else self._world.rush.limit(name, key)
            if self._world.lane_watch:
                self._world.lane_watch.tell_limit(name, key, limit)
            return limit

        return ask

    def _watched_probe(self, probe: ProbeFunction) -> ProbeFunction:
        def ask(effect: Effect) -> object:
            happened = probe(effect)
            self._world.tell(f"{effect.key}: its probe says {'yes' if happened else 'no'}")
            if happened:
                self._world.log.probed.add(effect.key)
            self._world.log.cut_off.discard(effect.key)
            return happened

        return ask

    def _probe(self, effect: Effect) -> object:
        fate = self._world.fate.choose(6)
        if fate == 5:
            raise SimulatedError("the probe got no answer")
        if fate == 4:
            self._world.scheduler.sleep(round(_VERY_SLOW_SECONDS[1] * SECOND))
        return effect.key in self._world.log.happened


def fated_guard(seen: Mapping[str, Any]) -> bool:
    """A pure guard that lets most pass: the same answer for the same input, as guards must."""
    return zlib.crc32(repr(sorted(seen["payload"].items())).encode()) % 5 != 0


def _between_crashes(world: World, run: Callable[[], object]) -> object:
    what = HOOK_FATES[world.fate.weighted(world.profile.hooks)]
    if what == "crash before":
        world.fault(f"hook {what}")
        world.crash("before the hook")
    returned = run()
    if what == "crash after":
        world.fault(f"hook {what}")
        world.crash("after the hook")
    return returned


class _Own:
    """A hook of the user's, called for real; fate adds that the process dies before or after it."""

    def __init__(self, world: World, name: str, function: HookFunction) -> None:
        self._world, self._function = world, function
        self._runs = world.log.hooks[name] = HookRuns()

    def __call__(self, effect: Effect) -> object:
        own = OwnEffect(effect, self._world.scenario.in_threads)
        return _between_crashes(self._world, lambda: self._called(own))

    def _called(self, effect: Effect) -> object:
        try:
            returned = self._function(effect)
        except Exception as error:
            if not current().crashed:
                self._runs.note_error(self._function, error)
            raise
        self._runs.well += 1
        return returned


class _StandIn:
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
        self._sleep(_VERY_SLOW_SECONDS)

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
