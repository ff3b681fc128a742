"""The changes of one entity of which the stream showed only a part, made whole.

A part that was not shown has version 0. The history is the truth: a change that agrees with it is the step of its
event, and one that does not is told as the write by hand that led from what the history says to what is there.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.errors import DefinitionNotDeployedError, HistoryConflictError
from workflow.runtime.changes import Change, known_owed
from workflow.runtime.hand_writes import as_found, by_hand, seam
from workflow.runtime.recalled import Past, Recalled
from workflow.runtime.runtime import Runtime


class EntityChanges:
    """The changes of one entity, whole."""

    def __init__(self, past: Past, runtime: Runtime) -> None:
        self._past, self._runtime = past, runtime

    def whole(self, shown: list[Change]) -> Iterator[Change]:
        """Every change in its place; those that showed nothing at all become, in the place of the first, as many last
        steps as there are of them. In the place of the first that cannot be told is one that says why."""
        bare = [change for change in shown if not (change.gone or change.version or change.before_version)]
        is_broken = False
        for change in shown:
            try:
                yield from self._whole(change, bare)
            except HistoryConflictError as error:
                # Coming again would mend nothing, and the rest of the stream must not wait for it.
                if not is_broken:
                    yield self._broken(change, str(error))
                is_broken = True

    def _whole(self, shown: Change, bare: list[Change]) -> Iterator[Change]:
        if shown.gone:
            yield from [shown] if shown.before_version else self._before_end(shown)
        elif shown.version:
            yield self._before_read(shown)
        elif shown.before_version:
            yield from self._after_read(shown)
        elif shown is bare[0]:
            yield from self._both_read(bare)

    def _broken(self, shown: Change, error: str) -> Change:
        """What the entity says that it owes follows from it; if the entity cannot be read either, only what was
        shown."""
        broken = shown._replace(broken=error, left=None, place=None)
        entity, _ = self._find_entity()
        if entity is None:
            return broken
        return broken._replace(version=entity.version, target=entity.state, follows=entity.owing)

    def _before_end(self, shown: Change) -> Iterator[Change]:
        if not self._is_elsewhere(None):
            yield by_hand(shown, _last(self._past.events(0)))

    def _before_read(self, shown: Change) -> Change:
        events = self._past.events(shown.version - 2, 2)
        event = next((event for event in events if event.version == shown.version), None)
        if event is not None and event.target != shown.target:
            return by_hand(shown, event)
        earlier = self._find_earlier(events, shown.version)
        if event is None:
            return by_hand(shown, earlier)
        return self._step(shown, event, earlier, after=shown.snapshots.after)

    def _after_read(self, shown: Change) -> Iterator[Change]:
        following = shown.before_version + 1
        event = self._past.find_event(following)
        if event is None:
            entity, damaged = self._find_entity()
            # It may have come between the two looks.
            moved_on = entity is not None and entity.version >= following
            event = self._past.find_event(following) if moved_on else None
            if event is None:
                yield from as_found(shown, entity, damaged)
                return
        if event.source != shown.source:
            # What the event came from was written by hand in between.
            yield shown._replace(version=shown.before_version, target=event.source, place=shown.left)
            return
        step = self._step(shown, event, None, before=shown.snapshots.before)
        yield step._replace(follows=shown.follows, left=shown.left)

    def _both_read(self, bare: list[Change]) -> Iterator[Change]:
        entity, damaged = self._find_entity()
        if self._is_elsewhere(entity):
            return
        events = self._events_to(entity, len(bare))
        end = events[-1].version if events else 0
        floor = min(end, entity.version if entity else end) - len(bare)
        if entity is not None and end > entity.version:
            # It has moved on between the two looks, or somebody set it back.
            entity, damaged = self._find_entity()
        steps = [event for event in events if event.version > floor]
        if steps and 0 < steps[-1].owing <= floor:
            yield from self._owing(bare[0], steps[-1].owing)
        earlier = self._find_earlier(events, steps[0].version) if steps else None
        for event in steps:
            yield from seam(bare[0], earlier, event)
            yield self._step(bare[0], event, earlier, after=_at_hand(entity, event))
            earlier = event
        last = bare[-1] if earlier is None else by_hand(bare[-1], earlier)
        yield from as_found(last, entity, damaged)

    def _owing(self, shown: Change, version: int) -> Iterator[Change]:
        """The last step that owes effects, if they are open: its own record may have come when the entity had moved on,
        to steps that owe none, and nothing would follow them."""
        if not self._past.is_dealt_with(version):
            found = {event.version: event for event in self._past.events(version - 2, 2)}
            if version in found:
                yield self._step(shown, found[version], found.get(version - 1))

    def _is_elsewhere(self, entity: Entity | None) -> bool:
        """Whether an entity of which the stream showed nothing is at home in another region; without it, its first
        event says so."""
        found = entity or self._past.find_event(1)
        return found is not None and found.home != self._runtime.region

    def _find_entity(self) -> tuple[Entity | None, bool]:
        """The entity as it is now; and whether something else was written by hand where it stood."""
        try:
            return self._past.find_entity(), False
        except HistoryConflictError:
            return None, True

    def _events_to(self, entity: Entity | None, count: int) -> list[Event]:
        """So many last events, and one before them."""
        if entity is not None:
            events = self._past.events(entity.version - count - 1)
            if events and events[-1].version >= entity.version:
                return events
        return self._past.events(0)[-count - 1 :]

    def _find_earlier(self, events: Sequence[Event], version: int) -> Event | None:
        """The event before the version: among those, or else, where the history has a gap, in all of it."""
        if version <= 1:
            return None
        earlier = [event for event in events if event.version < version]
        return _last(earlier or [event for event in self._past.events(0) if event.version < version])

    def _step(
        self,
        shown: Change,
        event: Event,
        earlier: Event | None,
        *,
        before: Callable[[], Entity | None] | None = None,
        after: Callable[[], Entity] | None = None,
    ) -> Change:
        step = Change(
            kind=event.kind,
            entity_id=event.entity_id,
            before_version=event.version - 1,
            version=event.version,
            source=event.source,
            target=event.target,
            definition=event.definition,
            trigger=event.trigger,
            position=shown.position,
            snapshots=Recalled(self._past, event, before, after),
            follows=earlier.owing if earlier else 0,
            left=earlier.place if earlier else None,
            place=event.place,
        )
        try:
            return step._replace(owed=known_owed(self._runtime.definitions, step))
        except DefinitionNotDeployedError:
            # Whoever delivers it finds the same, and puts it aside.
            return step


def _last(events: Sequence[Event]) -> Event | None:
    return events[-1] if events else None


def _at_hand(entity: Entity | None, event: Event) -> Callable[[], Entity] | None:
    if entity is None or (entity.version, entity.state) != (event.version, event.target):
        return None
    return partial(copy.deepcopy, entity)
