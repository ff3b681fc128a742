"""Promise 6: whose hooks never fail waits for nobody, whatever the neighbours do."""

from __future__ import annotations

from workflow.testing.simulation.scheduler import SECOND
from workflow.testing.simulation.world import World

_ONE_RETRY_CYCLE = 60 * SECOND


def check_delays(world: World) -> None:
    """Notes a breach for each effect that came late, where neither the infrastructure nor its own entity failed."""
    if not world.profile.is_fair or world.plan:
        return
    for settled in world.log.settled:
        if settled.key in world.log.held_up or settled.key in world.log.tainted:
            continue
        committed_at = world.log.committed_at[(*settled.key, settled.version)]
        if settled.at - committed_at > _ONE_RETRY_CYCLE:
            late = (settled.at - committed_at) / SECOND
            world.log.breach(
                6, f"{settled.hook!r} of {' '.join(settled.key)} v{settled.version} came {late:.0f} s late"
            )
