"""What the repository says of itself in more than one place is the same in all of them."""

from __future__ import annotations

from tests.engines import template
from tests.shipped import HANDLERS


def test_the_template_registers_the_handler_modules_of_the_project() -> None:
    default = template()["Parameters"]["HandlerModules"]["Default"]
    assert default.replace(" ", "").split(",") == [*HANDLERS]
