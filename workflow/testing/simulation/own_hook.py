"""The user's own hooks and the framework's, called for real; fate adds that the process dies before or after them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from workflow.runtime.effect import Effect
from workflow.runtime.hooks import HookFunction
from workflow.testing.simulation.hook_runs import HookRuns
from workflow.testing.simulation.own_effect import OwnEffect
from workflow.testing.simulation.profile import HOOK_FATES
from workflow.testing.simulation.scheduler import current

if TYPE_CHECKING:
    from workflow.testing.simulation.world import World


def between_crashes(world: World, run: Callable[[], object]) -> object:
    """Runs it and returns what it returned, unless the process dies before or after it."""
    what = HOOK_FATES[world.fate.weighted(world.profile.hooks)]
    if what == "crash before":
        world.fault(f"hook {what}")
        world.crash("before the hook")
    returned = run()
    if what == "crash after":
        world.fault(f"hook {what}")
        world.crash("after the hook")
    return returned


class OwnHook:
    """A hook of the user's, called for real; fate adds that the process dies before or after it."""

    def __init__(self, world: World, name: str, function: HookFunction) -> None:
        self._world, self._function = world, function
        self._runs = world.log.hooks[name] = HookRuns()

    def __call__(self, effect: Effect) -> object:
        own = OwnEffect(effect, self._world.scenario.in_threads)
        return between_crashes(self._world, lambda: self._called(own))

    def _called(self, effect: Effect) -> object:
        try:
            returned = self._function(effect)
        except Exception as error:
            if not current().crashed:
                self._runs.note_error(self._function, error)
            raise
        self._runs.well += 1
        return returned
