"""The same schedules each time: hunting for others is what `make sim` does."""

from __future__ import annotations

import random

import pytest

_FIRST_SEED = 20_000


@pytest.fixture(autouse=True)
def _the_same_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random.SystemRandom, "randrange", lambda self, *bounds: _FIRST_SEED)
