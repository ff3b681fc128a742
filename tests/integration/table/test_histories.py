"""On a real engine too the history is the entity, for any definition and anything that is asked (promises 1 to 3)."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.engines import create_table, new_client
from tests.properties.lives import live
from tests.properties.strategies import Asked, asks, creations, definitions_of_a_kind
from workflow.aws.ledger import TableLedger
from workflow.aws.table import TableStore
from workflow.definition.definition import Definition


@settings(
    max_examples=12,
    deadline=None,
    # Making a failure smaller takes hundreds of tables: the same property in memory does it in a second.
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(definitions_of_a_kind(), st.lists(creations, min_size=1, max_size=3), st.lists(asks, min_size=5, max_size=15))
def test_on_dynamodb_the_history_is_the_entity_too(
    dynamodb_local_url: str, definition: Definition, births: list[dict[str, Any]], asked: list[Asked]
) -> None:
    client = new_client(dynamodb_local_url)
    table = create_table(client)
    live(definition, births, asked, (TableStore(client, table), TableLedger(client, table)))
