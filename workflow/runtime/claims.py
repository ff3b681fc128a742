"""Claiming the effects of an event, and writing what became of them: every write names the owner it is made by."""

from __future__ import annotations

from datetime import datetime, timedelta

from workflow.definition.definition import UNDO
from workflow.errors import ClaimError, LeaseLostError, Retryable
from workflow.runtime.again import again
from workflow.runtime.changes import Change
from workflow.runtime.compensate import with_undos
from workflow.runtime.ledger_entry import OWED, RELEASED, LedgerEntry, Outcome, Parked, Why
from workflow.runtime.ports import Clock, Ledger

_COMMITS = 5


class Claims:
    """What one owner takes from the ledger, and gives back, until its lease is over."""

    def __init__(self, ledger: Ledger, clock: Clock, owner: str, lease_until: datetime) -> None:
        self._ledger, self._clock = ledger, clock
        self._owner, self._lease_until = owner, lease_until

    def claim(self, change: Change, hooks: tuple[str, ...], *, caring: bool = False) -> LedgerEntry | None:
        """The effects of the change taken, or settled already; None if they were put aside and wait.

        `caring` for an entity that was put aside takes over what waits too, and what it takes stays put aside until it
        is let go: should this process die, the sweeper goes on. Raises ClaimError while another owner's lease lasts.
        """
        now = self._clock.now()
        wanted = LedgerEntry(
            change.kind,
            change.entity_id,
            change.version,
            self._owner,
            self._lease_until,
            self._owed(change, hooks),
            self._following(now) if caring else None,
        )
        found = self._ledger.put(wanted, None)
        if found is None or found.settled:
            return found or wanted
        if found.owner == self._owner and found.parked == wanted.parked:
            # Sent twice, because the first answer was lost.
            return found
        if found.parked and not (caring and found.parked.next_at):
            return None
        if found.is_held(now):
            raise ClaimError(f"{found} are held by another delivery until {found.lease_until.isoformat()}")
        return self.take(found, hooks, caring=caring)

    def take(self, found: LedgerEntry, hooks: tuple[str, ...], *, caring: bool) -> LedgerEntry:
        """The entry taken over as it was found; raises ClaimError if somebody was faster."""
        taken = found.taken_by(self._owner, self._lease_until)
        if not taken.outcomes:
            taken = taken._replace(outcomes=self._owed(found, hooks))
        since = found.parked.since if found.parked else self._clock.now()
        taken = taken._replace(parked=self._following(since) if caring else None)
        # A slow owner may commit up to this moment, and what it commits must not be overwritten by what was found.
        stood = self._ledger.put(taken, found)
        if stood is not None and stood.owner != self._owner:
            raise ClaimError(f"{found} were taken by another delivery at the same moment")
        return taken

    def _owed(self, of: Change | LedgerEntry, hooks: tuple[str, ...]) -> dict[str, Outcome]:
        # Most transitions compensate for nothing, and need no look at the ledger.
        entries = self._ledger.entries(of.kind, of.entity_id) if UNDO in hooks else ()
        return dict.fromkeys(with_undos(hooks, entries, of.version), OWED)

    def _following(self, since: datetime) -> Parked:
        return Parked("", "following", since, self._lease_until)

    def commit(self, after: LedgerEntry, hook: str = "") -> LedgerEntry:
        """Writes the entry as it is to stand, with the outcome of one hook, and returns it.

        Tries again while the store does not answer, since a hook that ran would run again, and looks before it gives
        up: an answer that was lost is no refusal. Raises LeaseLostError if the entry has passed to another owner.
        """
        try:
            again(
                self._clock,
                _COMMITS,
                lambda: self._ledger.commit(self._owner, after, hook),
                final=(LeaseLostError,),
            )
        except Retryable:
            if not self.look(after).is_as(after):
                raise
        return after

    def look(self, entry: LedgerEntry) -> LedgerEntry:
        """The entry as it stands; raises LeaseLostError if it is gone."""
        found = self._ledger.find(entry.kind, entry.entity_id, entry.version)
        if found is None:
            raise LeaseLostError(f"{entry}: the ledger does not hold them any more")
        return found

    def put_aside(self, entry: LedgerEntry, hook: str, parked: Parked) -> LedgerEntry:
        """Ends the lease and leaves the entry to the sweeper, or to a person."""
        return self.commit(self._aside(entry, parked), hook)

    def put_aside_if(self, found: LedgerEntry, entry: LedgerEntry, parked: Parked) -> LedgerEntry:
        """The same if the entry still stands as it was found; raises LeaseLostError if it does not: a write that was
        not answered has arrived after all."""
        after = self._aside(entry, parked)
        if self._ledger.put(after, found) is not None:
            raise LeaseLostError(f"{entry}: what was not answered has been written meanwhile")
        return after

    def _aside(self, entry: LedgerEntry, parked: Parked) -> LedgerEntry:
        # Nobody's from here on: a write of ours that is still on its way must not arrive.
        return entry._replace(owner=RELEASED, lease_until=self._clock.now(), parked=parked)

    def release(self, entry: LedgerEntry) -> None:
        """Lets the next delivery, or sweep, take over at once, and counts no attempt."""
        now = self._clock.now()
        parked = entry.parked._replace(next_at=now) if entry.parked else None
        self.commit(entry._replace(owner=RELEASED, lease_until=now, parked=parked))

    def hold(self, entry: LedgerEntry) -> bool:
        """Whether the entry is this owner's."""
        return entry.owner == self._owner

    def let_go(self, entry: LedgerEntry) -> None:
        """Ends the care for settled effects: no later ones wait behind them."""
        self.commit(entry._replace(parked=None))

    def keep_unread(self, change: Change, why: Why, wait: timedelta | None, error: str) -> bool:
        """Puts aside a change of which nobody here can tell what it owes; whether it is settled already.

        What stands there already stays so. Raises ClaimError while another owner's lease lasts.
        """
        now = self._clock.now()
        parked = Parked("", why, now, now + wait if wait else None, error)
        unread = LedgerEntry(change.kind, change.entity_id, change.version, RELEASED, now, {}, parked)
        found = self._ledger.put(unread, None)
        if found is None or found.parked or found.settled:
            return found is not None and found.settled
        # Claimed by somebody who could tell, and then cut off.
        if found.is_held(now) or self._ledger.put(found._replace(lease_until=now, parked=parked), found):
            raise ClaimError(f"{found} are held by another delivery until {found.lease_until.isoformat()}")
        return False
