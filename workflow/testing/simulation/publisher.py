"""Publishing as fate has it: calls that fail, fail for some, or work and then nobody hears of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from workflow.errors import PublishError, PublishRefusedError
from workflow.runtime.publish.port import Message, Publisher, Target
from workflow.testing.simulation.check_starts import may_start
from workflow.testing.simulation.hook_runs import HookRuns
from workflow.testing.simulation.profile import HOOK_FATES
from workflow.testing.simulation.scheduler import SECOND, current

if TYPE_CHECKING:
    from workflow.testing.simulation.world import World

_SLEEPS_SECONDS = {"slow": (0.2, 2.0, 20.0), "very slow": (58.0, 66.0, 120.0)}


class Owed(NamedTuple):
    """The effect that a message is of, as its key says."""

    key: str
    kind: str
    id: str
    version: int
    hook: str


class Arrived(NamedTuple):
    """One message that a target took, and of which effect it is."""

    owed: Owed
    target: Target
    message: Message


def owed_of(key: str) -> Owed:
    """The effect of that key; only an id may hold the sign that stands between the parts."""
    kind, _, rest = key.partition("#")
    entity_id, version, hook = rest.rsplit("#", 2)
    return Owed(key, kind, entity_id, int(version), hook)


class SimulatedPublisher:
    """A publisher of one world; `own` is the user's, who gets what arrives."""

    def __init__(self, world: World, own: Publisher | None) -> None:
        self._world, self._own = world, own
        self.source = own.source if own else "/workflow/simulated"

    def publish(self, target: Target, messages: Sequence[Message]) -> Mapping[str, Exception]:
        """As the port says, if fate lets it."""
        world, actor = self._world, current()
        effects = [owed_of(message.key) for message in messages]
        for owed in effects:
            # It began before, when it read what it publishes: whoever was slow in that may be over its time by now.
            if world.scheduler.now < actor.ends_at:
                may_start(world, owed)
            world.log.starts[owed.key] += 1
            world.log.cut_off.add(owed.key)
            world.running.setdefault((owed.kind, owed.id), []).append(actor)
        world.tell(f"publishes to {target}: {', '.join(owed.key for owed in effects)}")
        try:
            failed = self._fated(target, messages)
        except Exception as error:
            failed = {owed.key: error for owed in effects}
        finally:
            for owed in effects:
                world.running[owed.kind, owed.id].remove(actor)
        if not actor.crashed:
            self._note(effects, failed)
        return failed

    def _fated(self, target: Target, messages: Sequence[Message]) -> dict[str, Exception]:
        world = self._world
        what = HOOK_FATES[world.fate.weighted(world.profile.hooks)]
        if what in _SLEEPS_SECONDS:
            lengths = _SLEEPS_SECONDS[what]
            world.scheduler.sleep(round(lengths[world.fate.choose(len(lengths))] * SECOND))
        if what == "crash before":
            world.fault("publisher crashed before")
            world.crash("before it published")
        if what == "error":
            world.fault("call failed")
            raise PublishError(f"publishing to {target}: no answer")
        failed = self._failing(target, messages, what)
        failed.update(self._arrive(target, [message for message in messages if message.key not in failed]))
        if what == "crash after":
            world.fault("publisher crashed after")
            world.crash("after all was published")
        if what == "retryable":
            world.fault("call answered to nobody")
            raise PublishError(f"publishing to {target}: the answer is lost")
        return failed

    def _failing(self, target: Target, messages: Sequence[Message], what: str) -> dict[str, Exception]:
        """Those of the call that are not taken: of poisoned entities, and every other one where fate says so."""
        world, failed = self._world, dict[str, Exception]()
        for number, message in enumerate(messages):
            owed = owed_of(message.key)
            if world.is_poisoned(owed.kind, owed.id, owed.hook):
                failed[message.key] = PublishRefusedError(f"publishing to {target}: poisoned")
            elif what in ("refused", "caught") and number % 2 == 0:
                world.fault("part of a call failed")
                error = PublishRefusedError if what == "refused" else PublishError
                failed[message.key] = error(f"publishing to {target}: not this one")
        return failed

    def _arrive(self, target: Target, messages: Sequence[Message]) -> Mapping[str, Exception]:
        failed = self._own.publish(target, messages) if self._own and messages else {}
        for message in messages:
            if message.key not in failed:
                self._world.log.published.append(Arrived(owed_of(message.key), target, message))
        return failed

    def _note(self, effects: Sequence[Owed], failed: Mapping[str, Exception]) -> None:
        log = self._world.log
        for owed in effects:
            runs = log.hooks.setdefault(owed.hook, HookRuns())
            if owed.key not in failed:
                log.well.add(owed.key)
                runs.well += 1
            else:
                log.failed.add(owed.key)
                log.cut_off.discard(owed.key)
                runs.note_error(self.publish, failed[owed.key])
                self._world.tell(f"{owed.key}: is not published: {failed[owed.key]}")
