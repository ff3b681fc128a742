"""A map becomes a frozen one, with what is left out filled in."""

from __future__ import annotations

from pathlib import Path

from tests.samples import definitions
from workflow.definition.archives.archive_map import ArchiveMap, From, Step, Times
from workflow.definition.archives.load import load_archive_map, parse_archive_map

HERE = Path(__file__).parent
ORDERS = ArchiveMap(
    name="old_shop",
    kind="order",
    id="line.number",
    created="line.ordered",
    data={"email": "line.mail", "total": "line.total"},
    steps=(
        Step("pay", "line.paid", when="line.total", payload={"amount": "line.total"}),
        Step(
            From("step.what", {"sent": "ship", "note": "annotate", "7": "cancel"}),
            "step.at",
            each="line.log",
            payload={"carrier": "step.by", "note": "at"},
        ),
    ),
    state=From("line.status", {"P": "paid", "S": "shipped"}),
    times=Times("%d.%m.%Y %H:%M", "Europe/Berlin"),
    delimiter=";",
    decimal=",",
)


def test_a_file_becomes_the_map_it_says() -> None:
    assert load_archive_map(HERE / "orders.yaml", definitions()) == ORDERS


def test_little_need_be_said() -> None:
    text = "archive: old\nkind: order\nid: line.id\ncreated: line.at\nstate: placed\n"
    found = parse_archive_map(text, definitions())
    assert found == ArchiveMap("old", "order", "line.id", "line.at", {}, (), "placed", Times("iso", ""), ",", ".")


def test_every_expression_is_known() -> None:
    assert list(ORDERS.expressions()) == [
        *("line.number", "line.ordered", "line.mail", "line.total"),
        *("line.paid", "line.total", "line.total"),
        *("step.at", "line.log", "step.by", "at", "step.what"),
        "line.status",
    ]
