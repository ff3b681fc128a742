"""Every test of this folder runs on every engine, unless it is marked `not_on(engine="reason")`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from moto import mock_aws

from tests.engines import create_table, new_client
from workflow.aws.client import make_client
from workflow.aws.ledger import TableLedger
from workflow.aws.table import TableStore
from workflow.runtime.ports import Ledger, Store
from workflow.testing import MemoryStore

ENGINES = ("memory", "moto", "ministack", "dynamodb_local")


@dataclass(frozen=True)
class Ports:
    """The ports of one engine; `client` and `table` only where there is a table."""

    engine: str
    store: Store
    ledger: Ledger
    client: Any = None
    table: str = ""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "not_on(engine=reason): the contract case leaves an engine out, and why")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "ports" in metafunc.fixturenames:
        left_out = {name for mark in metafunc.definition.iter_markers("not_on") for name in mark.kwargs}
        assert left_out <= set(ENGINES)
        metafunc.parametrize("ports", [name for name in ENGINES if name not in left_out], indirect=True)


@pytest.fixture
def ports(request: pytest.FixtureRequest) -> Iterator[Ports]:
    engine: str = request.param
    if engine == "memory":
        store = MemoryStore()
        yield Ports(engine, store, store.ledger)
    elif engine == "moto":
        with mock_aws():
            yield _on_table(engine, make_client("dynamodb", region="us-east-1", access_key="testing"))
    else:
        yield _on_table(engine, new_client(request.getfixturevalue(f"{engine}_url")))


def _on_table(engine: str, client: Any) -> Ports:
    table = create_table(client)
    return Ports(engine, TableStore(client, table), TableLedger(client, table), client, table)
