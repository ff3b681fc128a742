"""Deciding and folding in process: rates a second, not ratios, since there is nothing to compare them with."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from bench.material import NOW, definitions, order
from bench.measure import Row, rate
from workflow.engine.decide import Command, decide
from workflow.engine.events import Event, fold
from workflow.engine.machine import Machine

FOLDED = 1000


def rows() -> Iterator[Row]:
    """The two figures of the engine."""
    definition = definitions(owing=False).find("order")
    assert definition is not None
    machine = Machine(definition, {})
    entity = order("42", 1, "placed")
    command = Command("pay", {"amount": Decimal("119.70"), "method": "card"}, "e1")
    event = decide(machine, entity, command, NOW)
    assert isinstance(event, Event), event
    assert event.target == "paid"
    decided = rate(lambda: decide(machine, entity, command, NOW), 5_000)
    yield Row("decide, guard and typed payload", "", decided, 50_000, unit="/s")

    amended = event._replace(trigger="amend", source="paid", changes={"note": "later"})
    history = [event, *(amended._replace(version=version) for version in range(3, FOLDED + 2))]
    folded = fold(history, entity)
    assert folded is not None
    assert folded.version == FOLDED + 1
    yield Row("fold a history", "", FOLDED * rate(lambda: fold(history, entity), 20), 200_000, unit=" events/s")
