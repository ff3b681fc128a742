"""The life of some entities, held against the promises that hold for every one (1, 2 and 3)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.exact import exact
from tests.fakes.clock import FakeClock
from tests.properties.strategies import Asked
from workflow import Accepted, Definitions, Refused, Workflow
from workflow.definition.definition import Definition
from workflow.engine.events import fold
from workflow.runtime.ports import Ledger, Store

_ENTITIES = ("1", "#2", "drei ü 🚚")


def live(definition: Definition, births: list[dict[str, Any]], asked: list[Asked], ports: tuple[Store, Ledger]) -> None:
    """Creates entities, asks for all of it, and holds what came of it against the promises."""
    store, ledger = ports
    flow = Workflow(Definitions((definition,)), store, ledger=ledger, hooks_required=False, clock=FakeClock())
    born = [flow.create("kind", name, data) for name, data in zip(_ENTITIES, births, strict=False)]
    held = {answer.entity.id: answer.entity for answer in born}
    answers: list[Accepted] = list(born)
    refused = 0
    for ask in asked:
        try:
            answers.append(_fire(flow, ask, held))
        except Refused:
            refused += 1
    assert len(answers) + refused == len(born) + len(asked)
    for name in _ENTITIES:
        _check(flow, definition, name, [answer for answer in answers if answer.event.entity_id == name])


def _fire(flow: Workflow, ask: Asked, held: dict[str, Any]) -> Accepted:
    stale = held.get(ask.entity) if ask.stale else None
    return flow.fire("kind", ask.entity, ask.trigger, ask.payload, request_id=ask.request_id, held=stale)


def _check(flow: Workflow, definition: Definition, name: str, answers: list[Accepted]) -> None:
    history = flow.history("kind", name)
    assert flow.find("kind", name) == fold(history)
    assert exact(getattr(flow.find("kind", name), "data", None)) == exact(getattr(fold(history), "data", None))
    assert [event.version for event in history] == list(range(1, len(history) + 1))
    assert {(event.trigger, event.source, event.target) for event in history} <= set(definition.edges)
    written = [answer for answer in answers if not answer.repeated]
    assert Counter(event.id for event in history) == Counter(answer.event.id for answer in written)
    for answer in answers:
        assert history[answer.event.version - 1] == answer.event
        assert answer.entity == fold(history[: answer.event.version])
