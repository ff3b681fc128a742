"""Contacts in a CRM: calls fail, single records are refused until somebody mends them, bad ones spoil whole calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import handlers.contact
from handlers.crm import AT_ONCE, CrmNotReachedError, CrmRefusedError, Record
from tests.simulation.stories.in_place import put_in_place
from workflow import Definitions, Effect, hook
from workflow.definition.load import load_definitions
from workflow.runtime.hooks import Hooks
from workflow.runtime.records import EntityRecords
from workflow.testing.simulation import Scenario

_DEFINITIONS = Definitions(
    tuple(d for d in load_definitions(Path(__file__).parents[3] / "definitions") if d.kind == "contact")
)


class _Crm:
    """What was written of each contact, in order; some calls fail, and now and then a record does."""

    def __init__(self) -> None:
        self.calls = 0
        self.versions: dict[str, list[int]] = defaultdict(list)
        self._spoils: dict[tuple[str, str], int] = {}

    def forget(self) -> None:
        """Begins anew."""
        self.calls = 0
        self.versions.clear()
        self._spoils.clear()

    def upsert(self, records: Sequence[Record]) -> dict[str, CrmRefusedError]:
        """Stands for the CRM's call."""
        self.calls += 1
        assert len({one.id for one in records}) == len(records) <= AT_ONCE
        if self.calls % 7 == 3:
            raise CrmNotReachedError("429")
        # A record that the CRM chokes on does so a few times, and is mended then.
        for one in records:
            version = one.properties["source_version"]
            if (len(one.id) + int(version)) % 4 == 2:
                self._spoils[one.id, version] = spoiled = self._spoils.get((one.id, version), 0) + 1
                if spoiled <= 3:
                    raise CrmRefusedError("400 Invalid input JSON")
        refused = {one.id for one in records[1:] if self.calls % 5 == 4}
        for one in records:
            if one.id not in refused:
                self.versions[one.id].append(int(one.properties["source_version"]))
        if self.calls % 7 == 5:
            raise CrmNotReachedError("it was written, and nobody heard so")
        return {one: CrmRefusedError("VALIDATION_ERROR") for one in refused}

    def check(self, kept: Sequence[EntityRecords]) -> None:
        """The CRM knows the newest version of each contact, and was told of every one, in order."""
        for found in kept:
            versions = self.versions[found.entity_id]
            assert versions == sorted(versions), f"contact {found.entity_id} was written in the order {versions}"
            owed = [event.version for event in found.events]
            done = [e.version for e in found.entries if all(o.status == "done" for o in e.outcomes.values())]
            lost = set(done) - set(versions)
            assert not lost, f"contact {found.entity_id}: versions {lost} are done, and the CRM never heard of them"
            if owed and owed[-1] in done:
                assert versions[-1] == owed[-1], f"contact {found.entity_id} is at {owed[-1]}, in the CRM at {versions}"


def scenario() -> Scenario:
    """The shipped kind with its own hook, and a CRM of its own."""
    crm = _Crm()

    @hook(batch=AT_ONCE)
    def sync_contact(effects: list[Effect]) -> dict[str, Exception]:
        return handlers.contact.sync_contact(effects)

    def begin() -> None:
        put_in_place(handlers.contact, upsert=crm.upsert)
        crm.forget()

    return Scenario(_DEFINITIONS, Hooks([sync_contact]), before_each=begin, check_records=crm.check)
