"""The region of a replica is asked for explicitly: whatever region a process runs in, nothing has a home without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from workflow.aws.compose import open_ports, open_table
from workflow.errors import SettingsError
from workflow.settings import Settings, read_settings


def test_no_region_is_taken_from_where_the_process_runs() -> None:
    lambdas = {"WORKFLOW_DEFINITIONS": "d", "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"}
    assert read_settings(lambdas).region == ""


def test_it_comes_from_the_environment_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.workflow]\nregion = "eu-west-1"\n')
    assert read_settings({}, tmp_path).region == "eu-west-1"
    assert read_settings({"WORKFLOW_REGION": "us-gov-west-1"}, tmp_path).region == "us-gov-west-1"


@pytest.mark.parametrize("given", ["Ireland", "eu-west", "EU-WEST-1", "eu-west-1 ", "eu#west-1", "eu-west-1@x"])
def test_what_is_no_region_is_refused(given: str) -> None:
    with pytest.raises(SettingsError, match=r"region \(or WORKFLOW_REGION\) is .* such as eu-west-1, or nothing"):
        read_settings({"WORKFLOW_DEFINITIONS": "d", "WORKFLOW_REGION": given})


def test_a_region_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.workflow]\nregion = 1\n")
    with pytest.raises(SettingsError, match=r"region must be text"):
        read_settings({}, tmp_path)


@pytest.mark.parametrize("region", ["", "eu-west-1"])
def test_store_ledger_and_records_are_of_the_region_that_is_set(region: str) -> None:
    settings = Settings(table="t", endpoint_url="http://127.0.0.1:9", region=region)
    store, ledger, records = open_ports(settings)
    assert (store.region, ledger._region, records._region) == (region, region, region)
    assert [port.region for port in open_table(settings)[:1]] == [region]  # type: ignore[union-attr]
