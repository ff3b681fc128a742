"""The engines, each started once and only when a test asks for it; without its engine a test fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator

# Before any client is made: moto reaches only botocore sessions that are younger than itself.
import moto as moto
import pytest

from tests.fakes.clock import FakeClock
from workflow.local.dynamodb_local import DynamoDBLocal
from workflow.local.embedded_cloud import EmbeddedCloud


@pytest.fixture(scope="session")
def dynamodb_local_url() -> Iterator[str]:
    """Where DynamoDB Local answers."""
    with DynamoDBLocal() as engine:
        yield engine.endpoint_url


@pytest.fixture(scope="session")
def ministack_url() -> Iterator[str]:
    """Where an embedded cloud of the tables' own answers."""
    with EmbeddedCloud() as cloud:
        yield cloud.endpoint_url


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


_FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture
def tell_figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Keeps one measured figure for the end of the run's output."""
    return request.config.stash.setdefault(_FIGURES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if figures := config.stash.get(_FIGURES, []):
        terminalreporter.section("figures")
        for figure in figures:
            terminalreporter.write_line(figure)
