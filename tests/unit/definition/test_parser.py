"""The parser reads the plain part of YAML 1.2, and says where everything stands."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from workflow.definition.document import Mark
from workflow.definition.parser import parse, read


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("true", True),
        ("False", False),
        ("1:30", "1:30"),
        ("012", 12),
        ("0o14", 12),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("1.10", Decimal("1.1")),
        ("1e3", 1000),
        ("-.5", Decimal("-0.5")),
        ("30m", "30m"),
        ("2026-01-31", "2026-01-31"),
        ("=", "="),
        ("~", None),
        ("null", None),
        ("", None),
        ("'12'", "12"),
        ('"true"', "true"),
        ("'<<'", "<<"),
    ],
)
def test_a_scalar_means_what_yaml_1_2_says(written: str, meant: Any) -> None:
    document = parse(f"key: {written}", "f")

    assert document.problems == []
    assert document.data == {"key": meant}
    assert type(document.data["key"]) is type(meant)


def test_on_and_off_are_keys_like_any_other() -> None:
    assert parse("on: 1\noff: 2\nyes: 3", "f").data == {"on": 1, "off": 2, "yes": 3}


def test_every_key_and_value_has_its_line_and_column() -> None:
    document = parse("# one\nstates:\n  größe: {after: [x, y]}\n", "f")

    assert document.keys["states", "größe", "after"] == Mark(3, 11)
    assert document.values["states", "größe", "after", 1] == Mark(3, 22)


def test_windows_line_ends_and_a_byte_order_mark_move_nothing() -> None:
    document = parse("\ufeffkind: a\r\nversion: 1\r\n", "f")

    assert document.data == {"kind": "a", "version": 1}
    assert document.values["version",] == Mark(2, 10)


def test_a_path_of_the_long_form_finds_the_short_one() -> None:
    document = parse("requires: [amount]\nfrom: placed\n", "f")

    assert document.locate(("requires", "amount", "type")) == Mark(1, 12)
    assert document.locate(("from", 0)) == Mark(2, 7)


def test_the_first_of_two_equal_keys_counts_and_both_are_named() -> None:
    document = parse("a: 1\nb: 2\na: {c: 3}\n", "f")

    assert document.data == {"a": 1, "b": 2}
    assert document.values["a",] == Mark(1, 4)
    assert [str(p) for p in document.problems] == [
        "f:3:1: the key 'a' appears twice; keep one of the two; the first is on line 1"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: *x", "the alias *x is not allowed"),
        ("&x a: 1", "the anchor &x is not allowed"),
        ("a: !x 1", "the tag !x is not allowed"),
        ("<<: 1", "the merge key << is not allowed"),
        ("? [a]\n: 1", "a list or map is not allowed as a key"),
        ("null: 1", "the key null is not text"),
        ("? \n: 1", "the key null is not text"),
        ("true: 1", "the key true is not text"),
        ("a: .nan", ".nan is not a finite number"),
        ('a: "\\0"', "the text holds a control character or half of a surrogate pair"),
        ('a: "\\ud800"', "the text holds a control character or half of a surrogate pair"),
        ('a: "\\UFFFFFFFF"', "this is not valid YAML"),
        ("%YAML " + "9" * 5000 + ".1\n---\na: 1", "this is not valid YAML"),
        ("a: " + "9" * 5000, "the number does not fit DynamoDB: 38 digits, 1E-130 to 9.99E+125"),
        ("a: 1e99999999999999999999", "the number does not fit DynamoDB: 38 digits, 1E-130 to 9.99E+125"),
        ("a\u2028b", "the control character U+2028 is not allowed"),
        ("[" * 100_000, "this is nested deeper than 32 levels"),
        ("- " * 100_000, "this is nested deeper than 32 levels"),
        ("a" * 300_000, "the text is larger than 256 KB"),
    ],
)
def test_what_is_not_plain_is_refused(text: str, message: str) -> None:
    document = parse(text, "f")

    assert not document.usable
    assert document.problems[0].message == message


def test_invalid_utf8_is_refused_at_its_place(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes("kind: a\nname: é".encode() + b"\xff\n")

    (problem,) = read(file, "a.yaml").problems

    assert (problem.line, problem.column) == (2, 8)
