"""What a hook is given: one effect, with the event that owes it and ways to ask for more."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING

from workflow.definition.definition import CREATE
from workflow.definition.undo_names import hook_of, undone_effect
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.errors import ProjectionError, WorkflowError
from workflow.runtime.ask import Ask, request_id_for
from workflow.runtime.changes import Change

if TYPE_CHECKING:
    from workflow.runtime.accepted import Accepted
    from workflow.runtime.runtime import Runtime


class Effect:
    """One run of a hook for one event. It may be run more than once, but is committed once: give `key` to whatever
    the hook calls, so that the outside world can tell a repetition."""

    __slots__ = ("_accepted", "_before", "_change", "_entity", "_event", "_exchanged", "_runtime", "attempt", "hook")

    def __init__(self, change: Change, hook: str, attempt: int, runtime: Runtime) -> None:
        self._change, self._runtime = change, runtime
        self._entity: Entity | None = None
        self._before: Entity | None = None
        self._event: Event | None = None
        self._accepted: dict[tuple[str, str, str], int] = {}
        self._exchanged: set[str] | None = set()
        self.hook = hook
        self.attempt = attempt

    @property
    def key(self) -> str:
        """`kind#id#version#hook`: the same at every repetition of this effect, and no other effect's."""
        return f"{self.kind}#{self.id}#{self.version}#{self.hook}"

    @property
    def undoes(self) -> str:
        """The key of the effect that this one takes back; '' unless its hook runs as another one's `undo`."""
        version, hook = undone_effect(self.hook)
        return f"{self.kind}#{self.id}#{version}#{hook}" if hook else ""

    @property
    def kind(self) -> str:
        """The kind of the entity."""
        return self._change.kind

    @property
    def id(self) -> str:
        """The id of the entity."""
        return self._change.entity_id

    @property
    def version(self) -> int:
        """The version of the entity that the event made."""
        return self._change.version

    @property
    def trace(self) -> str:
        """What a tracer goes on from; '' if nobody traced what led to this, or where that cannot be read now."""
        try:
            return self._change.snapshots.after().trace
        except WorkflowError:
            # A trace is worth neither the run nor the batch.
            return ""

    def notes(self) -> dict[str, str | int]:
        """What a run is found by in traces; nothing of the data."""
        change = self._change
        return {
            "kind": self.kind,
            "id": self.id,
            "version": self.version,
            "state": change.target,
            "trigger": change.trigger,
            "hook": self.hook,
            "attempt": self.attempt,
        }

    @property
    def entity(self) -> Entity:
        """The entity as the event left it; it may have moved on since."""
        if self._entity is None:
            self._entity = self._change.snapshots.after()
        return self._entity

    @property
    def before(self) -> Entity | None:
        """The entity before the event; None for a creation."""
        if self._before is None:
            self._before = self._change.snapshots.before()
        return self._before

    @property
    def event(self) -> Event:
        """The event; the first look at it in a delivery is one consistent read, and may raise a Retryable."""
        if self._event is None:
            snapshots = self._change.snapshots
            if snapshots.event is None:
                snapshots.event = self._runtime.get_event(self.kind, self.id, self.version)
            # A copy: what this hook does to the payload is no business of the next one's.
            self._event = copy.deepcopy(snapshots.event)
        return self._event

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

        A repetition of this effect fires nothing twice and gets the same answer, whatever payload it gives: the
        request id is made of the effect's key, the trigger and how often this run fired it, unless one is given. On
        this entity no read is needed, unless it has moved on.
        """
        from workflow.runtime.fire import fire

        kind, entity_id = kind or self.kind, id or self.id
        own = (kind, entity_id) == (self.kind, self.id)
        ask = self._ask(kind, entity_id, trigger, payload, request_id, own=own)
        return self._kept(ask, fire(self._runtime, ask))

    def create(self, kind: str, id: str, data: Mapping[str, object] | None = None) -> Accepted:
        """Creates another entity as `Workflow.create` does, once however often this effect is repeated."""
        from workflow.runtime.fire import create

        ask = self._ask(kind, id, CREATE, data, "", own=False)
        return self._kept(ask, create(self._runtime, ask))

    def _ask(
        self,
        kind: str,
        entity_id: str,
        trigger: str,
        payload: Mapping[str, object] | None,
        request_id: str,
        *,
        own: bool,
    ) -> Ask:
        if hook_of(self.hook) in self._runtime.hooks.projections:
            raise ProjectionError(f"{self.key}: a projection fires nothing; let another hook fire {trigger!r}")
        self._keep(kind, payload)
        times = self._accepted.get((kind, entity_id, trigger), 0) + 1
        entity = self._change.snapshots.after()
        own_id = request_id_for(f"{self.key}>{trigger}" + (f">{times}" if times > 1 else ""))
        return Ask(
            kind,
            entity_id,
            trigger,
            {} if payload is None else payload,
            request_id=request_id or own_id,
            by=f"hook:{self.hook}",
            held=entity if own else None,
            cause=self.key,
            depth=entity.depth + 1,
            own_request_id=not request_id,
            # For a thread of the hook's own, where nothing is under way.
            trace=entity.trace,
        )

    def _kept(self, ask: Ask, accepted: Accepted) -> Accepted:
        # Only what was accepted counts: a refusal leaves no trace that a repetition could find again.
        if ask.own_request_id:
            asked = (ask.kind, ask.entity_id, ask.trigger)
            self._accepted[asked] = self._accepted.get(asked, 0) + 1
        # The event may say something else than what was given now: what an earlier run of this hook gave.
        self._keep(ask.kind, accepted.event.payload)
        self._keep(ask.kind, accepted.entity.data)
        return accepted

    def _keep(self, kind: str, values: Mapping[str, object] | None) -> None:
        if self._exchanged is None or not isinstance(values, Mapping):
            return
        try:
            # At once: the hook may change what it has.
            self._exchanged.update(self._runtime.secrets(kind, values))
        except Exception:
            # No value of an entity: it is about to be refused, and in better words.
            self._exchanged = None

    def find_secrets(self) -> set[str] | None:
        """The texts of all sensitive values that the hook may have seen, and could quote in an error: those of its own
        event, and of what it fired and created. None if nobody can tell."""
        if self._exchanged is None:
            return None
        return self._exchanged.union(self._runtime.secrets(self.kind, *self.values_read()))

    def values_read(self) -> list[Mapping[str, object]]:
        """The data and payload of its own event."""
        # Read anew: the hook may have changed its own copies.
        snapshots = self._change.snapshots
        before = snapshots.before()
        payload = snapshots.event.payload if snapshots.event else {}
        return [snapshots.after().data, before.data if before else {}, payload]

    def __str__(self) -> str:
        return self.key

    def __repr__(self) -> str:
        return f"Effect({self.key!r}, attempt={self.attempt})"
