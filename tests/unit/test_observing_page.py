"""What docs/observing.md says of metrics is what the code counts."""

from __future__ import annotations

import json
import re
from pathlib import Path

from workflow.aws import metrics
from workflow.aws.metrics import EmfMeter
from workflow.runtime.metering import REFUSALS
from workflow.testing import MemoryClock

PAGE = (Path(__file__).parents[2] / "docs" / "observing.md").read_text(encoding="utf-8")
ROWS = [row.strip("| ").split(" | ") for row in PAGE.split("## Alarms")[0].splitlines() if row.startswith("| `")]
NAMES = {value for name, value in vars(metrics).items() if name.isupper() and isinstance(value, str)} - {"Workflow"}


def test_every_metric_has_its_row_and_no_other() -> None:
    assert {row[0].strip("`") for row in ROWS} == NAMES | {REFUSALS}


def test_each_has_the_unit_and_the_dimensions_that_its_row_says() -> None:
    for name, unit, dimensions, *_ in ROWS:
        sets = [re.findall(r"`(\w+)`", one) for one in dimensions.split(";")]
        meter = EmfMeter("shop", MemoryClock())
        meter.count(name.strip("`"), **{dimension: "x" for one in sets for dimension in one if dimension != "table"})
        (document,) = [json.loads(line) for line in meter.take()]
        (directive,) = document["_aws"]["CloudWatchMetrics"]
        assert sorted(directive["Dimensions"]) == sorted(sets), name
        assert directive["Metrics"] == [{"Name": name.strip("`"), "Unit": unit}]


def test_alarms_are_on_metrics_that_there_are() -> None:
    alarms = PAGE.split("## Alarms")[1].split("## ")[0]
    rows = [row.split(" | ")[1] for row in alarms.splitlines() if row.startswith("| ") and "metric |" not in row]
    assert {re.findall(r"`(\w+)`", row)[0] for row in rows} <= NAMES
