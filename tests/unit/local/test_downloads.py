"""The cache of engines."""

import threading
import time
from pathlib import Path

import pytest

from workflow.local.downloads import cache_folder, installed, run_tool
from workflow.local.errors import InstallEngineError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKFLOW_CACHE", str(tmp_path))
    return tmp_path


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    assert cache_folder() == cache
    monkeypatch.delenv("WORKFLOW_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder() == Path("/somewhere/stream-workflow")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "stream-workflow"


def test_an_interrupted_installation_is_done_again_from_nothing() -> None:
    def interrupted(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        installed("engine", interrupted)
    folder = installed("engine", lambda folder: (folder / "whole").touch())

    assert sorted(path.name for path in folder.iterdir()) == [".finished", "whole"]


def test_two_that_ask_at_once_install_once() -> None:
    runs = []

    def install(folder: Path) -> None:
        runs.append(folder)
        time.sleep(0.2)

    threads = [threading.Thread(target=installed, args=("engine", install)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(runs) == 1


def test_a_missing_installer_is_named() -> None:
    with pytest.raises(InstallEngineError) as refused:
        run_tool(["no-such-installer"], purpose="Fetching")
    assert str(refused.value) == "Fetching: there is no `no-such-installer` on PATH; install it first"


def test_a_failing_installer_is_told_with_the_end_of_its_output() -> None:
    with pytest.raises(InstallEngineError) as refused:
        run_tool(["sh", "-c", "seq 20; exit 3"], purpose="Fetching")
    lines = "\n".join(str(n) for n in range(13, 21))
    assert str(refused.value) == f"Fetching: `sh` failed:\n{lines}"
