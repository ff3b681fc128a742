"""Contacts, and the CRM that is to know of every change."""

from __future__ import annotations

from handlers.crm import AT_ONCE, CrmNotReachedError, Record, upsert
from workflow import Effect, hook


@hook(batch=AT_ONCE)
def sync_contact(effects: list[Effect]) -> dict[str, Exception]:
    """Brings up to a hundred contacts to the CRM, in one call."""
    try:
        refused = upsert([_record(effect) for effect in effects])
    except CrmNotReachedError as error:
        # Nobody's fault: all of them fail, and come again together.
        return dict.fromkeys((effect.key for effect in effects), error)
    # What refuses the call as a whole is raised: among fewer it shows whose record it was.
    return {effect.key: refused[effect.id] for effect in effects if effect.id in refused}


def _record(effect: Effect) -> Record:
    contact = effect.entity
    properties = {name: contact.data.get(name, "") for name in ("email", "name", "phone")}
    contactable = "true" if contact.state == "known" else "false"
    return Record(effect.id, {**properties, "contactable": contactable, "source_version": str(effect.version)})
