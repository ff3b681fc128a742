"""What a process remembers of what it saw settled, and when it must not believe it."""

from __future__ import annotations

from workflow.runtime import settled
from workflow.runtime.changes import Change, Copies
from workflow.runtime.settled import SettledVersions


def _change(version: int, entity_id: str = "42") -> Change:
    shown = Copies(None, None)  # type: ignore[arg-type] - nobody looks
    return Change("order", entity_id, version - 1, version, "a", "b", 1, "go", "1", shown)


def test_what_was_settled_is_known_to_the_next_change_of_the_same_entity() -> None:
    known = SettledVersions()
    known.keep(_change(3), 3)
    assert [known.before(_change(4)), known.before(_change(9)), known.before(_change(4, "43"))] == [3, 3, 0]


def test_an_entity_that_was_deleted_by_hand_and_made_anew_is_read_again() -> None:
    known = SettledVersions()
    known.keep(_change(7), 7)
    assert known.before(_change(1)) == 0
    # Its first effects are put aside: nothing is settled.
    known.keep(_change(1), 0)
    assert known.before(_change(8)) == 0


def test_a_change_that_comes_again_is_not_taken_for_a_later_one() -> None:
    known = SettledVersions()
    known.keep(_change(3), 3)
    assert known.before(_change(3)) == 0


def test_it_never_remembers_more_than_so_many(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(settled, "_MOST_KNOWN", 2)
    known = SettledVersions()
    for number in range(3):
        known.keep(_change(1, str(number)), 1)
    assert [known.before(_change(2, str(number))) for number in range(3)] == [0, 0, 1]
