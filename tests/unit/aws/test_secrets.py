"""Secrets by name, from the Parameter Store and from Secrets Manager."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.session import get_session
from moto import mock_aws

from workflow.aws import client, secrets
from workflow.aws.client import make_client
from workflow.aws.secrets import FAILED_SECONDS, StoredSecrets
from workflow.errors import Retryable, SecretAccessError

NAME = "ssm:/workflow/github"


@dataclass
class Bench:
    """Both services, a clock, and what is asked of them."""

    now: float = 1_000_000
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.parameters, self.manager = make_client("ssm"), make_client("secretsmanager")
        self.stored = StoredSecrets(seconds=lambda: self.now)

    def put(self, value: str, name: str = "/workflow/github") -> None:
        self.parameters.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "eu-central-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        # A session that made clients before this test would not be moto's.
        monkeypatch.setattr(client, "_session", get_session)
        yield Bench()


def test_a_parameter_is_decrypted_and_a_secret_is_text_or_bytes(bench: Bench) -> None:
    bench.put("It's a Secret to Everybody ü")
    bench.manager.create_secret(Name="text", SecretString="of text")
    bench.manager.create_secret(Name="bytes", SecretBinary=b"\x00\xff")
    assert bench.stored.get(NAME) == "It's a Secret to Everybody ü".encode()
    assert bench.stored.get("secretsmanager:text") == b"of text"
    assert bench.stored.get("secretsmanager:bytes") == b"\x00\xff"


def test_a_secret_is_kept_for_five_minutes_and_read_anew_when_asked_to(bench: Bench) -> None:
    bench.put("old")
    assert bench.stored.get(NAME) == b"old"
    bench.put("new")
    bench.now += 299
    assert bench.stored.get(NAME) == b"old"
    assert bench.stored.get(NAME, afresh=True) == b"new"
    bench.put("newer")
    bench.now += 299
    assert bench.stored.get(NAME) == b"new"
    bench.now += 1
    assert bench.stored.get(NAME) == b"newer"


def test_no_client_is_made_before_the_first_secret_and_one_for_each_service(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    class Client:
        def get_parameter(self, **_: object) -> dict[str, Any]:
            return {"Parameter": {"Value": "value"}}

    monkeypatch.setattr(secrets, "make_client", lambda service, **_: made.append(service) or Client())
    stored = StoredSecrets()
    assert made == []
    assert [stored.get("ssm:/a"), stored.get("ssm:/b")] == [b"value", b"value"]
    assert made == ["ssm"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (
            NAME,
            "secret ssm:/workflow/github cannot be read: ParameterNotFound; put it there (a parameter as a "
            "SecureString), or correct the name in the webhook",
        ),
        (
            "secretsmanager:gone",
            "secret secretsmanager:gone cannot be read: ResourceNotFoundException; put it there (a parameter as a "
            "SecureString), or correct the name in the webhook",
        ),
        ("vault:a", "secret vault:a: write ssm:/path/name or secretsmanager:name"),
    ],
)
def test_a_secret_that_is_not_there_is_told_by_its_name(bench: Bench, name: str, problem: str) -> None:
    with pytest.raises(SecretAccessError) as failed:
        bench.stored.get(name)
    assert str(failed.value) == problem
    assert isinstance(failed.value, Retryable)


def test_a_secret_that_was_not_there_is_found_soon_after_it_is(bench: Bench) -> None:
    with pytest.raises(SecretAccessError):
        bench.stored.get(NAME)
    bench.put("value")
    bench.now += FAILED_SECONDS
    assert bench.stored.get(NAME) == b"value"


def test_a_secret_that_cannot_be_read_costs_one_call_in_a_while_however_often_it_is_asked_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def nobody_answers(name: str) -> bytes:
        asked.append(name)
        return b""

    monkeypatch.setattr(bench.stored, "_parameter", nobody_answers)
    said = set()
    for _ in range(20):
        for afresh in (False, True):
            with pytest.raises(SecretAccessError) as failed:
                bench.stored.get("ssm:/a", afresh=afresh)
            said.add(str(failed.value))
        bench.now += FAILED_SECONDS / 10
    assert (asked, said) == (["/a", "/a"], {"secret ssm:/a is empty; give it a value"})


def test_a_kept_secret_is_given_also_when_it_cannot_be_read_afresh(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.put("value")
    bench.stored.get(NAME)
    monkeypatch.setattr(bench.stored, "_parameter", lambda name: b"")
    with pytest.raises(SecretAccessError):
        bench.stored.get(NAME, afresh=True)
    assert bench.stored.get(NAME) == b"value"


def test_an_empty_secret_is_none(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.stored, "_parameter", lambda name: b"")
    with pytest.raises(SecretAccessError, match=r"^secret ssm:/a is empty; give it a value$"):
        bench.stored.get("ssm:/a")


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_DEFAULT_REGION": "eu-central-1"},
            "Could not connect to the endpoint URL",
        ),
        ({}, "You must specify a region"),
    ],
)
def test_that_nobody_answers_is_told_as_well(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], problem: str
) -> None:
    monkeypatch.setattr(client, "_session", get_session)
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    known = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_CONFIG_FILE": "/dev/null"}
    for name, value in {**known, **environment}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SecretAccessError, match=rf"^secret {NAME} cannot be read: {problem}"):
        StoredSecrets().get(NAME)


def test_no_log_tells_a_secret_even_where_everything_is_logged(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bench.put("unspeakable")
    bench.manager.create_secret(Name="text", SecretString="unspeakable")
    caplog.clear()
    assert [bench.stored.get(NAME), bench.stored.get("secretsmanager:text")] == [b"unspeakable"] * 2
    assert caplog.messages
    assert "unspeakable" not in caplog.text
    assert "unspeakable" not in f"{bench.stored!r} {vars(bench.stored)!r}"
