"""Compensation: what was done is taken back, the last first, each effect once. The ledger knows what that is."""

from __future__ import annotations

from workflow.definition.definition import UNDO
from workflow.runtime.ledger_entry import OWED, LedgerEntry, Outcome
from workflow.runtime.ports import Ledger


def undone_by(ledger: Ledger, entry: LedgerEntry) -> LedgerEntry:
    """The entry with what it owes in the place of `UNDO`: the undo of every effect of an earlier event that was done,
    and that nobody has undone."""
    earlier = [one for one in ledger.entries(entry.kind, entry.entity_id) if one.version < entry.version]
    known = {effect for one in earlier for effect in one.outcomes}
    owed = [undo for one in reversed(earlier) for undo in _undos(one) if undo not in known]
    outcomes: dict[str, Outcome] = {}
    for effect, outcome in entry.outcomes.items():
        outcomes.update(dict.fromkeys(owed, OWED) if effect == UNDO else {effect: outcome})
    return entry._replace(outcomes=outcomes)


def _undos(entry: LedgerEntry) -> list[str]:
    done = [(effect, outcome.undo) for effect, outcome in entry.outcomes.items() if outcome.status == "done"]
    return [f"{undo}@{entry.version}.{effect}" for effect, undo in reversed(done) if undo]


def undone_effect(effect: str) -> tuple[int, str]:
    """Version and name of the effect that an effect of that name undoes; 0 and '' if it undoes none."""
    _, _, undone = effect.partition("@")
    version, _, name = undone.partition(".")
    return (int(version), name) if version.isdigit() and name else (0, "")
