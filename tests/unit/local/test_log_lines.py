"""What `workflow dev` shows of a function's log."""

from __future__ import annotations

import json
import logging

from tests.fakes.clock import FakeClock
from workflow.aws.json_log import JsonLines
from workflow.aws.metrics import EmfMeter
from workflow.local.log_lines import readable


def test_of_lines_in_json_their_level_and_message_are_shown_and_of_metrics_nothing() -> None:
    record = logging.LogRecord("workflow", logging.ERROR, "x.py", 1, "effect %s failed\nBad", ("order#1",), None)
    meter = EmfMeter("orders", FakeClock())
    meter.count("Transitions")
    assert list(readable("\n".join([JsonLines("shop").format(record), *meter.take()]))) == [
        "ERROR effect order#1 failed",
        "Bad",
    ]


def test_every_other_line_is_shown_as_it_is() -> None:
    # The end of a line that was cut, what a hook prints, and what looks like one of ours.
    lines = ['"level": "INFO"}', "REPORT RequestId: 1", "{", "{}", '{"x": 1}', "[1]", json.dumps("x")]
    assert list(readable("\n".join(lines))) == lines
