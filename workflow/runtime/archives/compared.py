"""A history to be loaded, compared with what stands in the table. Pure."""

from __future__ import annotations

from workflow.engine.entity import Entity
from workflow.runtime.archives.bulk import Found, Load, Standing

SAME, MOVED_ON = "same", "moved on"
"""What is met where the history is there already: it and nothing else, or it and more."""


def name_of(load: Load) -> str:
    """Whose history it is, in words."""
    return " ".join(load.key)


def hindrance(load: Load, standing: Standing) -> str:
    """What stands in the way of writing the load; '' if nothing does."""
    entity, own = standing.entity, load.entity
    if standing.damaged:
        return _damaged(load, standing.damaged)
    if entity is None:
        return _another(load) if standing.first not in ("", load.events[0].id) else ""
    if entity.version == own.version and _is_same(entity, own):
        return SAME
    if entity.version > own.version and standing.last == own.event_id:
        return MOVED_ON
    return _another(load, entity)


def _is_same(entity: Entity, own: Entity) -> bool:
    # Where in a lane it stands is settled after the loading.
    return entity._replace(place=None) == own


def _another(load: Load, entity: Entity | None = None) -> str:
    at = f"at version {entity.version}" if entity else "without an entity"
    return (
        f"{name_of(load)}: it is there {at} with another history than the {load.entity.version} events to be loaded; "
        f"it was left alone"
    )


def _damaged(load: Load, what: str) -> str:
    return f"{name_of(load)}: it is there and cannot be read: {what}; it was left alone"


def difference(load: Load, found: Found) -> str:
    """Where what stands in the table is not what was to be loaded; '' if it is."""
    entity, events = found.entity, found.events
    if found.damaged:
        return _damaged(load, found.damaged)
    if entity is None:
        return f"{name_of(load)}: it is not there"
    if entity.version < load.entity.version or (
        entity.version == load.entity.version and not _is_same(entity, load.entity)
    ):
        return _another(load, entity)
    wrong = next((event.version for event in load.events if events.get(event.version) != event), 0)
    if not wrong:
        return ""
    if events.get(load.entity.version) != load.events[-1]:
        return _another(load, entity)
    return f"{name_of(load)}: event {wrong} is not what was to be loaded"
