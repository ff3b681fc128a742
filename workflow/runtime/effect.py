"""What a hook is given: one effect, with the event that owes it and ways to ask for more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from workflow.definition.definition import CREATE
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.runtime.changes import Snapshots

if TYPE_CHECKING:
    from workflow.runtime.fire import Accepted
    from workflow.runtime.runtime import Runtime


class Delivery:
    """One event on its way to its hooks; what it knows of the entity is read when a hook first looks at it."""

    __slots__ = ("_after", "_before", "_event", "_find_event", "_snapshots", "entity_id", "kind", "version")

    def __init__(
        self, kind: str, entity_id: str, version: int, snapshots: Snapshots, find_event: Callable[[], Event]
    ) -> None:
        self.kind, self.entity_id, self.version = kind, entity_id, version
        self._snapshots, self._find_event = snapshots, find_event
        self._event: Event | None = None
        self._before: Entity | None = None
        self._after: Entity | None = None

    @property
    def event(self) -> Event:
        if self._event is None:
            self._event = self._find_event()
        return self._event

    @property
    def before(self) -> Entity | None:
        if self._before is None:
            self._before = self._snapshots.before()
        return self._before

    @property
    def after(self) -> Entity:
        if self._after is None:
            self._after = self._snapshots.after()
        return self._after

    def values_read(self) -> list[Mapping[str, object]]:
        # Read anew: a hook may have changed its own copies.
        before = self._snapshots.before()
        seen = [self._snapshots.after().data, before.data if before else {}]
        if self._event is not None:
            seen.append(self._event.payload)
        return seen


class Effect:
    """One run of a hook for one event. It may be run more than once, but is committed once: give `key` to whatever
    the hook calls, so that the outside world can tell a repetition."""

    __slots__ = ("_delivery", "_runtime", "attempt", "hook")

    def __init__(self, delivery: Delivery, hook: str, attempt: int, runtime: Runtime) -> None:
        self._delivery, self._runtime = delivery, runtime
        self.hook = hook
        self.attempt = attempt

    @property
    def key(self) -> str:
        """`kind#id#version#hook`: the same at every repetition of this effect, and no other effect's."""
        return f"{self.kind}#{self.id}#{self.version}#{self.hook}"

    @property
    def kind(self) -> str:
        """The kind of the entity."""
        return self._delivery.kind

    @property
    def id(self) -> str:
        """The id of the entity."""
        return self._delivery.entity_id

    @property
    def version(self) -> int:
        """The version of the entity that the event made."""
        return self._delivery.version

    @property
    def entity(self) -> Entity:
        """The entity as the event left it; it may have moved on since."""
        return self._delivery.after

    @property
    def before(self) -> Entity | None:
        """The entity before the event; None for a creation."""
        return self._delivery.before

    @property
    def event(self) -> Event:
        """The event; the first look at it in a delivery is one consistent read, and may raise a Retryable."""
        return self._delivery.event

    def fire(
        self,
        trigger: str,
        payload: Mapping[str, object] | None = None,
        *,
        kind: str = "",
        id: str = "",
        request_id: str = "",
    ) -> Accepted:
        """Fires a trigger on this entity, or on another one, as `Workflow.fire` does.

        A repetition of this effect fires nothing twice: the request id is made of the effect's key and the trigger,
        unless one is given. On this entity no read is needed, unless it has moved on.
        """
        from workflow.runtime.ask import Ask, request_id_for
        from workflow.runtime.fire import fire

        kind, entity_id = kind or self.kind, id or self.id
        held = self.entity if (kind, entity_id) == (self.kind, self.id) else None
        ask = Ask(
            kind,
            entity_id,
            trigger,
            payload or {},
            request_id=request_id or request_id_for(f"{self.key}>{trigger}"),
            by=f"hook:{self.hook}",
            held=held,
            cause=self.key,
            depth=self.entity.depth + 1,
        )
        return fire(self._runtime, ask)

    def create(self, kind: str, id: str, data: Mapping[str, object] | None = None) -> Accepted:
        """Creates another entity as `Workflow.create` does, once however often this effect is repeated."""
        from workflow.runtime.ask import Ask, request_id_for
        from workflow.runtime.fire import create

        ask = Ask(
            kind,
            id,
            CREATE,
            data or {},
            request_id=request_id_for(self.key),
            by=f"hook:{self.hook}",
            cause=self.key,
            depth=self.entity.depth + 1,
        )
        return create(self._runtime, ask)

    def values_read(self) -> list[Mapping[str, object]]:
        """The data and payload that the hook may have seen, and could therefore quote in an error."""
        return self._delivery.values_read()

    def __repr__(self) -> str:
        return f"Effect({self.key!r}, attempt={self.attempt})"
