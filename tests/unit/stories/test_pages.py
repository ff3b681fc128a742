"""What is so of every page of docs/stories: the files it shows are the project's, its story can be told."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.__main__ import STORIES as TOLD
from tests.shipped import REPOSITORY
from tests.unit.stories.pages import STORIES, Page

PAGES = sorted(STORIES.glob("*.md"))


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.stem)
def test_the_files_it_shows_are_those_of_the_project(file: Path) -> None:
    found = [block for language in ("yaml", "python") for block in Page(file).blocks(language)]
    assert found
    for block in found:
        name, _, shown = block.partition("\n")
        assert shown.strip() in (REPOSITORY / name.removeprefix("# ")).read_text(encoding="utf-8"), name


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.stem)
def test_it_begins_with_a_demo_that_make_knows(file: Path) -> None:
    make, demo, story = Page(file).commands()[0]
    assert (make, demo) == ("make", "demo")
    assert story.removeprefix("STORY=") in TOLD


def test_every_story_but_the_main_one_has_its_page() -> None:
    assert len(PAGES) == len(TOLD) - 1


def test_the_readme_names_every_page() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert [file.name for file in PAGES if f"docs/stories/{file.name}" not in readme] == []
