"""A table that is built from an archive is the one that was archived, and nothing runs for it."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.archives import HOOKED, Shop
from tests.samples import COUNTER, definitions
from workflow.errors import ArchiveError, UnknownKindError
from workflow.operations import Operations
from workflow.testing import MemoryDelivery
from workflow.testing.memory_bulk import MemoryBulk


@pytest.fixture
def shop() -> Shop:
    return Shop().live().deliver()


def _like(shop: Shop) -> Shop:
    """An empty table at the same moment."""
    return Shop(clock=shop.clock)


def test_what_is_built_from_an_archive_is_what_was_archived(shop: Shop, tmp_path: Path) -> None:
    archived = shop.archive(tmp_path)
    other = _like(shop)
    hydrated = other.hydrate(tmp_path)
    assert other.everything() == shop.everything()
    assert (archived.entities, archived.events, archived.broken) == (10, 19, [])
    assert (hydrated.loaded, hydrated.events, hydrated.checked, hydrated.placed) == (10, 19, 10, 4)
    assert (hydrated.told, hydrated.unknown, hydrated.opened) == ([], {}, 0)
    for lane in shop.store.lane_keys():
        assert other.store.lane(lane, waiting=9)[:3] == shop.store.lane(lane, waiting=9)[:3]


def test_no_hook_runs_and_reconcile_and_verify_find_nothing(shop: Shop, tmp_path: Path) -> None:
    shop.archive(tmp_path)
    other = _like(shop)
    other.hydrate(tmp_path)
    other.clock.sleep(3600)
    delivered = MemoryDelivery(other.flow).run()
    assert (other.ran, delivered.failed, delivered.violations, delivered.waiting) == ([], [], 0, 0)
    operations = Operations(other.flow.runtime, other.records)
    reconciled = operations.reconcile()
    assert (reconciled.restored, reconciled.broken, reconciled.moved, reconciled.freed) == ([], [], [], {})
    other.clock.sleep(0)
    assert [f for f in operations.verify().findings if "timer" not in f.what] == []


def test_the_next_transition_runs_its_hook(shop: Shop, tmp_path: Path) -> None:
    shop.archive(tmp_path)
    other = _like(shop)
    other.hydrate(tmp_path)
    other.flow.fire("order", "0 #ü\u2028", "pay", {"amount": 100})
    MemoryDelivery(other.flow).run()
    assert other.ran == ["order#0 #ü\u2028#2#receipt"]


def test_effects_that_were_owed_when_it_was_archived_are_counted_and_say_so(tmp_path: Path) -> None:
    shop = Shop().live(jobs=0)
    shop.archive(tmp_path)
    other = _like(shop)
    assert other.hydrate(tmp_path).opened == 2
    (entry,) = other.flow.effects("order", "3 #ü\u2028")
    assert [(outcome.status, outcome.attempts) for outcome in entry.outcomes.values()] == [("skipped", 0)]
    assert "still owed when it was archived" in entry.outcomes["receipt"].note


class KilledError(Exception):
    pass


class MortalBulk(MemoryBulk):
    """Dies before the write with this number."""

    left = -1

    def written(self) -> None:
        if self.left == 0:
            raise KilledError
        self.left -= 1


def test_one_that_is_killed_before_any_write_and_repeated_builds_the_same(shop: Shop, tmp_path: Path) -> None:
    shop.archive(tmp_path)
    for number in range(200):
        other = _like(shop)
        other.bulk = bulk = MortalBulk(other.store)
        bulk.left = number
        try:
            other.hydrate(tmp_path, workers=1)
        except KilledError:
            MemoryDelivery(other.flow).run()
            bulk.left = -1
            assert other.hydrate(tmp_path).told == []
            assert other.everything() == shop.everything()
            MemoryDelivery(other.flow).run()
            assert other.ran == []
            continue
        break
    assert 30 < number < 100


def test_what_is_there_already_is_left_alone_and_another_history_is_told(shop: Shop, tmp_path: Path) -> None:
    shop.archive(tmp_path)
    other = _like(shop)
    other.hydrate(tmp_path, kind="job")
    other.flow.fire("job", "0", "finish")
    mine = other.flow.create("order", "1 #ü\u2028", {"total": 7}).entity
    hydrated = other.hydrate(tmp_path)
    assert (hydrated.loaded, hydrated.there, hydrated.moved_on, hydrated.wrong) == (5, 3, 1, 1)
    assert hydrated.told == [
        "order 1 #ü\u2028: it is there at version 1 with another history than the 2 events to be loaded; "
        "it was left alone"
    ]
    assert other.flow.get("order", "1 #ü\u2028") == mine
    assert len(other.flow.history("order", "1 #ü\u2028")) == 1


def _part(folder: Path, kind: str = "order") -> Path:
    return max(folder.glob(f"kind={kind}/*/*.gz"), key=lambda path: path.stat().st_size)


def test_a_part_that_was_cut_is_named_with_the_line_and_the_rest_goes_on(tmp_path: Path) -> None:
    shop = Shop().live(orders=40, jobs=2)
    shop.archive(tmp_path)
    part = _part(tmp_path)
    part.write_bytes(part.read_bytes()[:-20])
    hydrated = _like(shop).hydrate(tmp_path)
    assert 0 < hydrated.loaded < 42
    (told,) = hydrated.told
    assert told.startswith(f"{part} line ")
    assert "the file was cut here" in told
    assert hydrated.loaded + int(told.split("; the ")[1].split()[0]) == 42


def test_one_flipped_byte_anywhere_is_found_and_nothing_wrong_is_loaded(tmp_path: Path) -> None:
    shop = Shop().live(orders=5, jobs=0)
    shop.archive(tmp_path)
    part = _part(tmp_path)
    whole = part.read_bytes()
    right = {one.entity_id: one for one in shop.everything()}
    for position in range(0, len(whole), 7):
        part.write_bytes(whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :])
        other = _like(shop)
        hydrated = other.hydrate(tmp_path)
        assert hydrated.wrong >= 1
        assert str(part) in hydrated.told[0]
        assert [one.entity for one in other.everything()] == [right[one.entity_id].entity for one in other.everything()]


def test_one_flipped_letter_of_a_line_names_file_and_line(shop: Shop, tmp_path: Path) -> None:
    shop.archive(tmp_path)
    part = _part(tmp_path, "job")
    lines = gzip.decompress(part.read_bytes()).replace(b"priority", b"prioritx", 1)
    part.write_bytes(gzip.compress(lines))
    hydrated = _like(shop).hydrate(tmp_path)
    assert f"{part} line 1: it was cut, changed or damaged: its checksum is another one" in hydrated.told


def test_a_missing_part_and_a_missing_manifest_are_told(shop: Shop, tmp_path: Path) -> None:
    shop.archive(tmp_path)
    part = _part(tmp_path)
    part.unlink()
    assert _like(shop).hydrate(tmp_path).told == [f"{part}: it is missing; bring it back, and hydrate again"]
    (tmp_path / "manifest.json").write_text('{"format": 99}')
    with pytest.raises(ArchiveError, match="format 99, and this version reads 1"):
        _like(shop).hydrate(tmp_path)
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(ArchiveError, match="there is none"):
        _like(shop).hydrate(tmp_path)


def test_a_kind_without_a_definition_is_refused_before_anything_is_written(shop: Shop, tmp_path: Path) -> None:
    shop.archive(tmp_path)
    other = Shop(known=definitions(HOOKED), clock=shop.clock)
    with pytest.raises(UnknownKindError, match="'job'"):
        other.hydrate(tmp_path)
    assert other.everything() == []
    assert other.hydrate(tmp_path, kind="order").loaded == 6


def test_a_definition_version_that_is_not_here_is_a_note_and_nothing_is_put_aside(tmp_path: Path) -> None:
    newer = replace(HOOKED, version=2)
    shop = Shop(known=definitions(newer)).live(jobs=0)
    shop.archive(tmp_path)
    other = Shop(known=definitions(HOOKED, COUNTER), clock=shop.clock)
    hydrated = other.hydrate(tmp_path)
    assert (hydrated.loaded, hydrated.unknown, hydrated.told) == (6, {"order version 2": 6}, [])
    MemoryDelivery(other.flow).run()
    assert (other.ran, list(other.store.ledger.parked())) == ([], [])


def test_the_timer_of_the_state_is_set_and_fires(tmp_path: Path) -> None:
    shop = Shop().live(orders=1, jobs=0)
    shop.archive(tmp_path)
    other = _like(shop)
    other.hydrate(tmp_path)
    assert other.store.find_timer("order", "0 #ü\u2028") == shop.store.find_timer("order", "0 #ü\u2028")
    delivery = MemoryDelivery(other.flow)
    delivery.run()
    delivery.sweep()
    assert other.flow.get("order", "0 #ü\u2028").state == "cancelled"
    assert other.ran == ["order#0 #ü\u2028#2#receipt"]


def test_a_request_that_is_still_remembered_is_answered_as_before(shop: Shop, tmp_path: Path) -> None:
    shop.archive(tmp_path)
    other, late = _like(shop), Shop()
    other.hydrate(tmp_path)
    assert other.flow.create("order", "1 #ü\u2028", {"total": 100, "email": "a@b.c"}, request_id="r1").repeated
    late.clock.sleep(timedelta(days=40).total_seconds())
    late.hydrate(tmp_path)
    assert all(one.requests == [] for one in late.everything())
