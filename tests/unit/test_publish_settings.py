"""The settings of publishing: what messages name as their source, and what targets are called here."""

from __future__ import annotations

from pathlib import Path

import pytest

from workflow.errors import SettingsError
from workflow.settings import read_settings


def test_nothing_need_be_said() -> None:
    settings = read_settings({"WORKFLOW_DEFINITIONS": "d"})
    assert (settings.event_source, settings.targets) == ("", ())


def test_both_come_from_the_environment_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.workflow]\nevent_source = "/shop"\ntargets = "a=b"\n')
    assert read_settings({}, tmp_path).targets == (("a", "b"),)
    settings = read_settings({"WORKFLOW_TARGETS": " q.fifo=dev-q.fifo , t=arn:aws:sns:x:1:t,"}, tmp_path)
    assert settings.targets == (("q.fifo", "dev-q.fifo"), ("t", "arn:aws:sns:x:1:t"))
    assert settings.event_source == "/shop"


@pytest.mark.parametrize("given", ["aws.orders", "AWS.x", "with blank", "x" * 257, "ü"])
def test_a_source_that_cannot_be_one_is_refused(given: str) -> None:
    with pytest.raises(SettingsError, match=r"event_source \(or WORKFLOW_EVENT_SOURCE\) is .* give a URI reference"):
        read_settings({"WORKFLOW_DEFINITIONS": "d", "WORKFLOW_EVENT_SOURCE": given})


@pytest.mark.parametrize("given", ["q", "q=", "=x", "a=b,c"])
def test_targets_that_are_no_pairs_are_refused(given: str) -> None:
    with pytest.raises(SettingsError, match=r"targets \(or WORKFLOW_TARGETS\) holds '.'; give pairs such as"):
        read_settings({"WORKFLOW_DEFINITIONS": "d", "WORKFLOW_TARGETS": given})
