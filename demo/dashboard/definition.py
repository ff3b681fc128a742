"""What template.yaml says the dashboard shows; names of this or that stack stay `${Name}`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

COLUMNS = 24
"""How wide a dashboard is.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html"""

_SEARCH = re.compile(r"SEARCH\('\{(?P<schema>[^}]+)\} MetricName=\"(?P<name>\w+)\"(?P<more>[^']*)', '(?P<stat>\w+)'")
_PROPERTY = re.compile(r"\$\{!?PROP\('Dim\.(?P<dimension>\w+)'\)\}")


class Line(NamedTuple):
    """One metric of a widget, or all that a search finds: by `dimensions`, which are only named where it searches."""

    namespace: str
    metric: str
    dimensions: tuple[str, ...]
    statistic: str
    label: str
    colour: str = ""


class Widget(NamedTuple):
    """A box on the grid, in columns and rows from the upper left corner; `lines` of an alarm widget are its alarms."""

    kind: str
    title: str
    x: int
    y: int
    width: int
    height: int
    lines: Sequence[Line | str]


class _Loader(yaml.SafeLoader):
    """Reads past CloudFormation's own tags, and keeps what stands behind them."""


def _kept(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _kept)


def read_template(template: Path) -> Mapping[str, Any]:
    """The template as data; of an intrinsic function there is what it is given."""
    found: Mapping[str, Any] = yaml.load(template.read_text(encoding="utf-8"), _Loader)
    return found


def read_resources(template: Path) -> Mapping[str, Any]:
    """The template's resources, read as `read_template` does."""
    found: Mapping[str, Any] = read_template(template)["Resources"]
    return found


def read_body(template: Path) -> Mapping[str, Any]:
    """The dashboard's body, as CloudWatch documents it."""
    body: Mapping[str, Any] = json.loads(read_resources(template)["Dashboard"]["Properties"]["DashboardBody"])
    return body


def read_widgets(template: Path) -> list[Widget]:
    """The dashboard's widgets, in the order they are written."""
    return [_widget(one) for one in read_body(template)["widgets"]]


def _widget(given: Mapping[str, Any]) -> Widget:
    said = given["properties"]
    alarms: list[Line | str] = [_name(alarm) for alarm in said.get("alarms", [])]
    lines = alarms + [_line(row, said) for row in said.get("metrics", [])]
    x, y, width, height = (int(given[name]) for name in ("x", "y", "width", "height"))
    return Widget(given["type"], said["title"], x, y, width, height, lines)


def _name(alarm: str) -> str:
    return alarm.removeprefix("${").removesuffix(".Arn}")


def _line(row: Sequence[Any], widget: Mapping[str, Any]) -> Line:
    options = row[-1] if isinstance(row[-1], dict) else {}
    if "expression" in options:
        found = _SEARCH.match(options["expression"])
        assert found is not None, options["expression"]
        namespace, *dimensions = found["schema"].split(",")
        label = _PROPERTY.sub(lambda named: f"<{named['dimension']}>", options["label"])
        return Line(namespace, found["name"], tuple(dimensions), found["stat"], label)
    names = [part for part in row if isinstance(part, str)]
    statistic = options.get("stat", widget["stat"])
    label, colour = options.get("label", names[1]), options.get("color", "")
    return Line(names[0], names[1], tuple(names[2::2]), statistic, label, colour)
