"""Histories to archive, and tables to build from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.samples import JOB, ORDER, definitions, entering
from workflow import Effect, Workflow, hook
from workflow.aws.bulk import TableBulk
from workflow.definition.definition import Definitions, Timer
from workflow.runtime.archives.archive import Archived, Archiver
from workflow.runtime.archives.bulk import Bulk
from workflow.runtime.archives.hydrate import hydrate
from workflow.runtime.archives.hydrated import Hydrated
from workflow.runtime.archives.manifest import Selection
from workflow.runtime.archives.shelf import FolderShelf
from workflow.runtime.archives.source import ArchiveSource
from workflow.runtime.records import EntityRecords, Records
from workflow.testing import MemoryClock, MemoryDelivery, MemoryStore
from workflow.testing.memory_bulk import MemoryBulk

SHARES = 3


def _with_timer(states: Any) -> Any:
    return {**states, "placed": replace(states["placed"], timers=(Timer(1800, "cancel"),))}


HOOKED = entering(replace(ORDER, states=_with_timer(ORDER.states)), paid=["receipt"], cancelled=["receipt"])
ALL = definitions(HOOKED, JOB)


class Shop:
    """Orders with a hook and jobs in lanes, in memory or on a table; `ran` are the keys of the effects that ran."""

    def __init__(
        self,
        store: Any = None,
        ledger: Any = None,
        records: Records | None = None,
        bulk: Bulk | None = None,
        known: Definitions = ALL,
        clock: Any = None,
    ) -> None:
        self.ran: list[str] = []

        @hook
        def receipt(effect: Effect) -> None:
            self.ran.append(effect.key)

        self.store = store or MemoryStore()
        self.clock = clock or MemoryClock()
        self.flow = Workflow(
            known,
            self.store,
            ledger=ledger,
            records=records,
            handlers=[receipt],
            hooks_required=False,
            clock=self.clock,
        )
        self.records: Records = records or self.store.records
        self.bulk: Bulk = bulk or MemoryBulk(self.store)

    def live(self, orders: int = 6, jobs: int = 4) -> Shop:
        """Some orders, each further than the one before, and jobs of two repositories."""
        for number in range(orders):
            self.flow.create("order", f"{number} #ü\u2028", {"total": 100, "email": "a@b.c"}, request_id=f"r{number}")
            for trigger, payload in (
                ("annotate", {"note": {"x": [1, None, True, "0.10"]}}),
                ("pay", {"amount": 100.25}),
                ("ship", {"carrier": "dhl"}),
            )[: number % 4]:
                self.flow.fire("order", f"{number} #ü\u2028", trigger, payload, by="ada", request_id=trigger)
            self.clock.sleep(3600 * 5)
        for number in range(jobs):
            self.flow.create("job", str(number), {"repository": f"r{number % 2}", "priority": number})
        if jobs:
            self.flow.fire("job", "0", "start")
        return self

    def deliver(self) -> Shop:
        """Runs all effects, in memory."""
        MemoryDelivery(self.flow).run()
        return self

    def archive(self, folder: Path, **selection: Any) -> Archived:
        """Archives it into the folder."""
        return Archiver(self.records, self.clock, FolderShelf(folder), Selection(**selection)).archive(workers=2)

    def hydrate(self, folder: Path, kind: str = "", workers: int = 2) -> Hydrated:
        """Builds it from the folder."""
        source = ArchiveSource(FolderShelf(folder), self.clock, kind)
        return hydrate(self.flow.runtime, self.bulk, source, workers=workers)

    def everything(self) -> list[EntityRecords]:
        """All that is kept, but how effects came to be settled."""
        found = [one for share in range(SHARES) for one in self.records.all(share, SHARES)]
        return sorted((settled(one) for one in found), key=lambda one: (one.kind, one.entity_id))


def settled(found: EntityRecords) -> EntityRecords:
    """The records with the effects of each event only as settled or not."""
    entries: list[Any] = [(entry.version, tuple(entry.outcomes), entry.settled) for entry in found.entries]
    # A timer of a version that the entity has left says nothing any more.
    is_set = found.timer is not None and found.entity is not None and found.timer.version == found.entity.version
    requests = sorted(found.requests, key=lambda one: one.id)
    return found._replace(entries=entries, requests=requests, timer=found.timer if is_set else None)


def table_bulk(store: Any) -> Bulk:
    """What builds the store."""
    return MemoryBulk(store) if isinstance(store, MemoryStore) else TableBulk(store)
