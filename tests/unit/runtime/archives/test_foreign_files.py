"""Files of an old system are looked through whole, told where they cannot be read, and read record by record."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from workflow.errors import ArchiveError
from workflow.runtime.archives import foreign_files
from workflow.runtime.archives.foreign_files import ForeignFile, UnreadableError, get_encoding, parse_row

TEXT = 'id;name\n1;"Müller; Söhne"\n\n2;"two\nlines"\r\n3;x'


def file_of(folder: Path, content: bytes | str, name: str = "old.csv", encoding: str = "utf-8") -> ForeignFile:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return ForeignFile(path, get_encoding(encoding), ";")


def records(file: ForeignFile) -> list[tuple[int, str]]:
    return [(line.number, line.content.decode()) for line in file.records()]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
@pytest.mark.parametrize("compressed", [False, True])
def test_records_come_with_the_number_of_their_first_line(tmp_path: Path, encoding: str, compressed: bool) -> None:
    content = TEXT.encode(encoding)
    name = "old.csv.gz" if compressed else "old.CSV"
    file = file_of(tmp_path, gzip.compress(content) if compressed else content, name, encoding)
    assert file.survey() == 6
    assert file.header() == ["id", "name"]
    found = [(1, "id;name"), (2, '1;"Müller; Söhne"'), (4, '2;"two\nlines"'), (6, "3;x")]
    assert records(file) == found
    assert parse_row('2;"two\nlines"', ";") == ["2", "two\nlines"]


def test_the_mark_that_windows_puts_in_front_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    file = file_of(tmp_path, TEXT.encode("utf-8-sig"))
    assert file.header() == ["id", "name"]


def test_lines_of_json_are_records(tmp_path: Path) -> None:
    file = file_of(tmp_path, '{"a": "\u2028"}\r\n\n{"a": 2}\n', "old.jsonl")
    assert (file.is_csv, records(file)) == (False, [(1, '{"a": "\u2028"}'), (3, '{"a": 2}')])


def test_a_quotation_mark_too_many_takes_no_other_lines_along(tmp_path: Path) -> None:
    file = file_of(tmp_path, 'id;name\n1;"a\n2;b\n3;"c";x"d\n4;"e"f\n5;"g"\n6;"h\n')
    assert [number for number, _ in records(file)] == [1, 2, 3, 4, 5, 6, 7]
    assert [text for _, text in records(file)][1:] == ['1;"a', "2;b", '3;"c";x"d', '4;"e"f', '5;"g"', '6;"h']


@pytest.mark.parametrize("small", [True, False])
def test_latin_1_read_as_utf_8_is_told_with_line_column_and_byte(
    tmp_path: Path, small: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if small:
        # As where a chunk ends.
        monkeypatch.setattr(foreign_files, "_CHUNK_BYTES", 5)
    for mark in (b"", b"\xef\xbb\xbf"):
        file = file_of(tmp_path, mark + "id;name\n1;über\n2;Köln\n".encode() + "3;Gößnitz".encode("latin-1"))
        before = len(mark) + len("id;name\n1;über\n2;Köln\n3;G".encode())
        with pytest.raises(UnreadableError) as caught:
            file.survey()
        assert str(caught.value) == (
            f"{file.path} line 4 column 4 (byte {before + 1} of its text): this is not utf-8; give --encoding latin-1, "
            f"or cp1252; nothing of the file is loaded"
        )


def test_a_file_that_ends_in_the_middle_of_a_letter_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=r"line 2 column 3 \(byte 6 of its text\): this is not utf-8"):
        file_of(tmp_path, b"id\n1;\xc3").survey()


def test_other_encodings_are_told_with_their_own_way_out(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="it looks like UTF-16: give --encoding utf-16"):
        file_of(tmp_path, "id;name".encode("utf-16")).survey()
    with pytest.raises(UnreadableError, match="this is not ascii; give the --encoding it was written in"):
        file_of(tmp_path, "ü".encode(), encoding="ascii").survey()


@pytest.mark.parametrize("name", ["utf-9", "rot13", "hex", "", "../x", "utf\0"])
def test_an_encoding_that_there_is_not_is_told(name: str) -> None:
    with pytest.raises(ArchiveError, match=r"there is no encoding '.*'; give one such as utf-8, latin-1"):
        get_encoding(name)


def test_one_that_was_cut_or_changed_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    lines = "".join(f"{number};{number * 7919 % 1000003}\n" for number in range(5_000))
    whole = gzip.compress(lines.encode())
    with pytest.raises(UnreadableError, match=r"old\.csv\.gz line \d+: the file was cut here; nothing of it is loaded"):
        file_of(tmp_path, whole[:-100], "old.csv.gz").survey()
    for position in range(10, len(whole), 401):
        damaged = whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :]
        with pytest.raises(UnreadableError, match=r"old\.csv\.gz line \d+"):
            file_of(tmp_path, damaged, "old.csv.gz").survey()


def test_a_line_without_end_is_not_held_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_files, "LONGEST_LINE", 100)
    with pytest.raises(UnreadableError, match="line 2: it is longer than 100 characters, so these are no lines"):
        file_of(tmp_path, "id\n" + "x" * 101).survey()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "it has no names of columns"),
        ("\n\n", "it has no names of columns"),
        ("id;;name\n", "column 2 has no name"),
        ("id;name;id\n", "two columns are named 'id'"),
        ('id;"name\n', "the names of the columns cannot be read: unexpected end of data"),
    ],
)
def test_a_csv_without_names_of_columns_is_told(tmp_path: Path, content: str, why: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        file_of(tmp_path, content).header()
    assert str(caught.value).startswith(f"{tmp_path}/old.csv line 1: {why}")


def test_files_that_are_none_are_told(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match=r"is it CSV or JSON lines\? name it \.csv or \.jsonl"):
        print(file_of(tmp_path, "", "old.gz").is_csv)
    with pytest.raises(UnreadableError, match="No such file"):
        ForeignFile(tmp_path / "none.csv", "utf-8", ";").survey()
    with pytest.raises(UnreadableError, match="Is a directory"):
        ForeignFile(tmp_path, "utf-8", ";").survey()


def test_one_that_changes_meanwhile_is_told(tmp_path: Path) -> None:
    file = file_of(tmp_path, TEXT)
    found = file.records()
    next(found)
    file.path.write_bytes(b"id;name\n\xff\n" * 10_000)
    with pytest.raises(UnreadableError, match="it changed while it was read; hydrate it again"):
        list(file.records())
