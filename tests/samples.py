"""Definitions made directly, without YAML, for tests of the floors above them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from workflow.definition.definition import Definition, Definitions, Field, Guard, HookUse, Lane, State, Transition

ORDER = Definition(
    kind="order",
    version=1,
    initial="placed",
    data={
        "email": Field("email", "string", sensitive=True, optional=True),
        "total": Field("total", "decimal", default=0),
        "carrier": Field("carrier", "string", optional=True),
        "note": Field("note", "any", optional=True),
    },
    states={
        "placed": State("placed"),
        "paid": State("paid"),
        "shipped": State("shipped"),
        "cancelled": State("cancelled", final=True),
    },
    transitions=(
        Transition(
            "pay",
            "placed",
            "paid",
            requires={"amount": Field("amount", "decimal")},
            guard=Guard("payload.amount >= data.total"),
        ),
        Transition("ship", "paid", "shipped", sets={"carrier": None}),
        Transition("annotate", "paid", "paid", sets={"note": None}),
        Transition("annotate", "placed", "placed", sets={"note": None}),
        Transition("reprice", "placed", "placed", sets={"total": None}),
        Transition("cancel", "placed", "cancelled"),
        Transition("cancel", "paid", "cancelled"),
    ),
)

COUNTER = Definition(
    kind="counter",
    version=1,
    initial="counting",
    data={"count": Field("count", "integer", default=0), "blob": Field("blob", "any", optional=True)},
    states={"counting": State("counting")},
    transitions=(
        Transition("add", "counting", "counting", sets={"count": "sum([data.count, `1`])"}),
        Transition("keep", "counting", "counting", sets={"blob": None}),
    ),
)

JOB = Definition(
    kind="job",
    version=1,
    initial="pending",
    data={
        "repository": Field("repository", "any", optional=True),
        "priority": Field("priority", "any", optional=True),
        "note": Field("note", "any", optional=True),
    },
    states={
        "pending": State("pending"),
        "active": State("active"),
        "failed": State("failed"),
        "done": State("done", final=True),
        "cancelled": State("cancelled", final=True),
    },
    transitions=(
        Transition("start", "pending", "active"),
        Transition("finish", "active", "done"),
        Transition("fail", "active", "failed"),
        Transition("again", "failed", "active"),
        Transition("retry", "failed", "pending"),
        Transition("retry", "active", "pending"),
        Transition("cancel", "pending", "cancelled"),
        Transition("cancel", "active", "cancelled"),
        Transition("move", "pending", "pending", sets={"repository": None}),
        Transition("rate", "pending", "pending", sets={"priority": None}),
        Transition("note", "pending", "pending", sets={"note": None}),
        Transition("note", "active", "active", sets={"note": None}),
    ),
    lanes={"build": Lane("build", "pending", "active", "start", by="data.repository", first="data.priority")},
)
"""Jobs of a repository: one at a time, the most urgent first."""


def laned(definition: Definition = JOB, **said: Any) -> Definition:
    """The definition with this said of its lanes."""
    return replace(definition, lanes={name: replace(lane, **said) for name, lane in definition.lanes.items()})


def definitions(*some: Definition) -> Definitions:
    """The given definitions, or both samples."""
    return Definitions(some or (ORDER, COUNTER))


def entering(definition: Definition, **hooks: Iterable[str]) -> Definition:
    """The definition with hooks owed on entering the named states."""
    states: dict[str, Any] = {
        name: replace(state, on_enter=tuple(map(HookUse, hooks.get(name, ()))))
        for name, state in definition.states.items()
    }
    return replace(definition, states=states)
