"""Up to which version effects are settled, as a process knows of the entities that it delivered."""

from __future__ import annotations

from workflow.runtime.changes import Change

_MOST_KNOWN = 10_000


class SettledVersions:
    """Remembers what was seen settled, for what is settled stays so: the next change of an entity that comes to the
    same process needs no read. Used by several threads, each with entities of its own."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[str, int]] = {}

    def before(self, change: Change) -> int:
        """Up to which version everything before the change is known to be settled; 0 if nothing is known of the entity,
        or only of one that was deleted by hand and had its id."""
        created, version = self._known.get((change.kind, change.entity_id), ("", 0))
        return version if created and created == change.created else 0

    def keep(self, change: Change, version: int) -> None:
        """Remembers that everything up to the version is settled, of an entity that says when it was created."""
        key = change.kind, change.entity_id
        if not (version and change.created):
            self._known.pop(key, None)
            return
        if len(self._known) >= _MOST_KNOWN:
            # To forget costs a read each, and no bookkeeping.
            self._known.clear()
        self._known[key] = change.created, version
