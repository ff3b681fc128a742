"""Which adapter there is, and what is said about a setting that is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers.builds.choice import find_builds
from handlers.builds.codebuild import CodeBuilds
from handlers.builds.local import LocalBuilds

SETTINGS = {
    "BUILDS_FOLDER": "/var/builds",
    "RUNNER_URL": "https://ci.example.com/webhooks/runner",
    "RUNNER_SECRET_NAME": "/workflow/runner-webhook",
    "CODEBUILD_PROJECT": "ci",
    "AWS_DEFAULT_REGION": "eu-central-1",
}


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BUILDS", raising=False)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)


def test_without_a_setting_nothing_is_built_here() -> None:
    assert find_builds() is None


def test_builds_is_local_or_codebuild(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDS", "local")
    local = find_builds()
    assert isinstance(local, LocalBuilds)
    assert local.folder("7#1").parent == Path("/var/builds")
    monkeypatch.setenv("BUILDS", "codebuild")
    assert isinstance(find_builds(), CodeBuilds)
    monkeypatch.setenv("BUILDS", "jenkins")
    with pytest.raises(ValueError, match=r"^BUILDS='jenkins' is no adapter; give local or codebuild$"):
        find_builds()


@pytest.mark.parametrize(
    ("adapter", "name"),
    [
        ("local", "BUILDS_FOLDER"),
        ("local", "RUNNER_URL"),
        ("codebuild", "CODEBUILD_PROJECT"),
        ("codebuild", "RUNNER_URL"),
        ("codebuild", "RUNNER_SECRET_NAME"),
    ],
)
def test_a_setting_that_an_adapter_needs_is_named(monkeypatch: pytest.MonkeyPatch, adapter: str, name: str) -> None:
    monkeypatch.setenv("BUILDS", adapter)
    monkeypatch.delenv(name)
    with pytest.raises(LookupError, match=rf"^{name} is not set; BUILDS={adapter} needs it$"):
        find_builds()
