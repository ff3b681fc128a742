"""For any definition and anything that is asked: the history is the entity (promises 1, 2 and 3)."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.lives import live
from tests.properties.strategies import Asked, asks, creations, definitions_of_a_kind
from workflow.definition.definition import Definition
from workflow.testing import MemoryStore


@settings(max_examples=150, deadline=None)
@given(definitions_of_a_kind(), st.lists(creations, min_size=1, max_size=3), st.lists(asks, max_size=25))
def test_the_history_is_the_entity_whatever_is_defined_and_asked(
    definition: Definition, births: list[dict[str, Any]], asked: list[Asked]
) -> None:
    store = MemoryStore()
    live(definition, births, asked, (store, store.ledger))
