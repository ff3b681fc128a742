"""What all threads of one invocation share: until when they may claim and begin."""

from __future__ import annotations

from datetime import datetime, timedelta

from workflow.runtime.delivered import Delivered
from workflow.runtime.gathering import Gathering
from workflow.runtime.paused import PausedHooks
from workflow.runtime.run_effects import EffectRunner
from workflow.runtime.runtime import Runtime

_LEASE_MARGIN = timedelta(seconds=5)
"""How long a lease outlasts the invocation that took it: the clocks of two machines differ a little."""

_LONGEST_RESERVE = timedelta(seconds=3)
_RESERVE_SHARE = 10
"""Nothing is begun in the last tenth of an invocation, or its last three seconds: what is left comes again."""


class Invocation:
    """One run of a process that may be stopped at `until`."""

    def __init__(self, runtime: Runtime, until: datetime, paused: PausedHooks) -> None:
        self._runtime, self._paused = runtime, paused
        self._lease_until = until + _LEASE_MARGIN
        self.stop_at = until - min(_LONGEST_RESERVE, (until - runtime.clock.now()) / _RESERVE_SHARE)
        self.gathering = Gathering(runtime, self.stop_at)

    def runner(self) -> EffectRunner:
        """Somebody to run effects, for one thread."""
        # An owner each: two threads that come to the same entity must not take one another for themselves.
        owner = self._runtime.clock.new_id()
        return EffectRunner(self._runtime, owner, self._lease_until, self.stop_at, self._paused, Delivered())
