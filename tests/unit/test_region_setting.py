"""The region of a replica is asked for explicitly: whatever region a process runs in, nothing has a home without it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from workflow.aws.client import _session
from workflow.aws.compose import open_client, open_ports, open_table
from workflow.aws.lambdas import api, stream, sweep
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


ELSEWHERE = (
    "table t: region (or WORKFLOW_REGION) is eu-west-1, and this process would write to the replica in us-east-1, "
    "which is another deployment's; set AWS_DEFAULT_REGION=eu-west-1, or AWS_PROFILE to a profile of that region; "
    "functions are deployed with GlobalTable=yes, which names the region of their own stack"
)
IN_VIRGINIA = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
"""What Lambda says to a function."""


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file of profiles, in a process that has no region of its own."""
    file = tmp_path / "config"
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    _session.cache_clear()
    yield file
    _session.cache_clear()


@pytest.mark.parametrize("where", ["profile", "function"])
def test_a_process_that_would_write_to_another_replica_than_its_own_is_refused(
    profiles: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    profiles.write_text("[profile virginia]\nregion = us-east-1\n")
    given = {"AWS_PROFILE": "virginia"} if where == "profile" else IN_VIRGINIA
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        open_ports(Settings(table="t", region="eu-west-1"))
    assert str(refused.value) == ELSEWHERE
    assert open_client(Settings(table="t", region="us-east-1")).meta.region_name == "us-east-1"
    assert open_client(Settings(table="t")).meta.region_name == "us-east-1"


def test_at_an_endpoint_of_its_own_a_region_is_only_a_name(profiles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = open_client(Settings(table="t", region="eu-west-1", endpoint_url="https://dynamodb.example"))
    assert client.meta.region_name == "us-east-1"


def test_a_function_of_one_stack_copied_to_a_second_region_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profiles: Path
) -> None:
    (tmp_path / "definitions.json").write_text('{"format": 1, "definitions": []}')
    for name, value in {
        **IN_VIRGINIA,
        "WORKFLOW_REGION": "eu-west-1",
        "WORKFLOW_TABLE": "t",
        "WORKFLOW_DEFINITIONS": str(tmp_path / "definitions.json"),
    }.items():
        monkeypatch.setenv(name, value)
    for opened in (stream.open_handler, sweep.open_handler, api.open_handler):
        with pytest.raises(SettingsError) as refused:
            opened()
        assert str(refused.value) == ELSEWHERE
