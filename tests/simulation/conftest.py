"""The same schedules each time, as hunting for others is what `make sim` does; and what stories put in place goes."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from importlib import import_module

import pytest

from tests.shipped import HANDLERS

_FIRST_SEED = 20_000


@pytest.fixture(autouse=True)
def _the_same_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random.SystemRandom, "randrange", lambda self, *bounds: _FIRST_SEED)


@pytest.fixture(autouse=True)
def _what_stories_put_in_place_goes() -> Iterator[None]:
    """An actor that crashes in a hook never comes to take back the fakes that it called it with."""
    for name in HANDLERS:
        import_module(name)
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] == "handlers"]
    kept, environment = [(module, dict(vars(module))) for module in modules], dict(os.environ)
    yield
    for module, own in kept:
        vars(module).update(own)
    os.environ.clear()
    os.environ.update(environment)
