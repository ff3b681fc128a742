"""A table built from an old system's files: histories that hold what every history holds, bad lines put aside."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.archives import ALL, Shop
from workflow.definition.archives.load import parse_archive_map
from workflow.engine.events import fold
from workflow.errors import StoreAccessError
from workflow.operations import Operations
from workflow.runtime.archives.foreign import ForeignSource
from workflow.runtime.archives.foreign_files import get_encoding
from workflow.runtime.archives.hydrate import hydrate
from workflow.runtime.archives.hydrated import Hydrated
from workflow.testing import MemoryDelivery
from workflow.testing.memory_bulk import MemoryBulk

MAP = """\
archive: old_shop
kind: order
id: line.id
created: line.ordered
data: {email: line.mail, total: line.total}
steps:
  - {trigger: pay, at: line.paid, payload: {amount: line.total}}
  - {trigger: ship, at: line.sent, payload: {carrier: line.carrier}}
"""
HEADER = "id,mail,total,ordered,paid,sent,carrier\n"
DAY = "2026-01-0{}T00:00:00Z"


def row(number: int, paid: bool = True, sent: bool = True, total: str = "10") -> str:
    return f"{number},a@b.c,{total},{DAY.format(1)},{DAY.format(2) * paid},{DAY.format(3) * sent},dhl\n"


ROWS = HEADER + "".join(row(n, paid=n % 3 > 0, sent=n % 3 > 1) for n in range(9))


def shop() -> Shop:
    made = Shop(known=ALL)
    made.clock.sleep(timedelta(days=365).total_seconds())
    return made


def load(made: Shop, *files: Path, text: str = MAP, encoding: str = "utf-8") -> tuple[Hydrated, ForeignSource]:
    archive_map = parse_archive_map(text, made.flow.definitions)
    source = ForeignSource(files, get_encoding(encoding), archive_map, made.flow.runtime)
    return hydrate(made.flow.runtime, made.bulk, source, workers=2), source


def written(folder: Path, text: str = ROWS, name: str = "old.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def rejected(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(f"{path}.rejected.jsonl").read_text().splitlines()]


def test_every_promise_of_a_history_holds_for_what_was_built(tmp_path: Path) -> None:
    made = shop()
    hydrated, source = load(made, written(tmp_path))
    assert (hydrated.loaded, hydrated.events, hydrated.checked, hydrated.told) == (9, 18, 9, [])
    assert (source.total, source.aside) == (10, {})
    edges = ALL.find("order").edges
    for one in made.everything():
        assert [event.version for event in one.events] == list(range(1, len(one.events) + 1))
        assert fold(one.events) == one.entity
        assert all((event.trigger, event.source, event.target) in edges for event in one.events)
    states = [made.flow.get("order", str(n)).state for n in range(3)]
    assert states == ["placed", "paid", "shipped"]
    assert {event.by for event in made.flow.history("order", "2")} == {"archive:old_shop"}


def test_no_hook_runs_and_nothing_is_owed(tmp_path: Path) -> None:
    made = shop()
    load(made, written(tmp_path))
    delivered = MemoryDelivery(made.flow).run()
    assert (made.ran, delivered.failed, delivered.violations) == ([], [], 0)
    operations = Operations(made.flow.runtime, made.records)
    assert operations.reconcile().restored == []
    assert [found for found in operations.verify().findings if "timer" not in found.what] == []
    assert {effect.status for entry in made.flow.effects("order", "2") for effect in entry.outcomes.values()} == {
        "skipped"
    }


def test_a_repeated_one_changes_nothing_and_leaves_alone_what_has_moved_on(tmp_path: Path) -> None:
    made, path = shop(), written(tmp_path)
    load(made, path)
    before = made.everything()
    hydrated, _ = load(made, path)
    assert (hydrated.loaded, hydrated.there, hydrated.checked, hydrated.told) == (0, 9, 9, [])
    assert made.everything() == before
    made.flow.fire("order", "1", "ship")
    hydrated, _ = load(made, path)
    assert (hydrated.there, hydrated.moved_on, hydrated.checked) == (8, 1, 9)


class KilledError(Exception):
    pass


class MortalBulk(MemoryBulk):
    """Dies before the write with this number."""

    left = -1

    def written(self) -> None:
        if self.left == 0:
            raise KilledError
        self.left -= 1


def test_one_that_is_killed_anywhere_and_repeated_builds_the_same(tmp_path: Path) -> None:
    made, path = shop(), written(tmp_path)
    load(made, path)
    for number in range(0, 36, 3):
        other = shop()
        other.bulk = bulk = MortalBulk(other.store)
        bulk.left = number
        with pytest.raises(KilledError):
            load(other, path)
        bulk.left = -1
        assert load(other, path)[0].told == []
        assert other.everything() == made.everything()
        MemoryDelivery(other.flow).run()
        assert other.ran == []


def test_bad_lines_are_put_aside_with_number_and_reason_and_the_rest_goes_on(tmp_path: Path) -> None:
    made = shop()
    lines = [row(0), row(1, total="much"), "2,a@b.c\n", row(3), '4,"x"y,1,,,,\n', row(3, total="11"), row(3)]
    path = written(tmp_path, HEADER + "".join(lines))
    hydrated, source = load(made, path)
    assert (hydrated.lines, hydrated.loaded, hydrated.there, hydrated.checked, hydrated.wrong) == (7, 2, 1, 2, 4)
    found = rejected(path)
    whys = [
        "order 1: its creation: data.total takes a number, not this text; declared: email, total, carrier, note",
        "it has 2 columns, and the first line names 7",
        "it cannot be read as CSV: ',' expected after '\"'; is a quotation mark too many or too few?",
        "order 3: it is there at version 3 with another history than the 3 events to be loaded; it was left alone",
    ]
    assert [(one["line"], one["why"]) for one in found] == list(zip([3, 4, 6, 7], whys, strict=True))
    assert [one["text"] + "\n" for one in found] == [lines[1], lines[2], lines[4], lines[5]]
    assert hydrated.told == [f"{path} line {n}: {why}" for n, why in zip([3, 4, 6], whys, strict=False)] + whys[3:]
    assert source.aside == {f"{path}.rejected.jsonl": 4}
    assert stat.S_IMODE(Path(f"{path}.rejected.jsonl").stat().st_mode) == 0o600


def test_mended_lines_are_loaded_and_nothing_is_put_aside_any_more(tmp_path: Path) -> None:
    made = shop()
    path = written(tmp_path, HEADER + row(0) + row(1, total="much"))
    load(made, path)
    written(tmp_path, HEADER + row(0) + row(1))
    hydrated, _ = load(made, path)
    assert (hydrated.loaded, hydrated.there, hydrated.wrong) == (1, 1, 0)
    assert not Path(f"{path}.rejected.jsonl").exists()


def test_lines_of_json_are_mapped_and_read_strictly(tmp_path: Path) -> None:
    made = shop()
    good = {"id": 7, "mail": "a@b.c", "total": 1.5, "ordered": DAY.format(1)}
    bad = ['{"id": 1, "id": 2}', '{"id": NaN}', "[1]", '{"id": "cut', "[" * 100]
    path = written(tmp_path, "\n".join([json.dumps(good), *bad]), "old.jsonl")
    hydrated, _ = load(made, path)
    assert (hydrated.loaded, made.flow.get("order", "7").data["total"]) == (1, Decimal("1.5"))
    assert [one["why"] for one in rejected(path)] == [
        "an object in the line has a key twice",
        "a number in the line is none: NaN and Infinity are not JSON",
        "the line is no JSON object",
        "the line is not JSON: column 8",
        "the line is nested deeper than 64 levels",
    ]


def test_an_empty_field_is_none(tmp_path: Path) -> None:
    made = shop()
    load(made, written(tmp_path, HEADER + row(1).replace("a@b.c", "")))
    assert made.flow.get("order", "1").data == {"total": 10, "carrier": "dhl"}


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_loaded(tmp_path: Path) -> None:
    made = shop()
    bad = written(tmp_path, "", "bad.csv")
    bad.write_bytes(ROWS.replace("a@b.c", "ä@b.c").encode("latin-1"))
    hydrated, source = load(made, bad, written(tmp_path))
    assert (hydrated.loaded, hydrated.wrong, source.aside) == (9, 1, {})
    (told,) = hydrated.told
    assert told.startswith(f"{bad} line 2 column 3 (byte 43 of its text): this is not utf-8; give --encoding latin-1")
    assert load(shop(), bad, encoding="latin-1")[0].loaded == 9


def test_a_column_that_the_map_asks_for_and_that_there_is_not_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    made = shop()
    hydrated, _ = load(made, written(tmp_path, ROWS.replace("carrier", "carier")))
    assert made.everything() == []
    assert hydrated.told == [
        f"{tmp_path}/old.csv line 1: the map reads line.carrier, and no column is called so; did you mean 'carier'? "
        f"columns: id, mail, total, ordered, paid, sent, carier"
    ]
    hydrated, _ = load(made, written(tmp_path, ROWS.replace(",", ";")))
    assert "is another delimiter to be set in csv? the only column is 'id;mail;total" in hydrated.told[0]


def test_entities_in_a_state_of_a_lane_get_their_places(tmp_path: Path) -> None:
    made = shop()
    text = (
        "archive: old_ci\nkind: job\nid: line.id\ncreated: line.at\ndata: {repository: line.repository}\n"
        "steps: [{trigger: start, at: line.started}]\n"
    )
    rows = [f"{n},r,{DAY.format(n)},{DAY.format(9) * (n == 3)}\n" for n in range(1, 5)]
    hydrated, _ = load(made, written(tmp_path, "id,repository,at,started\n" + "".join(rows)), text=text)
    assert (hydrated.loaded, hydrated.placed, hydrated.told) == (4, 4, [])
    places = {n: made.flow.get("job", str(n)).place for n in range(1, 5)}
    assert [n for n, place in places.items() if place and not place.is_waiting] == [3]
    MemoryDelivery(made.flow).run()
    made.flow.fire("job", "3", "finish")
    MemoryDelivery(made.flow).run()
    assert [made.flow.get("job", str(n)).state for n in range(1, 5)] == ["active", "pending", "done", "pending"]


def test_lines_that_cannot_be_put_aside_end_the_run_with_one_clear_error(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + "1\n")
    Path(f"{path}.rejected.jsonl").mkdir()
    with pytest.raises(StoreAccessError, match=r"old\.csv\.rejected\.jsonl: Is a directory; lines that are not loaded"):
        load(shop(), path)
