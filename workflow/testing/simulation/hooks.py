"""Hooks as fate has them: stand-ins for every hook that the definitions name, or the user's own with crashes around."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from workflow.definition.definition import Definitions
from workflow.runtime.effect import Effect
from workflow.runtime.hooks import BatchFunction, HookFunction, Hooks, LimitFunction, ProbeFunction
from workflow.testing.simulation.batches import OwnBatch, StandInBatch, error_of
from workflow.testing.simulation.check_starts import check_start
from workflow.testing.simulation.own_hook import OwnHook, between_crashes
from workflow.testing.simulation.scheduler import SECOND, current
from workflow.testing.simulation.stand_in import VERY_SLOW_SECONDS, SimulatedError, StandIn

if TYPE_CHECKING:
    from workflow.testing.simulation.world import World


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
                self._hooks[name] = self._watched(
                    name, OwnHook(world, name, own[name]) if own else StandIn(world, name)
                )
        limits = {lane.limit_function for d in definitions for lane in d.lanes.values() if lane.limit_function}
        self.limits = {name: self._watched_limit(name, own.limits[name] if own else None) for name in sorted(limits)}
        if own:
            self.guards = own.guards
            self.probes = {name: self._watched_probe(probe) for name, probe in own.probes.items()}
        else:
            guards = [name for definition in definitions for name in sorted(definition.guards)]
            self.guards = dict.fromkeys(guards, fated_guard)
            verified = [name for definition in definitions for name in sorted(definition.verified)]
            self.probes = {name: self._watched_probe(self._probe) for name in verified}

    def declared(self, name: str, function: HookFunction) -> HookFunction:
        """The framework's own, called for real; fate adds that the process dies before or after it."""
        return self._watched(name, lambda effect: between_crashes(self._world, lambda: function(effect)))

    def _batched(self, name: str, size: int, own: Hooks | None) -> None:
        world = self._world
        run: BatchFunction = StandInBatch(world, StandIn(world, name))
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
            self._world.scheduler.sleep(round(VERY_SLOW_SECONDS[1] * SECOND))
        return effect.key in self._world.log.happened


def fated_guard(seen: Mapping[str, Any]) -> bool:
    """A pure guard that lets most pass: the same answer for the same input, as guards must."""
    return zlib.crc32(repr(sorted(seen["payload"].items())).encode()) % 5 != 0
