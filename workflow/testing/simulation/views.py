"""What a stream shows of a change, by its view: the part of it that a schedule's deliveries are given."""

from __future__ import annotations

from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.errors import HistoryConflictError
from workflow.runtime.changes import Change, Snapshots

ALL_SHOWN = "NEW_AND_OLD_IMAGES"
VIEWS = ("NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY")
"""The views that leave something out."""


def shown(view: str, change: Change) -> Change:
    """The change with version 0 for what the view leaves out."""
    if view not in ("OLD_IMAGE", ALL_SHOWN):
        change = change._replace(before_version=0, source="", follows=0, left=None)
    if view not in ("NEW_IMAGE", ALL_SHOWN):
        change = change._replace(version=0, target="", place=None)
    return change._replace(snapshots=_Shown(view, change.snapshots))


class _Shown:
    """Snapshots of what the view shows; whoever looks at the rest ends the schedule."""

    def __init__(self, view: str, whole: Snapshots) -> None:
        self._view, self._whole = view, whole
        self.event: Event | None = None

    def before(self) -> Entity | None:
        """The entity before the change, if it is shown; else raises HistoryConflictError."""
        if self._view not in ("OLD_IMAGE", ALL_SHOWN):
            raise HistoryConflictError(f"a stream with {self._view} does not show what was")
        return self._whole.before()

    def after(self) -> Entity:
        """The entity after the change, if it is shown; else raises HistoryConflictError."""
        if self._view not in ("NEW_IMAGE", ALL_SHOWN):
            raise HistoryConflictError(f"a stream with {self._view} does not show what is")
        return self._whole.after()
