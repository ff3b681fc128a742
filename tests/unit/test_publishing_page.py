"""What docs/publishing.md shows is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.shipped import REPOSITORY
from workflow.aws.publish import buses, queues, topics
from workflow.definition.load import load_definitions
from workflow.runtime.publish.schema import read_schema
from workflow.settings import read_settings

PAGE = (REPOSITORY / "docs" / "publishing.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_its_program_runs_and_reads_what_was_published() -> None:
    (program,) = blocks("python")
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout == "['InvoiceIssued']\n"


def test_its_definition_is_one(tmp_path: Path) -> None:
    (shown,) = blocks("yaml")
    head = "kind: a\nversion: 1\ninitial: b\nstates:\n  b:\n"
    rest = "  short: {final: true}\ntransitions:\n  shorten: {from: b, to: short}\n"
    (tmp_path / "a.yaml").write_text(head + shown + rest)
    (definition,) = load_definitions(tmp_path)
    assert [use.hook for use in definition.states["b"].on_enter] == [
        "publish:sqs:fulfilment.fifo:InvoicePaid",
        "publish:sns:invoices",
        "publish:eventbridge:finance",
    ]


def test_its_setting_is_read() -> None:
    (line,) = blocks("sh")
    name, _, value = line.strip().partition("=")
    settings = read_settings({"WORKFLOW_DEFINITIONS": "d", name: value.strip('"')})
    assert [name for name, _ in settings.targets] == ["fulfilment.fifo", "invoices"]


def test_it_tells_the_limits_and_the_attributes_that_there_are() -> None:
    for most in (queues.MOST_BYTES, topics.MOST_BYTES, buses.MOST_BYTES):
        assert f"[{most:,} bytes]" in PAGE
    named = set(re.findall(r"^\| `([a-z]+)` \|", PAGE, re.MULTILINE))
    required = set(read_schema()["properties"]) - {"specversion", "datacontenttype", "dataschema", "dataref"}
    assert required <= named


def test_every_file_it_points_at_is_there() -> None:
    pointed = [target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", PAGE) if "://" not in target]
    assert [target for target in pointed if not (REPOSITORY / "docs" / target).exists()] == []
