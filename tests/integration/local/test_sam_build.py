"""`sam build`, by what SAM's builder does with the template: copy CodeUri, then run one target of a Makefile."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from workflow.settings import read_settings

REPOSITORY = Path(__file__).parents[3]


def folder_of(name: str) -> Path:
    """Return the folder that the template gives under that name; SAM counts all of them from the template."""
    found = re.search(rf"^ *{name}: (.+)$", (REPOSITORY / "template.yaml").read_text(), re.MULTILINE)
    assert found, name
    return (REPOSITORY / found[1]).resolve()


def test_sam_copies_a_folder_that_a_clone_has_and_builds_outside_of_the_copy() -> None:
    code = folder_of("CodeUri")
    assert code in {REPOSITORY / module.partition(".")[0] for module in read_settings({}, REPOSITORY).handlers}
    # SAM moves a working folder that lies in CodeUri to its copy, where the framework and the definitions are not.
    assert not folder_of("WorkingDirectory").is_relative_to(code)


@pytest.mark.parametrize(
    ("function", "module"),
    [("StreamFunction", "stream"), ("SweepFunction", "sweep"), ("WebhookFunction", "webhook"), ("ApiFunction", "api")],
)
def test_the_target_that_sam_runs_fills_its_folder_and_does_so_again(
    tmp_path: Path, function: str, module: str
) -> None:
    # As the folder of these tests' own interpreter, so that nothing is installed here.
    ready = [f"VENV={sys.prefix}", "--assume-old", f"{sys.prefix}/ready-local"]
    make = ["make", *ready, "--makefile", str(folder_of("ContextPath") / "Makefile"), f"build-{function}"]
    artifacts = tmp_path / ".aws-sam" / "build" / function
    artifacts.mkdir(parents=True)

    for _ in range(2):
        environment = {**os.environ, "ARTIFACTS_DIR": str(artifacts)}
        done = subprocess.run(make, cwd=folder_of("WorkingDirectory"), env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")

    source = artifacts.joinpath("workflow", "aws", "lambdas", f"{module}.py")
    assert Path(cache_from_source(str(source))).is_file()
    assert {"boto3", "definitions.json", "handlers"} <= {path.name for path in artifacts.iterdir()}
