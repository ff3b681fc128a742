"""The page of moving in: its commands answer as it shows, and its map is shown whole."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo.hydrate.old_system import BAD, COLUMNS, ENCODING, PARCELS, write_export
from tests.fakes.clock import FakeClock
from tests.shipped import HANDLERS, REPOSITORY
from tests.unit.stories.pages import page, run
from workflow import Workflow
from workflow.definition.archives.load import load_archive_map
from workflow.runtime.archives.foreign import ForeignSource
from workflow.runtime.archives.hydrate import hydrate
from workflow.testing import MemoryDelivery, MemoryStore
from workflow.testing.memory_bulk import MemoryBulk

PAGE = page("hydrate")
MAP = REPOSITORY / "demo" / "hydrate" / "parcels.yaml"


@pytest.fixture
def flow() -> Workflow:
    clock = FakeClock()
    clock.advance((datetime(2026, 11, 1, tzinfo=UTC) - clock.now()).total_seconds())
    return Workflow(REPOSITORY / "definitions", MemoryStore(), handlers=HANDLERS, clock=clock)


def test_its_commands_answer_as_it_shows(flow: Workflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(MAP, tmp_path)
    (text,) = PAGE.blocks("text")
    Path("parcels.csv").write_text(text, encoding=ENCODING)
    shown = PAGE.answers()
    assert len(shown) == 3
    for one in shown:
        told = [line for line in run(flow, one.command).splitlines() if not line.endswith(" ...")]
        assert "\n".join(told) == one.answer
    MemoryDelivery(flow).run()
    assert [effect.status for e in flow.effects("shipment", "JJD1") for effect in e.outcomes.values()] == [
        "skipped"
    ] * 3


def test_the_map_is_shown_whole() -> None:
    (shown,) = PAGE.blocks("yaml")
    assert MAP.read_text(encoding="utf-8").partition("\n")[2] == shown.partition("\n")[2]


def test_the_old_system_of_the_demo_has_as_many_parcels_and_errors_as_the_page_says(
    flow: Workflow, tmp_path: Path
) -> None:
    file = tmp_path / "parcels.csv"
    write_export(file)
    source = ForeignSource([file], ENCODING, load_archive_map(MAP, flow.definitions), flow.runtime)
    hydrated = hydrate(flow.runtime, MemoryBulk(flow.runtime.store), source)  # type: ignore[arg-type]
    assert (hydrated.loaded, hydrated.there, hydrated.wrong) == (PARCELS, 1, BAD) == (1_000, 1, 7)
    assert "a thousand parcels and seven lines that are none" in re.sub(r"\s+", " ", PAGE.text)
    assert ";".join(COLUMNS) in PAGE.text
