"""Every promise, held against the table and the log when nothing moves any more."""

from __future__ import annotations

from workflow.engine.entity import Entity
from workflow.errors import StoreUnavailableError, ThrottledError
from workflow.runtime.findings import findings
from workflow.testing.simulation.check_delays import check_delays
from workflow.testing.simulation.check_effects import check_effects
from workflow.testing.simulation.check_history import check_answers, check_history
from workflow.testing.simulation.check_lanes import check_lanes
from workflow.testing.simulation.check_published import check_published
from workflow.testing.simulation.check_timers import check_timers
from workflow.testing.simulation.check_undos import check_undos
from workflow.testing.simulation.log import Key, RawWrite
from workflow.testing.simulation.views import ALL_SHOWN
from workflow.testing.simulation.world import World


def check(world: World) -> None:
    """Notes every promise that the schedule broke."""
    check_answers(world)
    for key in world.table.entity_keys():
        if key in world.log.tainted:
            continue
        check_history(world, key)
        check_effects(world, key)
        check_undos(world, key)
        check_published(world, key)
        check_timers(world, key)
        check_verified(world, key)
    check_violations(world)
    check_errors(world)
    check_delays(world)
    check_lanes(world)


def check_violations(world: World) -> None:
    """Promise 7: each raw write that changed something is recorded, and nothing else is."""
    for write in world.log.raw:
        if (write.before_version, write.source) == (write.version, write.target):
            continue
        if world.is_trimmed:
            # The stream that would have shown it lost its records.
            continue
        if not _is_told(world, write):
            world.log.breach(7, f"{' '.join(write.key)} was changed by hand, {write[1:]}, and no violation says so")
    for key in world.table.entity_keys():
        if key not in world.log.tainted and (found := world.table.violations(*key)):
            world.log.breach(7, f"{' '.join(key)} was never changed by hand; a violation says: {found[0].reason}")


def _is_told(world: World, write: RawWrite) -> bool:
    """Whether a violation tells of the write by hand, as far as the stream's view lets it be seen."""
    found, after = world.table.violations(*write.key), (write.version, write.target)
    if any((v.before_version, v.version, v.source, v.target) == write[1:] for v in found):
        return True
    if world.profile.view == ALL_SHOWN:
        return False
    if any((v.version, v.target) == after for v in found):
        # What was there before is told as the history has it.
        return True
    event, entity = world.table.event(write.key, write.version), world.table.entity(write.key)
    if event is not None and event.target == write.target:
        return True
    # Without the new image, what was written over before anybody looked is not seen.
    return world.profile.view != "NEW_IMAGE" and write.version > 0 and after != _place(entity)


def _place(entity: Entity | None) -> tuple[int, str] | None:
    return (entity.version, entity.state) if entity else None


def check_verified(world: World, key: Key) -> None:
    """What `workflow verify` says of a table on which every promise was kept: nothing."""
    records = world.table.records.of(*key)
    for found in findings(records, world.scenario.definitions, world.runtime.clock.now()):
        world.log.breach(found.promise, f"verify says: {found}")


def check_errors(world: World) -> None:
    """Promise 10: nobody is told anything but the framework's own errors."""
    for actor in world.scheduler.failed:
        if not isinstance(actor.error, StoreUnavailableError | ThrottledError):
            world.log.breach(10, f"{actor.name} ended with {type(actor.error).__name__}: {actor.error}")
