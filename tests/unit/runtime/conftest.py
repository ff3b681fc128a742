from __future__ import annotations

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.stores import FaultyStore
from tests.samples import definitions
from tests.unit.runtime.delivery import Bench
from workflow import Workflow


@pytest.fixture
def store() -> FaultyStore:
    return FaultyStore()


@pytest.fixture
def flow(store: FaultyStore, clock: FakeClock) -> Workflow:
    """Both sample kinds on a store in memory; the order 42 is placed."""
    flow = Workflow(definitions(), store, clock=clock)
    flow.create("order", "42", {"total": 100})
    return flow


@pytest.fixture
def bench() -> Bench:
    """Orders with hooks, and somebody to deliver them."""
    return Bench()
