"""An archive is whole or says that it is not, goes on where it stopped, and is the same when nothing changed."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.archives import Shop
from workflow.errors import ArchiveError
from workflow.runtime.archives.archive import SHARES, Archiver
from workflow.runtime.archives.line import LineError, read_line, write_line
from workflow.runtime.archives.manifest import Selection
from workflow.runtime.archives.parts import lines_of
from workflow.runtime.archives.shelf import FolderShelf
from workflow.runtime.archives.source import ArchiveSource
from workflow.runtime.records import EntityRecords


@pytest.fixture
def shop() -> Shop:
    return Shop().live().deliver()


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _parts(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in _files(folder).items() if name.endswith(".gz")}


def test_histories_lie_by_kind_and_day_of_creation_and_only_their_owner_reads_them(shop: Shop, tmp_path: Path) -> None:
    shop.archive(tmp_path)
    folders = {path.parent.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.gz")}
    assert folders == {"kind=order/day=2026-01-31", "kind=order/day=2026-02-01", "kind=job/day=2026-02-01"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_file()} == {0o600}
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["kinds"] == {"job": {"entities": 4, "events": 6}, "order": {"entities": 6, "events": 13}}


def test_the_same_table_gives_the_same_files_and_a_changed_one_only_other_parts(shop: Shop, tmp_path: Path) -> None:
    shop.archive(tmp_path)
    before = _parts(tmp_path)
    shop.archive(tmp_path)
    assert _parts(tmp_path) == before
    shop.flow.fire("order", "1 #ü\u2028", "pay", {"amount": 100})
    shop.archive(tmp_path)
    after = _parts(tmp_path)
    assert after.keys() == before.keys()
    assert sum(after[name] != before[name] for name in after) == 1


class StoppingRecords:
    """Records whose walk ends with an error in the share with this number."""

    def __init__(self, shop: Shop, at: int) -> None:
        self._records, self._at = shop.records, at
        self.walked: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    def all(self, share: int, shares: int) -> Iterator[EntityRecords]:
        self.walked.append(share)
        if share == self._at:
            raise KeyboardInterrupt
        return self._records.all(share, shares)


def test_one_that_was_interrupted_goes_on_with_the_shares_that_were_not_finished(shop: Shop, tmp_path: Path) -> None:
    whole, folder = tmp_path / "whole", tmp_path / "interrupted"
    shop.archive(whole)
    records: Any = StoppingRecords(shop, 9)
    with pytest.raises(KeyboardInterrupt):
        Archiver(records, shop.clock, FolderShelf(folder), Selection()).archive(workers=1)
    with pytest.raises(ArchiveError, match="the archive is not finished"):
        ArchiveSource(FolderShelf(folder), shop.clock)
    again: Any = StoppingRecords(shop, -1)
    archived = Archiver(again, shop.clock, FolderShelf(folder), Selection()).archive(workers=1)
    assert (archived.resumed, again.walked) == (True, list(range(9, SHARES)))
    assert _files(folder) == _files(whole)


class MortalShelf(FolderShelf):
    """Dies instead of the write or removal with this number."""

    left = -1

    def _count(self) -> None:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1

    def put(self, name: str, content: bytes) -> None:
        self._count()
        super().put(name, content)

    def remove(self, name: str) -> None:
        self._count()
        super().remove(name)


def test_one_that_dies_at_any_file_and_is_repeated_is_whole(shop: Shop, tmp_path: Path) -> None:
    shop.archive(tmp_path / "whole")
    for number in range(200):
        shelf = MortalShelf(tmp_path / str(number))
        shelf.left = number
        try:
            Archiver(shop.records, shop.clock, shelf, Selection()).archive(workers=1)
        except KeyboardInterrupt:
            shop.archive(tmp_path / str(number))
            assert _files(tmp_path / str(number)) == _files(tmp_path / "whole")
            continue
        break
    assert 30 < number < 199


def test_a_kind_and_a_moment_select(shop: Shop, tmp_path: Path) -> None:
    assert shop.archive(tmp_path / "jobs", kind="job").entities == 4
    late = shop.clock.now() - timedelta(hours=12)
    assert shop.archive(tmp_path / "late", kind="order", since=late).entities == 2


def test_another_selection_or_table_is_refused_where_an_archive_lies(shop: Shop, tmp_path: Path) -> None:
    shop.archive(tmp_path, kind="job", table="one")
    before = _files(tmp_path)
    for other in ({"kind": "order", "table": "one"}, {"table": "one"}, {"kind": "job", "table": "two"}):
        with pytest.raises(ArchiveError, match=r"holds job entities of table one, and .* are asked for"):
            shop.archive(tmp_path, **other)
    assert _files(tmp_path) == before


def test_a_history_that_does_not_hold_is_told_and_the_rest_is_archived(shop: Shop, tmp_path: Path) -> None:
    del shop.store._events["order", "3 #ü\u2028"][2]
    archived = shop.archive(tmp_path)
    assert (archived.entities, len(archived.broken)) == (9, 1)
    assert archived.broken[0].startswith("order 3 #ü\u2028: ")


def _lines(folder: Path) -> list[bytes]:
    return [line.content for file in sorted(folder.rglob("*.gz")) for line in lines_of(str(file), file.read_bytes())]


def test_a_line_gives_back_what_was_written_and_any_changed_byte_is_found(shop: Shop, tmp_path: Path) -> None:
    shop.archive(tmp_path)
    lines = _lines(tmp_path)
    assert [write_line(read_line(line)).encode() + b"\n" for line in lines] == lines
    line = lines[0]
    for position in range(len(line) - 1):
        with pytest.raises(LineError):
            read_line(line[:position] + bytes([line[position] ^ 1]) + line[position + 1 :])
        with pytest.raises(LineError):
            read_line(line[:position])


def _signed(form: Any) -> bytes:
    text = json.dumps(form)[:-1]
    return f'{text},"sum":"{hashlib.sha256(text.encode()).hexdigest()[:16]}"}}'.encode()


def test_a_line_that_somebody_made_up_is_refused_in_one_sentence(shop: Shop, tmp_path: Path) -> None:
    shop.archive(tmp_path, kind="job")
    form = json.loads(_lines(tmp_path)[0])
    del form["sum"]
    read_line(_signed(form))
    event = form["events"][0]
    refused = [
        ({"format": 2}, "it has format 2, and this version reads 1"),
        ({"events": []}, "its version is not that of its last event"),
        ({"events": [{**event, "version": 2}]}, "event 1 is missing"),
        ({"events": [{**event, "owing": 7}]}, "event 1 does not say which event before it owes effects"),
        ({"events": [{**event, "changes": {"": 1}}]}, "its changes cannot be stored"),
        ({"events": [{**event, "trigger": "a b"}]}, "it is no history (ValueError)"),
        ({"events": [{**event, "at": "2026-01-31T12:00:00"}]}, "it is no history (ValueError)"),
        ({"events": 7}, "it is no history (TypeError)"),
        ({"id": ""}, "job: the id must have at least one character"),
        ({"id": 7}, "it is no history (TypeError)"),
    ]
    for changed, why in refused:
        with pytest.raises(LineError) as caught:
            read_line(_signed({**form, "version": 1, "events": [event], **changed}))
        assert why in str(caught.value)
    for rest in ("[]", "null", '{"format":1', "[" * 100_000):
        with pytest.raises(LineError):
            read_line(_signed(rest))
