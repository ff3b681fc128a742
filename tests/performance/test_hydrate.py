"""Building a table from an archive: several times as fast as creating, and in memory that does not grow with it."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.archives import Shop, table_bulk
from tests.engines import create_table, new_client
from tests.samples import ORDER, definitions
from tests.writes import BEGINNING
from workflow.aws.bulk import records_of
from workflow.aws.ledger import TableLedger
from workflow.aws.table import TableStore
from workflow.engine.events import Event, evolve
from workflow.runtime.archives.archive import Archiver
from workflow.runtime.archives.bulk import Found, Key, Load, Standing
from workflow.runtime.archives.hydrate import LOADING, hydrate
from workflow.runtime.archives.manifest import Selection
from workflow.runtime.archives.shelf import FolderShelf
from workflow.runtime.archives.source import ArchiveSource
from workflow.runtime.records import EntityRecords

_ENTITIES = 150
_ROUNDS = 6
_AT_LEAST = {"ministack": (4, 8), "dynamodb_local": (1.5, 2.5)}
"""So many times as fast as one birth, and as one life, after another. DynamoDB Local writes an item at a time, however
many a call brings: there, this is what is left of the calls."""

_FEW, _MANY = 1_000, 6_000


def _shop(url: str) -> Shop:
    client = new_client(url)
    table = create_table(client)
    store = TableStore(client, table)
    return Shop(store, TableLedger(client, table), records_of(store), table_bulk(store), definitions(ORDER))


def _lived(shop: Shop, first: int, count: int) -> tuple[float, float]:
    """How long it takes to create so many orders one after another, and to live their lives to the end: four events."""
    started = time.perf_counter()
    born = [shop.flow.create("order", str(first + n), {"total": 100, "email": "a@b.c"}).entity for n in range(count)]
    created = time.perf_counter() - started
    for trigger, payload in (("annotate", {"note": "x"}), ("pay", {"amount": 100}), ("ship", {"carrier": "dhl"})):
        born = [shop.flow.fire("order", entity.id, trigger, payload, held=entity).entity for entity in born]
    return created, time.perf_counter() - started


def _loaded(shop: Shop, folder: Path) -> float:
    """How long the loading takes, without the check at the end."""
    loading = [0.0]
    started = time.perf_counter()

    def on_progress(what: str, lines: int) -> None:
        if what == LOADING:
            loading[0] = time.perf_counter() - started

    source = ArchiveSource(FolderShelf(folder), shop.clock)
    hydrated = hydrate(shop.flow.runtime, shop.bulk, source, on_progress=on_progress)
    assert (hydrated.loaded + hydrated.there, hydrated.checked, hydrated.wrong) == (source.total, source.total, 0)
    return loading[0]


@pytest.mark.parametrize("engine", _AT_LEAST)
def test_hydrating_is_several_times_as_fast_as_living(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path, tell_figure: Callable[[str], None]
) -> None:
    url = request.getfixturevalue(f"{engine}_url")
    shop = _shop(url)
    # As many created as lived: an engine is slow until it has seen something.
    _lived(shop, 0, _ENTITIES)
    shop.archive(tmp_path / "lives")
    young = _shop(url)
    for number in range(_ENTITIES):
        young.flow.create("order", str(number), {"total": 100, "email": "a@b.c"})
    young.archive(tmp_path / "births")
    of_births, of_lives = [], []
    for number in range(1, _ROUNDS + 1):
        # One beside the other, so that a busy machine holds both up alike.
        creating, living = _lived(shop, _ENTITIES * number, _ENTITIES)
        of_births.append(creating / _loaded(_shop(url), tmp_path / "births"))
        of_lives.append(living / _loaded(_shop(url), tmp_path / "lives"))
    tell_figure(
        f"hydrate on {engine}: {max(of_births):.1f} x the entities/s of one create after another, "
        f"{max(of_lives):.1f} x those of one life of four events after another"
    )
    of_birth, of_life = _AT_LEAST[engine]
    assert max(of_births) >= of_birth
    assert max(of_lives) >= of_life


class CountingBulk:
    """A table that keeps nothing but how much it was given."""

    def __init__(self) -> None:
        self.written = 0

    def standing(self, loads: Sequence[Load]) -> Mapping[Key, Standing]:
        return {load.key: Standing() for load in loads}

    def put(self, loads: Sequence[Load]) -> Sequence[Key]:
        self.written += len(loads)
        return []

    def histories(self, loads: Sequence[Load]) -> Mapping[Key, Found]:
        return {load.key: Found(load.entity, {event.version: event for event in load.events}) for load in loads}


class MadeUpRecords:
    """So many orders of the last hundred days, made when they are asked for."""

    def __init__(self, entities: int) -> None:
        self._entities = entities

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def all(self, share: int, shares: int) -> Iterator[EntityRecords]:
        for number in range(share, self._entities, shares):
            at, data = BEGINNING - timedelta(days=number % 97), {"total": number, "email": f"{number}@b.c"}
            event = Event("order", str(number), 1, f"id-{number}", "create", "", "placed", at, 1, data, data)
            yield EntityRecords("order", str(number), evolve(None, event), [event], [], [], None, [])


def _peaks(entities: int, folder: Path) -> tuple[float, float]:
    """The most memory that archiving and hydrating so many entities takes, in MB."""
    shop = Shop(known=definitions(ORDER))
    records: Any = MadeUpRecords(entities)
    peaks = []
    for work in (
        lambda: Archiver(records, shop.clock, FolderShelf(folder), Selection()).archive(workers=2).entities,
        lambda: (
            hydrate(
                shop.flow.runtime, CountingBulk(), ArchiveSource(FolderShelf(folder), shop.clock), workers=2
            ).checked
        ),
    ):
        tracemalloc.start()
        assert work() == entities
        peaks.append(tracemalloc.get_traced_memory()[1] / 1e6)
        tracemalloc.stop()
    return peaks[0], peaks[1]


def test_memory_is_flat(tmp_path: Path, tell_figure: Callable[[str], None]) -> None:
    few = _peaks(_FEW, tmp_path / "few")
    many = _peaks(_MANY, tmp_path / "many")
    tell_figure(
        f"most memory from {_FEW:,} to {_MANY:,} lines: archive {few[0]:.1f} to {many[0]:.1f} MB, "
        f"hydrate {few[1]:.1f} to {many[1]:.1f} MB"
    )
    assert many[1] <= 1.5 * few[1] + 1
    # What is gathered for parts: up to 8 MB of text for each of two shares, and the part that is being compressed.
    assert many[0] <= 45
