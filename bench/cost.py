"""Dollars for a million transitions with one hook, beside Step Functions Standard, by the public unit prices."""

from __future__ import annotations

from collections.abc import Iterator

from bench.material import definitions
from bench.measure import Row
from workflow.aws.costs import Load, dollars_a_million, edges_of, step_functions_a_million
from workflow.aws.prices import US_EAST_1

BATCHES = (1, 10, 100)


def rows() -> Iterator[Row]:
    """The figure for one, ten and a hundred transitions an invocation; the units are those that a test has an engine
    count."""
    (order,) = definitions(owing=True)
    paid = next(edge for edge in edges_of(order, Load()) if edge.trigger == "pay")
    assert paid.hooks == 1
    for batch in BATCHES:
        load = Load(batch=batch)
        ours = dollars_a_million(paid, load, US_EAST_1)
        theirs = step_functions_a_million(paid, load, US_EAST_1)
        detail = f"$ {ours:.2f} against $ {theirs:.2f}, {paid.writes} write units"
        yield Row(f"cost, 1 hook, {batch} an invocation", "Step Functions Standard", theirs / ours, 4, detail=detail)
