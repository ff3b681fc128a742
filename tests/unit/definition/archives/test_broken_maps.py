"""Every broken map is reported at the right place with a way out, and nothing else is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.samples import COUNTER, ORDER, definitions
from workflow.definition.archives.load import load_archive_map, parse_archive_map
from workflow.definition.definition import Definition, Field, State
from workflow.errors import DefinitionError

BROKEN = Path(__file__).parent / "broken"
FILES = sorted(BROKEN.glob("*.yaml"))
KNOWN = definitions(ORDER, COUNTER)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_broken_map_is_reported_as_its_text_says(file: Path) -> None:
    with pytest.raises(DefinitionError) as caught:
        load_archive_map(file, KNOWN)
    told = [str(problem).replace(f"{BROKEN}/", "") for problem in caught.value.problems]
    assert "\n".join(told) + "\n" == file.with_suffix(".txt").read_text()


@pytest.mark.parametrize("text", ["", "[]", "5", "archive", "a: {b: [", "null", "- archive: x", "{}"])
def test_whatever_is_no_map_at_all_is_told_in_one_way_or_another(text: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_archive_map(text, KNOWN, "f.yaml")

    assert caught.value.problems
    assert all(problem.way_out for problem in caught.value.problems)


def test_a_file_that_is_not_there_is_one_problem(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="the file cannot be read: No such file"):
        load_archive_map(tmp_path / "no.yaml", KNOWN)


def test_data_without_which_nothing_can_be_created_must_be_mapped() -> None:
    fields = {"carrier": Field("carrier", "string"), "note": Field("note", "string", optional=True)}
    parcel = Definition("parcel", 1, "known", fields, {"known": State("known")}, ())
    text = "archive: old\nkind: parcel\nid: line.id\ncreated: line.created\ndata: {note: line.note}\n"

    with pytest.raises(DefinitionError) as caught:
        parse_archive_map(text, definitions(parcel), "f.yaml")

    assert str(caught.value) == (
        "f.yaml:5:1: data lacks 'carrier', without which every line is put aside; add 'carrier: line...' to it"
    )
