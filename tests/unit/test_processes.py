"""What `make test` may play at the same moment, in processes of their own."""

from __future__ import annotations

from tests.conftest import cloud_of
from tests.shipped import REPOSITORY

ACCEPTANCE = REPOSITORY / "tests" / "acceptance"


def test_demos_that_build_in_the_repositorys_own_folder_share_one_process() -> None:
    files = [file for file in ACCEPTANCE.glob("test_*.py") if '"-m", "demo"' in file.read_text(encoding="utf-8")]
    shared = {file.stem: cloud_of(file) for file in files}
    # The story of the CI scheduler builds in a copy of its own.
    assert shared == {"test_demo": "demo", "test_story_demos": "demo", "test_ci_demo": "test_ci_demo"}
