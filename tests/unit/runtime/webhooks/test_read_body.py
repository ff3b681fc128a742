"""What is read of a body, and what is refused: nothing that two readers may read as two things."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from tests.exact import exact
from workflow.runtime.webhooks.read_body import MAX_DEPTH, BodyError, read_body


def nested(levels: int, opening: str = "[", closing: str = "]") -> bytes:
    return (opening * levels + closing * levels).encode()


def test_numbers_are_exact() -> None:
    body = (
        b'{"n": [0.1, 1.10, 1e3, -0, 12345678901234567890123456789012345678901234567890], "t": "\xc3\xa9", "z": null}'
    )

    found = read_body(body)

    numbers = [Decimal("0.1"), Decimal("1.10"), Decimal("1e3"), 0, 12345678901234567890123456789012345678901234567890]
    assert exact(found) == exact({"n": numbers, "t": "é", "z": None})


@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b" 5 ", b"true"])
def test_any_json_value_is_a_body(body: bytes) -> None:
    assert read_body(body) in (None, [], "text", 5, True)


def test_brackets_in_texts_are_no_levels() -> None:
    text = "[{" * 200 + '\\"[' * 200 + "\\\\"

    assert len(read_body(f'["{text}", [[1]]]'.encode())) == 2


@pytest.mark.parametrize(("opening", "closing", "levels"), [("[", "]", 1), ('{"a":', "}", 1), ('[{"a":', "}]", 2)])
def test_a_body_is_read_to_its_allowed_depth_and_no_deeper(opening: str, closing: str, levels: int) -> None:
    times = MAX_DEPTH // levels
    inner = opening * times + "1" + closing * times

    read_body(inner.encode())
    with pytest.raises(BodyError, match="nested deeper than 64 levels"):
        read_body(f"[{inner}]".encode())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not JSON: line 1, column 1"),
        (b"payload=%7B%7D", "not JSON: line 1, column 1"),
        (b'{"id": 1', "not JSON: line 1, column 9"),
        (b'{"id": 1}}', "not JSON: line 1, column 10"),
        (b'{"id": 1,}', "not JSON: line 1"),
        (b"\xef\xbb\xbf{}", "not JSON: line 1, column 1"),
        (b'{"a": "\n"}', "not JSON: line 1, column 8"),
        (b'{"a": "\\x"}', "not JSON: line 1, column 8"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        ("{}".encode("utf-16"), "not UTF-8 at byte 0"),
        (b"[NaN]", "NaN and Infinity are not JSON"),
        (b"[-Infinity]", "NaN and Infinity are not JSON"),
        (b'{"a": 1, "a": 1}', "a key twice"),
        (b'[{"b": {"a": 1, "\\u0061": 2}}]', "a key twice"),
        (b"1" * 101, "a number in the body has more than 100 characters"),
        (b"0." + b"1" * 100, "a number in the body has more than 100 characters"),
        (b"1e401", "out of measure"),
        (b"1e-401", "out of measure"),
        (b"1e99999999999999999999", "out of measure"),
        (nested(100_000), "nested deeper than 64 levels"),
        (b"[" * 1_000_000, "nested deeper than 64 levels"),
        (b'{"a":' * 100_000, "nested deeper than 64 levels"),
    ],
)
def test_what_is_no_strict_json_is_refused_in_one_line(body: bytes, said: str) -> None:
    with pytest.raises(BodyError) as caught:
        read_body(body)

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_refused_is_not_quoted() -> None:
    for body in (b'{"hunter2": 1, "hunter2": 2}', b'{"a": "hunter2', b'"hunter2" "hunter2"', b"hunter2"):
        with pytest.raises(BodyError) as caught:
            read_body(body)
        assert "hunter2" not in str(caught.value)


def test_what_stands_side_by_side_is_no_deeper() -> None:
    assert read_body(b"[" + b"[[1]]," * 200 + b'{"a": []}]')[-1] == {"a": []}


# Each opens more than 64 times, so that its depth is looked at, but only at the end.
@pytest.mark.parametrize(
    "body",
    [
        b'["' + b'\\"' * 300_000 + b"[" * 65,
        b'["' + b"\\" * 300_001 + b"[" * 65,
        b'"' * 600_001 + b"[" * 65,
        b'["' + b"a" * 600_000 + b"[" * 65,
        b'["[", ' * 150_000,
    ],
)
def test_no_broken_body_takes_long(body: bytes) -> None:
    started = time.process_time()
    with pytest.raises(BodyError):
        read_body(body)

    assert time.process_time() - started < 2
