"""Writes by hand, as the history and what is there tell of them where the stream did not. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.runtime.changes import OVERWRITTEN, Change, Copies
from workflow.runtime.recalled import WithoutEvent


def by_hand(shown: Change, last: Event | None) -> Change:
    """What somebody wrote by hand over what the last event had left."""
    written = shown._replace(snapshots=WithoutEvent(shown.snapshots.after))
    if last is None:
        return written
    return written._replace(before_version=last.version, source=last.target, follows=last.owing, left=last.place)


def as_found(shown: Change, entity: Entity | None, damaged: bool) -> Iterator[Change]:
    """The write by hand that led to what is there now, if one did. Of a deletion another change tells."""
    if damaged:
        yield shown._replace(gone=OVERWRITTEN)
    elif entity is not None and (entity.version, entity.state) != (shown.before_version, shown.source):
        yield shown._replace(
            version=entity.version,
            target=entity.state,
            definition=entity.definition,
            trigger=entity.trigger,
            snapshots=Copies(entity, entity),
            place=entity.place,
        )


def seam(shown: Change, earlier: Event | None, event: Event) -> Iterator[Change]:
    """The write by hand between two events that do not follow one on another."""
    if earlier is not None and (earlier.version, earlier.target) != (event.version - 1, event.source):
        yield by_hand(shown, earlier)._replace(version=event.version - 1, target=event.source)
