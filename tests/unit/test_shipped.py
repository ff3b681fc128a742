"""What the repository says of itself in more than one place is the same in all of them."""

from __future__ import annotations

import re

import pytest

from tests.engines import template
from tests.shipped import HANDLERS, REPOSITORY


def test_the_template_registers_the_handler_modules_of_the_project() -> None:
    default = template()["Parameters"]["HandlerModules"]["Default"]
    assert default.replace(" ", "").split(",") == [*HANDLERS]


@pytest.mark.parametrize("folder", ["definitions", "webhooks"])
def test_the_readme_names_every_kind_and_every_source(folder: str) -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (named,) = re.findall(rf"^{folder}/ +one YAML a \w+: (.+)$", readme, re.MULTILINE)
    assert named.split(", ") == sorted(file.stem for file in (REPOSITORY / folder).glob("*.yaml"))
