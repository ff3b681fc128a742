"""Invoices that are published: calls fail, fail for some, work and nobody hears of it, and come twice."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import jsonschema

from workflow.definition.load import load_definitions
from workflow.runtime.hooks import Hooks
from workflow.runtime.publish.schema import read_schema
from workflow.testing import MemoryPublisher
from workflow.testing.simulation import Scenario

_DEFINITION = Path(__file__).parents[3] / "definitions" / "invoice.yaml"
_SECRET = ('"email":', '"iban":', '"payer":')


class _Readers:
    """Whoever reads the queue, the topic and the bus."""

    def __init__(self) -> None:
        self.publisher = MemoryPublisher()
        self._fits = jsonschema.Draft202012Validator(read_schema()).is_valid

    def forget(self) -> None:
        """Begins anew."""
        self.publisher.published.clear()
        self.publisher.calls.clear()

    def check(self) -> None:
        """In the FIFO queue an invoice's versions rise and none comes twice; nobody reads what is sensitive."""
        versions: dict[str, list[int]] = defaultdict(list)
        for one in self.publisher.published:
            text = json.dumps(one.envelope, separators=(",", ":"))
            assert self._fits(json.loads(text)), f"{one.key} does not fit the schema"
            assert not any(name in text for name in _SECRET), f"{one.key} tells what is sensitive"
            assert one.envelope["id"] == one.key, f"{one.key} carries another id"
            if one.target.name == "fulfilment.fifo":
                versions[one.group].append(one.envelope["data"]["version"])
        for group, seen in versions.items():
            assert len(set(seen)) == len(seen), f"{group}: the warehouse reads {seen}, one of them twice"


def scenario() -> Scenario:
    """The shipped kind, which has no hooks in Python, and readers who take what comes."""
    readers = _Readers()
    return Scenario(
        load_definitions(_DEFINITION),
        Hooks(),
        before_each=readers.forget,
        check=readers.check,
        publisher=readers.publisher,
    )
