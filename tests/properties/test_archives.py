"""Whatever is defined and asked: what is archived and built again is what was there."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.archives import Shop
from tests.exact import exact
from tests.properties.strategies import Asked, asks, creations, definitions_of_a_kind
from workflow import Definitions, Refused
from workflow.definition.definition import Definition
from workflow.testing import MemoryDelivery


@settings(max_examples=60, deadline=None)
@given(definitions_of_a_kind(), st.lists(creations, min_size=1, max_size=3), st.lists(asks, max_size=15))
def test_what_is_built_from_an_archive_is_what_was_archived(
    definition: Definition, births: list[dict[str, Any]], asked: list[Asked]
) -> None:
    shop = Shop(known=Definitions((definition,)))
    for name, data in zip(("1", "#2", "drei ü 🚚"), births, strict=False):
        shop.flow.create("kind", name, data)
    for ask in asked:
        try:
            shop.flow.fire("kind", ask.entity, ask.trigger, ask.payload, request_id=ask.request_id)
        except Refused:
            continue
    other = Shop(known=Definitions((definition,)), clock=shop.clock)
    with tempfile.TemporaryDirectory() as folder:
        archived = shop.archive(Path(folder))
        hydrated = other.hydrate(Path(folder))
    assert (archived.broken, hydrated.told, hydrated.loaded) == ([], [], len(births))
    before, after = shop.everything(), other.everything()
    for one, another in zip(before, after, strict=True):
        assert another._replace(entries=[]) == one._replace(entries=[])
        assert exact([event.changes for event in another.events]) == exact([event.changes for event in one.events])
        assert all(is_settled for _, _, is_settled in another.entries)  # type: ignore[misc]
    assert MemoryDelivery(other.flow).run().waiting == 0
    assert other.ran == []
