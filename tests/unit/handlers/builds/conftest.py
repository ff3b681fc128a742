"""A real repository, a place that takes reports, and builds that are all over when a test is."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.builds.local import LocalBuilds
from handlers.builds.port import Build
from handlers.builds.slot import find_holder
from tests.unit.handlers.servers import Answered, Asked, serve

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoZS1ydW5uZXItMTIzNA=="


class Repository:
    """A git repository that nothing but `build.sh` is in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._git("init", "--quiet", "--initial-branch=main")

    @property
    def url(self) -> str:
        return self.folder.as_uri()

    def commit(self, script: str | None) -> str:
        """Commits a build.sh, or none, and returns the commit."""
        file = self.folder / "build.sh"
        if script is None:
            (self.folder / "README").write_text("nothing to build")
        else:
            file.write_text(f"#!/bin/sh\n{script}\n")
            file.chmod(0o755)
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message=change")
        return self._git("rev-parse", "HEAD")

    def build(self, script: str | None, *, job: str = "acme/shop-2", attempt: int = 1) -> Build:
        """Commits, and gives the build of that."""
        return Build(job, attempt, "acme/shop", "main", self.commit(script), self.url)

    def _git(self, *words: str) -> str:
        who = ["-c", "user.name=Eve", "-c", "user.email=eve@example.com", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *who, *words], cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()


class Reports:
    """Takes reports; the next ones are answered as `first` says."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.first: list[Answered] = []

    def answer(self, asked: Asked) -> Answered:
        self.asked.append(asked)
        return self.first.pop(0) if self.first else Answered(200, {})


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
def runner_url(reports: Reports) -> Iterator[str]:
    with serve(reports.answer) as url:
        yield f"{url}/webhooks/runner"


@pytest.fixture
def builds_folder(tmp_path: Path) -> Iterator[Path]:
    """Where builds run; at its end none does any more."""
    folder = tmp_path / "builds"
    yield folder
    LocalBuilds(folder, runner_url="", secret=str).stop_all()
    holders = [find_holder(path) for path in folder.iterdir()] if folder.is_dir() else []
    assert [holder for holder in holders if holder is not None and holder.is_alive()] == []


@pytest.fixture
def builds(builds_folder: Path, runner_url: str) -> LocalBuilds:
    return LocalBuilds(builds_folder, runner_url=runner_url, secret=lambda: SECRET, limit_seconds=30)
