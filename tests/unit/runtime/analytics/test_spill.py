"""Rows that were put aside come back as they were, however little memory there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.histories import history
from tests.samples import ORDER, definitions
from workflow.runtime.analytics.spill import Spill
from workflow.runtime.analytics.transitions import Partition, Rows, Transition

NOTE = "a\u2028b\nc\x00d\u00fc\U0001f600"


def some_rows(count: int) -> list[tuple[Partition, Transition]]:
    rows = Rows(definitions(ORDER))
    steps = [(number * 40_000, "annotate", "placed", {"payload": {"note": NOTE}}) for number in range(count)]
    return list(rows.of(history("1", *steps)))


@pytest.mark.parametrize("held_characters", [1, 700, 10**9])
def test_rows_come_back_by_partition_in_the_order_they_came(held_characters: int):
    given = some_rows(50)
    with Spill(held_characters) as spill:
        for partition, row in given:
            spill.add(partition, row)
        partitions = spill.partitions()
        assert partitions == sorted({partition for partition, _ in given})
        found = [(partition, row) for partition in partitions for row in spill.rows(partition)]
    assert found == given


def test_what_is_held_in_memory_is_bounded():
    with Spill(2_000) as spill:
        most = 0
        for partition, row in some_rows(200):
            spill.add(partition, row)
            most = max(most, sum(len(line) for lines in spill._held.values() for line in lines))
    assert most < 2_000


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def stopped() -> None:
        with Spill(1) as spill:
            for partition, row in some_rows(3):
                spill.add(partition, row)
            assert list(tmp_path.iterdir())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert list(tmp_path.iterdir()) == []
