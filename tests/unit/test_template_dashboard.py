"""The dashboard in template.yaml: it is what CloudWatch takes, and every metric on it is one that somebody counts."""

from __future__ import annotations

from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest

from demo.dashboard.definition import COLUMNS, Line, Widget, read_body, read_resources, read_widgets
from demo.dashboard.picture import MARK, PICTURE, mark_of
from tests.metrics import is_counted

TEMPLATE = Path(__file__).parents[2] / "template.yaml"

OF_A_WIDGET = {"type", "x", "y", "width", "height", "properties"}
OF_METRICS = {"title", "region", "stat", "period", "metrics", "view", "stacked", "yAxis", "annotations", "legend"}
OF_A_LINE = {"label", "color", "stat", "period", "yAxis", "id", "visible", "expression", "region"}
STATISTICS = {"Sum", "Maximum", "Minimum", "Average", "SampleCount", "p50", "p90", "p99"}


@pytest.fixture(scope="module")
def widgets() -> list[Widget]:
    return read_widgets(TEMPLATE)


def test_it_says_nothing_that_cloudwatch_does_not_know() -> None:
    for widget in read_body(TEMPLATE)["widgets"]:
        said = widget["properties"]
        assert widget.keys() == OF_A_WIDGET
        if widget["type"] == "alarm":
            assert said.keys() == {"title", "alarms"}
            continue
        assert widget["type"] == "metric"
        assert said.keys() >= {"title", "region", "stat", "period", "metrics"}
        assert said.keys() <= OF_METRICS
        assert said["stat"] in STATISTICS
        assert said["period"] % 60 == 0
        _check_rows(said["metrics"])


def _check_rows(rows: list[list[Any]]) -> None:
    options = [row[-1] for row in rows if isinstance(row[-1], dict)]
    assert all(one.keys() <= OF_A_LINE and one.get("stat", "Sum") in STATISTICS for one in options)
    ids = [one["id"] for one in options if "id" in one]
    assert len(ids) == len(set(ids))
    assert all(id[0].islower() for id in ids)
    assert all("id" in one for one in options if "expression" in one)
    for row in rows:
        # Namespace, metric, then names and values of dimensions in turn.
        names = [part for part in row if isinstance(part, str)]
        assert len(names) % 2 == 0
        assert len(names) >= 4 or "expression" in row[-1]


def test_its_widgets_fill_the_grid_and_none_lies_on_another(widgets: list[Widget]) -> None:
    boxes = {widget.title: _squares(widget) for widget in widgets}
    assert [(one, other) for one, other in combinations(boxes, 2) if boxes[one] & boxes[other]] == []
    everything = set().union(*boxes.values())
    height = 1 + max(y for _, y in everything)
    assert everything == {(x, y) for x in range(COLUMNS) for y in range(height)}


def _squares(widget: Widget) -> set[tuple[int, int]]:
    columns = range(widget.x, widget.x + widget.width)
    return set(product(columns, range(widget.y, widget.y + widget.height)))


def test_every_metric_on_it_is_counted_by_somebody(widgets: list[Widget]) -> None:
    lines = [line for widget in widgets for line in widget.lines if isinstance(line, Line)]
    assert [line for line in lines if not is_counted(line.namespace, line.metric, line.dimensions)] == []
    shown = {(line.metric, line.statistic) for line in lines}
    assert shown >= {("Transitions", "Sum"), ("DeliveryLag", "p50"), ("DeliveryLag", "p99"), ("ParkedNow", "Maximum")}


def test_it_shows_every_alarm(widgets: list[Widget]) -> None:
    (alarms,) = [widget.lines for widget in widgets if widget.kind == "alarm"]
    resources = read_resources(TEMPLATE)
    assert sorted(map(str, alarms)) == sorted(
        name for name, one in resources.items() if one["Type"].endswith("::Alarm")
    )


def test_the_picture_in_the_docs_is_of_this_dashboard(widgets: list[Widget]) -> None:
    picture = PICTURE.read_bytes()
    assert f"{MARK}\0{mark_of(widgets)}".encode() in picture, "draw it again: python -m demo.dashboard.picture"
    assert len(picture) < 150_000
