"""Lines of JSON: each a whole row, numbers exact, files of bounded size."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal

from tests.histories import history
from tests.samples import ORDER, definitions
from workflow.files.json_lines import JsonLines
from workflow.runtime.analytics.transitions import Rows, Transition

EXACT = Decimal("0.1234567890123456789012345678901234567")


def some_rows(count: int, **said: object) -> list[Transition]:
    steps = [(number, "annotate", "placed", said) for number in range(count)]
    return [row for _, row in Rows(definitions(ORDER)).of(history("4\u20282", *steps))]


def test_each_line_is_a_row_with_every_column_and_every_digit():
    rows = some_rows(2, payload={"amount": EXACT, "note": "\u2028ü\n"}, changes={"note": None})
    (content,) = JsonLines().parts(rows)
    lines = gzip.decompress(content).decode().split("\n")
    assert lines.pop() == ""
    found = [json.loads(line, parse_float=Decimal) for line in lines]
    assert [list(one) for one in found] == [list(Transition._fields)] * 2
    assert found[0]["payload"] == {"amount": EXACT, "note": "\u2028ü\n"}
    assert (found[0]["id"], found[1]["version"], found[0]["changes"]) == ("4\u20282", 2, {"note": None})


def test_where_no_payload_may_be_shown_there_is_none():
    (content,) = JsonLines().parts([some_rows(1)[0]._replace(payload=None, changes=None)])
    assert gzip.decompress(content).endswith(b',"payload":null,"changes":null}\n')


def test_many_rows_become_several_files_that_hold_all_of_them_once():
    rows = some_rows(10)
    parts = list(JsonLines(part_characters=700).parts(iter(rows)))
    assert len(parts) > 2
    lines = [line for part in parts for line in gzip.decompress(part).splitlines()]
    assert [json.loads(line)["version"] for line in lines] == list(range(1, 11))


def test_the_same_rows_give_the_same_bytes():
    assert list(JsonLines().parts(some_rows(5))) == list(JsonLines().parts(some_rows(5)))


def test_of_no_rows_there_is_no_file():
    assert list(JsonLines().parts([])) == []
