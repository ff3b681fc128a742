"""Export: whole files or none, in the place of what an export wrote before and of nothing else."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.archives import Shop
from tests.histories import Told, history
from tests.samples import ORDER, definitions
from workflow.errors import StoreUnavailableError
from workflow.files.json_lines import JsonLines
from workflow.runtime.analytics.export import Exported, Exporter, ExportError
from workflow.runtime.analytics.histories import History, TableHistories
from workflow.runtime.analytics.transitions import Transition
from workflow.runtime.archives.shelf import FolderShelf

DAY = 86400
TWO_DAYS = (
    history("1", (0, "create", "placed"), (DAY, "pay", "paid")),
    history("2", (0, "create", "placed"), kind="job"),
)
FILES = [
    "kind=job/day=2026-01-31/transitions-00001.jsonl.gz",
    "kind=order/day=2026-01-31/transitions-00001.jsonl.gz",
    "kind=order/day=2026-02-01/transitions-00001.jsonl.gz",
]


def export(
    folder: Path, *some: History, kinds: Iterable[str] = (), encoding: Any = None, broken: Any = (), **how: Any
) -> Exported:
    exporter = Exporter(definitions(ORDER), FolderShelf(folder), encoding or JsonLines(), list(kinds))
    return exporter.export(Told(some, broken), **how)


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def rows(folder: Path) -> list[dict[str, Any]]:
    texts = (gzip.decompress((folder / name).read_bytes()).decode() for name in files(folder))
    return [json.loads(line) for text in texts for line in text.splitlines()]


def test_every_transition_is_a_row_of_the_file_of_its_kind_and_day(tmp_path: Path):
    found = export(tmp_path, *TWO_DAYS)
    assert files(tmp_path) == FILES
    assert [(row["id"], row["version"]) for row in rows(tmp_path)] == [("2", 1), ("1", 1), ("1", 2)]
    assert found == Exported(2, 3, 3, Counter(order=2, job=1), [], Counter(job=1))


def test_of_nothing_there_is_nothing_and_the_target_may_be_missing(tmp_path: Path):
    assert (export(tmp_path / "new"), files(tmp_path)) == (Exported(), [])


def test_what_could_not_be_read_is_told(tmp_path: Path):
    assert export(tmp_path, *TWO_DAYS, broken=["order 9: it has no history"]).broken == ["order 9: it has no history"]


def test_what_is_there_is_refused_before_anything_is_read(tmp_path: Path):
    class Unread(Told):
        def each(self, *_: Any) -> Any:
            raise AssertionError

    export(tmp_path, *TWO_DAYS)
    exporter = Exporter(definitions(ORDER), FolderShelf(tmp_path), JsonLines())
    with pytest.raises(ExportError) as caught:
        exporter.export(Unread([]))
    assert str(caught.value) == (
        f"{tmp_path} holds transitions of job, order already; --overwrite replaces them, or give another target"
    )


def test_another_kind_may_be_added(tmp_path: Path):
    order, job = TWO_DAYS
    export(tmp_path, order, kinds=["order"])
    export(tmp_path, job, kinds=["job"])
    assert files(tmp_path) == FILES
    with pytest.raises(ExportError, match="transitions of job already"):
        export(tmp_path, job, kinds=["job"])


def test_overwriting_leaves_what_a_fresh_export_would(tmp_path: Path):
    export(tmp_path, *TWO_DAYS, encoding=Lines())
    export(tmp_path, history("3", (0, "create", "placed")), overwrite=True)
    assert files(tmp_path) == FILES[1:2]
    assert [row["id"] for row in rows(tmp_path)] == ["3"]


def test_overwriting_one_kind_leaves_the_others_alone(tmp_path: Path):
    export(tmp_path, *TWO_DAYS)
    export(tmp_path, kinds=["order"], overwrite=True)
    assert files(tmp_path) == FILES[:1]


@pytest.mark.parametrize("name", ["kind=order/day=2026-01-31/part-00-00001.jsonl.gz", "kind=job/mine.csv"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_somebody_else_wrote_is_never_replaced(tmp_path: Path, name: str, overwrite: bool):
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(ExportError, match=f"{name} was not written by 'workflow export'; give another target"):
        export(tmp_path, *TWO_DAYS, kinds=["order"], overwrite=overwrite)
    assert files(tmp_path) == [name]


def test_an_archive_is_no_target(tmp_path: Path):
    Shop().live().archive(tmp_path)
    with pytest.raises(ExportError, match="was not written by 'workflow export'"):
        export(tmp_path, *TWO_DAYS, overwrite=True)


class Failing(FolderShelf):
    """Fails at the second file with rows."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.left = 1

    def put(self, name: str, content: bytes) -> None:
        if "/day=" in name and not self.left:
            raise StoreUnavailableError("nobody answers")
        self.left -= "/day=" in name
        super().put(name, content)


def test_one_that_was_interrupted_is_made_again_by_the_same_call(tmp_path: Path):
    for number in (1, 2):
        exporter = Exporter(definitions(ORDER), Failing(tmp_path), JsonLines())
        with pytest.raises(StoreUnavailableError):
            exporter.export(Told(TWO_DAYS))
        assert [name for name in files(tmp_path) if name.endswith("/_unfinished")] == [
            "kind=job/_unfinished",
            "kind=order/_unfinished",
        ], number
    export(tmp_path, *TWO_DAYS)
    assert files(tmp_path) == FILES


def test_nothing_is_written_before_all_is_read(tmp_path: Path):
    class Stopping(Told):
        def each(self, take: Any, on_progress: Any = None) -> Any:
            super().each(take)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Exporter(definitions(ORDER), FolderShelf(tmp_path), JsonLines()).export(Stopping(TWO_DAYS))
    assert files(tmp_path) == []


class Lines:
    """Files of one row each."""

    suffix = ".txt"

    def parts(self, rows: Iterable[Transition]) -> Iterator[bytes]:
        return (row.id.encode() for row in rows)


def test_a_large_partition_becomes_several_files_and_fewer_when_it_shrinks(tmp_path: Path):
    orders = [history(str(number), (0, "create", "placed")) for number in range(12)]
    assert export(tmp_path, *orders, encoding=Lines()).files == 12
    folder = "kind=order/day=2026-01-31"
    assert files(tmp_path) == [f"{folder}/transitions-{number:05d}.txt" for number in range(1, 13)]
    export(tmp_path, *orders[:2], encoding=Lines(), overwrite=True)
    assert files(tmp_path) == [f"{folder}/transitions-{number:05d}.txt" for number in (1, 2)]


@pytest.mark.parametrize("kind", ["../../etc", "Order", "a/b", ""])
def test_a_kind_that_would_be_another_folder_is_told_and_left_out(tmp_path: Path, kind: str):
    found = export(tmp_path / "target", history("1", (0, "create", "placed"), kind=kind))
    assert (found.broken, found.entities) == ([f"{kind!r} 1: a kind cannot be called so"], 0)
    assert files(tmp_path) == []


def test_no_sensitive_value_reaches_a_file_or_the_disk_of_rows_put_aside(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "aside"))
    (tmp_path / "aside").mkdir()
    shop, seen = Shop(), []
    shop.flow.create("order", "1", {"email": "canary@example.com", "total": 1}, by="canary@example.com")
    shop.flow.fire("order", "1", "annotate", {"note": {"to": "Canary@Example.com"}, "pin": "canary"})

    class Looking(JsonLines):
        def parts(self, rows: Iterable[Transition]) -> Iterator[bytes]:
            seen.extend(gzip.decompress(path.read_bytes()) for path in (tmp_path / "aside").rglob("*.gz"))
            return super().parts(rows)

    exporter = Exporter(shop.flow.definitions, FolderShelf(tmp_path / "out"), Looking())
    assert exporter.export(TableHistories(shop.records)).transitions == 2
    written = [gzip.decompress((tmp_path / "out" / name).read_bytes()) for name in files(tmp_path / "out")]
    assert seen
    assert b"[hidden]" in written[0]
    assert [text for text in (*seen, *written) if b"canary" in text.lower()] == []
    assert list((tmp_path / "aside").iterdir()) == []
