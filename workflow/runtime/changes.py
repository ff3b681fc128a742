"""What a change of an entity means: effects owed, versions missing in between, or a rule broken. Pure."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import NamedTuple, Protocol

from workflow.definition.definition import Definition, Definitions, HookUse
from workflow.definition.undo_names import hook_of, undone_effect
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.engine.place import Place
from workflow.errors import DefinitionNotDeployedError, HistoryConflictError

OVERWRITTEN = "what was written by hand in the entity's place is none"
"""Why there is no entity any more where an item still stands."""


class Snapshots(Protocol):
    """The entity before and after a change, each call a copy of its own; and the event, once somebody has read it."""

    event: Event | None

    def before(self) -> Entity | None:
        """The entity before the change; None if there was none."""
        ...

    def after(self) -> Entity:
        """The entity after the change."""
        ...


class Copies:
    """Snapshots of an entity that is at hand."""

    def __init__(self, before: Entity | None, after: Entity, event: Event | None = None) -> None:
        self._before, self._after = before, after
        self.event = event

    def before(self) -> Entity | None:
        """A copy of the entity before the change; None if there was none."""
        return copy.deepcopy(self._before)

    def after(self) -> Entity:
        """A copy of the entity after the change."""
        return copy.deepcopy(self._after)


class Change(NamedTuple):
    """One change of an entity as the stream brought it.

    Versions are 0 and states '' where there was or is no entity. `definition` and `trigger` are what the entity says
    of its last event. `owed` are the hooks if they are known already. `position` is where on the stream it was. `gone`
    says why there is no entity after it, if there is none. `follows` is the version of the last event before it that
    owes effects: they come first. `left` and `place` are where in a lane the entity stood before, and stands after it.
    `created` tells one entity from a later one of the same id; it is empty where that was not shown. `broken` says why
    the history cannot be read, of which the stream left the change to be told.
    """

    kind: str
    entity_id: str
    before_version: int
    version: int
    source: str
    target: str
    definition: int
    trigger: str
    position: str
    snapshots: Snapshots
    owed: tuple[str, ...] | None = None
    gone: str = ""
    follows: int = 0
    left: Place | None = None
    place: Place | None = None
    created: str = ""
    broken: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.entity_id} version {self.version or self.before_version}"


def find_violation(change: Change, definitions: Definitions) -> str:
    """Which rule the change breaks, in words; '' if none. Raises DefinitionNotDeployedError."""
    if change.gone:
        return change.gone
    if change.version < change.before_version:
        return f"the version went back from {change.before_version} to {change.version}"
    if change.version == change.before_version:
        return f"the state went from {change.source!r} to {change.target!r} without an event"
    if change.version > change.before_version + 1:
        return ""
    if not _has_own_event(change):
        return f"the version went from {change.before_version} to {change.version} without an event"
    if owed_by(definitions, change) is None:
        return (
            f"version {change.definition} of the definition has no transition {change.trigger!r} "
            f"from {change.source or 'nothing'!r} to {change.target!r}"
        )
    return ""


def _has_own_event(change: Change) -> bool:
    try:
        before = change.snapshots.before()
        return before is None or before.event_id != change.snapshots.after().event_id
    except HistoryConflictError:
        return False


def edited_away(change: Change) -> DefinitionNotDeployedError:
    """What to say of a step that the history holds and its own definition version does not declare here."""
    return DefinitionNotDeployedError(
        f"{change}: the history has its event, made by version {change.definition} of the definition, which is another "
        f"one here; raise the version with every change, and deploy the one it was made by again"
    )


def is_of(change: Change, event: Event) -> bool:
    """Whether the event is the one that the change shows as its own."""
    try:
        own_id = change.snapshots.after().event_id
    except HistoryConflictError:
        return False
    shown = (own_id, change.trigger, change.source, change.target, change.definition)
    return shown == (event.id, event.trigger, event.source, event.target, event.definition)


def owed_by(definitions: Definitions, change: Change) -> tuple[str, ...] | None:
    """The hooks that a single step owes, in order; None if the step is not declared.

    An event of a definition version that was not kept is judged by the one in force, and must wait if that does not
    have its transition. Raises DefinitionNotDeployedError then, and for a version newer than any loaded here.
    """
    if change.owed is not None:
        return change.owed
    edge = (change.trigger, change.source, change.target)
    definition = definitions.find(change.kind, change.definition)
    if definition is not None:
        return definition.edges.get(edge)
    in_force = definitions.find(change.kind)
    if in_force is not None and in_force.version > change.definition and edge in in_force.edges:
        return in_force.edges[edge]
    raise DefinitionNotDeployedError(
        f"{change}: version {change.definition} of the definition of {change.kind!r} is not deployed here; "
        f"deploy it, beside the one in force if need be"
    )


def known_owed(definitions: Definitions, step: Change) -> tuple[str, ...]:
    """The hooks that a step of the history owes; raises DefinitionNotDeployedError if no definition here declares it.

    The event says itself whether it owed anything when it was made; a definition only says what.
    """
    event = step.snapshots.event
    if event is not None and event.owing != event.version:
        return ()
    owed = owed_by(definitions, step)
    if owed is None:
        raise edited_away(step)
    return owed


def use_of(definitions: Definitions, change: Change, hook: str) -> HookUse:
    """How the definition that the change was made by asks for the hook; without a word more if it is not kept here."""
    definition = definitions.find(change.kind, change.definition) or definitions.find(change.kind)
    uses = definition.uses.get((change.trigger, change.source, change.target), ()) if definition else ()
    return next((use for use in uses if use.hook == hook), None) or _undo_use(definition, hook)


def _undo_use(definition: Definition | None, effect: str) -> HookUse:
    """How an effect is asked for that undoes another: as the definition says where it asks for that one."""
    undo, (_, name) = hook_of(effect), undone_effect(effect)
    owed = [use for uses in definition.uses.values() for use in uses] if definition and name else []
    asked = next((use.undo for use in owed if use.hook == name and use.undo and use.undo.hook == undo), None)
    return replace(asked, hook=effect) if asked else HookUse(effect)
