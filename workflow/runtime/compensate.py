"""Compensation: what was done is taken back, the last first, each effect once. The ledger knows what that is. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from workflow.definition.definition import UNDO
from workflow.definition.undo_names import undo_name
from workflow.runtime.ledger_entry import LedgerEntry


def with_undos(hooks: Sequence[str], entries: Iterable[LedgerEntry], version: int) -> tuple[str, ...]:
    """The effects that the event of that version owes: in the place of UNDO those that take back what earlier events
    have done and no other event has taken back.

    `entries` is the ledger of the entity, in version order. Everything earlier is settled before the event's turn
    comes, and stays as it is: so the answer is the same whoever asks.
    """
    if UNDO not in hooks:
        return tuple(hooks)
    earlier = [entry for entry in entries if entry.version < version]
    known = {effect for entry in earlier for effect in entry.outcomes}
    undos = [undo for entry in reversed(earlier) for undo in _undos(entry) if undo not in known]
    at = hooks.index(UNDO)
    return (*hooks[:at], *undos, *hooks[at + 1 :])


def _undos(entry: LedgerEntry) -> Iterator[str]:
    for effect, outcome in reversed(list(entry.outcomes.items())):
        if outcome.undo:
            yield undo_name(outcome.undo, entry.version, effect)
