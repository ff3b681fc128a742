"""Histories from a table, and from an archive of it."""

from __future__ import annotations

import gzip
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from tests.archives import Shop
from workflow.engine.events import fold
from workflow.errors import ThrottledError
from workflow.runtime.analytics.histories import ArchiveHistories, Histories, History, TableHistories
from workflow.runtime.archives.shelf import FolderShelf
from workflow.runtime.archives.source import ArchiveSource


def read(histories: Histories) -> tuple[list[History], list[str]]:
    found: list[History] = []
    broken = histories.each(found.append)
    return sorted(found, key=lambda one: (one.kind, one.entity_id)), list(broken)


def archived(shop: Shop, folder: Path, *kinds: str) -> ArchiveHistories:
    shop.archive(folder)
    return ArchiveHistories([ArchiveSource(FolderShelf(folder), shop.clock, kind) for kind in kinds or ("",)])


def test_a_table_gives_every_history_with_its_ledger():
    shop = Shop().live().deliver()
    found, broken = read(TableHistories(shop.records))
    assert broken == []
    kept = [one for share in range(3) for one in shop.records.all(share, 3)]
    kept.sort(key=lambda one: (one.kind, one.entity_id))
    assert found == [History(one.kind, one.entity_id, one.events, one.entries) for one in kept]
    assert TableHistories(shop.records).total == 10


def test_only_the_kinds_that_are_asked_for():
    shop = Shop().live()
    assert {one.kind for one in read(TableHistories(shop.records, ["job"]))[0]} == {"job"}


def test_an_archive_gives_the_same_events_and_no_ledger(tmp_path: Path):
    shop = Shop().live().deliver()
    expected = [one._replace(entries=None) for one in read(TableHistories(shop.records))[0]]
    histories = archived(shop, tmp_path)
    assert (read(histories), histories.total) == ((expected, []), 10)
    of_jobs = archived(shop, tmp_path, "job")
    assert (read(of_jobs)[0], of_jobs.total) == ([one for one in expected if one.kind == "job"], 4)


def test_what_of_an_archive_is_damaged_is_told_and_left_out(tmp_path: Path):
    shop = Shop().live(orders=0, jobs=4)
    histories = archived(shop, tmp_path)
    part = next(tmp_path.rglob("*.jsonl.gz"))
    part.unlink()
    found, broken = read(histories)
    assert len(found) < 4
    assert [line.partition(":")[0] for line in broken] == [str(part)]


def test_a_line_of_an_archive_that_was_changed_is_told_and_the_others_are_read(tmp_path: Path):
    shop = Shop().live(orders=0, jobs=1)
    histories = archived(shop, tmp_path)
    part = next(tmp_path.rglob("*.jsonl.gz"))
    whole = gzip.decompress(part.read_bytes())
    part.write_bytes(gzip.compress(whole.replace(b"pending", b"PENDING") + whole))
    found, broken = read(histories)
    assert [one.entity_id for one in found] == ["0"]
    assert f"{part} line 1: it was cut, changed or damaged: its checksum is another one" in broken


def test_no_share_of_a_table_is_forgotten():
    shop = Shop().live(orders=0, jobs=100)
    assert len(read(TableHistories(shop.records))[0]) == 100


def test_a_history_with_a_gap_is_told_and_left_out():
    shop = Shop().live(orders=2, jobs=0)
    whole, (holed,) = _split(shop, "1 #ü\u2028")
    del shop.store._events["order", holed][1]
    found, broken = read(TableHistories(shop.records))
    assert [one.entity_id for one in found] == whole
    assert broken == [f"order {holed}: order {holed}: event 2 from 'placed' does not follow version 0 in 'nothing'"]


def test_an_entity_without_a_history_is_told_and_one_that_was_deleted_counts():
    shop = Shop().live(orders=2, jobs=0)
    (kept,), (emptied,) = _split(shop, "1 #ü\u2028")
    shop.store._events["order", emptied].clear()
    del shop.store._entities["order", kept]
    found, broken = read(TableHistories(shop.records))
    assert ([one.entity_id for one in found], broken) == ([kept], [f"order {emptied}: it has no history"])


def _split(shop: Shop, wanted: str) -> tuple[list[str], list[str]]:
    ids = sorted(entity_id for _, entity_id in shop.store.entity_keys())
    return [one for one in ids if one != wanted], [one for one in ids if one == wanted]


def test_what_looks_wrong_is_looked_at_again():
    shop = Shop().live(orders=1, jobs=0)

    class SeenInTheMiddle:
        def __getattr__(self, name):
            return getattr(shop.records, name)

        def all(self, share, shares):
            for one in shop.records.all(share, shares):
                yield one._replace(events=one.events[1:])

    (found,), broken = read(TableHistories(SeenInTheMiddle()))
    assert (fold(found.events).version, broken) == (1, [])


@pytest.mark.parametrize("sort_key", ["event#000000000001", "effects#000000000001"])
def test_what_cannot_be_read_of_an_entity_leaves_it_out(sort_key):
    class Damaged:
        def of(self, kind, entity_id):
            return shop.records.of(kind, entity_id)._replace(damaged={sort_key: "item was changed by hand"})

        def all(self, share, shares):
            return (self.of(one.kind, one.entity_id) for one in shop.records.all(share, shares))

    shop = Shop().live(orders=1, jobs=0)
    assert read(TableHistories(Damaged())) == ([], ["order 0 #ü\u2028: item was changed by hand"])


def test_a_table_that_asks_to_slow_down_ends_the_walk_of_all():
    class Throttled:
        def all(self, share, shares):
            if share == 3:
                raise ThrottledError("slow down")
            return shop.records.all(share, shares)

    shop = Shop().live()
    with pytest.raises(ThrottledError, match="slow down"):
        read(TableHistories(Throttled()))


def test_progress_is_told_of_all_kinds(tmp_path: Path):
    shop = Shop().live(orders=0, jobs=250)
    told: list[int] = []
    TableHistories(shop.records, ["order"]).each(lambda one: None, told.append)
    assert told == [100, 200]
    told.clear()
    archived(shop, tmp_path).each(lambda one: None, told.append)
    assert told[-1] == 250


def test_only_one_history_is_taken_at_a_time():
    shop, inside = Shop().live(orders=20, jobs=20), []

    def take(one: History) -> None:
        inside.append(one)
        assert len(inside) == 1
        threading.Event().wait(timedelta(milliseconds=1).total_seconds())
        inside.pop()

    TableHistories(shop.records).each(take)
