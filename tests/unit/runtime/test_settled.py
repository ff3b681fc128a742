"""What a process remembers of what it saw settled, and when it must not believe it."""

from __future__ import annotations

import pytest

from workflow.runtime import settled
from workflow.runtime.changes import Change, Copies
from workflow.runtime.settled import SettledVersions


def _change(version: int, entity_id: str = "42", *, created: str = "monday") -> Change:
    shown = Copies(None, None)  # type: ignore[arg-type] - nobody looks
    return Change("order", entity_id, version - 1, version, "a", "b", 1, "go", "1", shown, created=created)


def test_what_was_settled_is_known_to_the_next_change_of_the_same_entity() -> None:
    known = SettledVersions()
    known.keep(_change(3), 3)
    assert [known.before(_change(4)), known.before(_change(9)), known.before(_change(4, "43"))] == [3, 3, 0]


def test_nothing_is_known_of_an_entity_that_was_made_anew_under_the_same_id() -> None:
    known = SettledVersions()
    known.keep(_change(7), 7)
    assert known.before(_change(8, created="tuesday")) == 0


def test_an_entity_that_does_not_say_when_it_was_created_is_always_read() -> None:
    known = SettledVersions()
    known.keep(_change(3, created=""), 3)
    assert known.before(_change(4, created="")) == 0


def test_what_is_put_aside_is_forgotten() -> None:
    known = SettledVersions()
    known.keep(_change(3), 3)
    known.keep(_change(4), 0)
    assert known.before(_change(5)) == 0


def test_it_never_remembers_more_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settled, "_MOST_KNOWN", 2)
    known = SettledVersions()
    for number in range(3):
        known.keep(_change(1, str(number)), 1)
    assert [known.before(_change(2, str(number))) for number in range(3)] == [0, 0, 1]
