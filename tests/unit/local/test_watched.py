"""What `workflow dev` watches."""

from pathlib import Path

import pytest

from workflow.local.layout import read_layout
from workflow.local.watched import Watched


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    (tmp_path / "hooks" / "inner" / "__pycache__").mkdir(parents=True)
    (tmp_path / "flows").mkdir()
    (tmp_path / "template.yaml").touch()
    (tmp_path / "pyproject.toml").write_text(
        '[tool.workflow]\ndefinitions = "flows"\nhandlers = ["hooks.device", "hooks.alarm"]\n'
    )
    return Watched(read_layout(tmp_path))


def test_the_parts_are_those_that_the_settings_name(watched: Watched) -> None:
    assert watched.names == ["flows/", "hooks/", "template.yaml", "pyproject.toml"]


def test_folders_are_watched_and_not_files_which_editors_replace(watched: Watched, tmp_path: Path) -> None:
    assert watched.folders == [tmp_path, tmp_path / "flows", tmp_path / "hooks", tmp_path / "hooks" / "inner"]


def test_of_what_changes_only_the_parts_count(watched: Watched, tmp_path: Path) -> None:
    changed = (
        "notes.txt",
        "hooks/device.py",
        "hooks/__pycache__/device.pyc",
        "flows/a.yaml~",
        "template.yaml",
        "build",
    )
    assert watched.among(str(tmp_path / name) for name in changed) == ["hooks/device.py", "template.yaml"]


def test_definitions_in_one_file_are_watched_as_well(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").touch()
    (tmp_path / "pyproject.toml").write_text('[tool.workflow]\ndefinitions = "all.yaml"\n')
    watched = Watched(read_layout(tmp_path))
    assert (watched.names, watched.folders) == (["all.yaml", "pyproject.toml"], [tmp_path])
    assert watched.among([str(tmp_path / "all.yaml")]) == ["all.yaml"]


def test_webhooks_are_watched_and_the_first_one_is_seen_too(watched: Watched, tmp_path: Path) -> None:
    folder = tmp_path / "webhooks"
    assert watched.among([str(folder)]) == ["webhooks"]
    folder.mkdir()
    assert (watched.names[1], folder in watched.folders) == ("webhooks/", True)
    assert watched.among([str(folder / "github.yaml")]) == ["webhooks/github.yaml"]
