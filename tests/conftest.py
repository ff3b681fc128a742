"""The engines, each started once and only when a test asks for it; without its engine a test fails."""

from __future__ import annotations

from collections.abc import Iterator

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
