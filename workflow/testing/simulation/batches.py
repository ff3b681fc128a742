"""Batched hooks as fate has them: whole batches fail, single effects do, and the process dies in the middle of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from workflow.runtime.effect import Effect
from workflow.runtime.hooks import BatchFunction, HookFunction
from workflow.testing.simulation.hook_runs import HookRuns
from workflow.testing.simulation.own_effect import OwnEffect
from workflow.testing.simulation.profile import HOOK_FATES
from workflow.testing.simulation.scheduler import current

if TYPE_CHECKING:
    from workflow.testing.simulation.world import World


class OwnBatch:
    """A batched hook of the user's, called for real; fate adds that the process dies before it, after it, or when a
    part of the batch is done."""

    def __init__(self, world: World, name: str, function: BatchFunction) -> None:
        self._world, self._function = world, function
        self._runs = world.log.hooks[name] = HookRuns()

    def __call__(self, effects: Sequence[Effect]) -> object:
        world = self._world
        what = HOOK_FATES[world.fate.weighted(world.profile.hooks)]
        own = [OwnEffect(effect, world.scenario.in_threads) for effect in effects]
        if what not in ("crash before", "crash after"):
            return self._called(own)
        world.fault(f"hook {what}")
        if what == "crash after":
            self._called(own[: len(own) - world.fate.choose(len(own))])
        world.crash(f"{what.removeprefix('crash ')} the hook")
        raise AssertionError("nobody comes here")

    def _called(self, effects: Sequence[Effect]) -> object:
        try:
            answer = self._function(effects)
        except Exception as error:
            if not current().crashed:
                self._runs.note_error(self._function, error)
            raise
        for effect in effects:
            how = error_of(answer, effect)
            if isinstance(how, Exception):
                self._runs.note_error(self._function, how)
            else:
                self._runs.well += 1
        return answer


class StandInBatch:
    """A batched hook that does for each effect what fate says; one that fails may fail them all."""

    def __init__(self, world: World, one: HookFunction) -> None:
        self._world, self._one = world, one

    def __call__(self, effects: Sequence[Effect]) -> object:
        answer: dict[str, object] = {}
        for effect in effects:
            try:
                answer[effect.key] = self._one(effect)
            except Exception as error:
                if self._world.fate.choose(2):
                    raise
                answer[effect.key] = error
        return answer


def error_of(answer: object, effect: Effect) -> BaseException | None:
    """The error that a batched hook answered for the effect; None if it is done."""
    how = answer.get(effect.key) if isinstance(answer, Mapping) else None
    return how if isinstance(how, BaseException) else None
