"""What transitions cost: as a table, and in the form that `--json` gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workflow.aws.costs import Edge, Load, dollars_a_million, step_functions_a_million
from workflow.aws.prices import Prices
from workflow.console.values import printable

_UNITS = ("accept", "listing", "timer", "lane", "effects")


def cost_view(kind: str, edges: Sequence[Edge], load: Load, prices: Prices, *, is_way: bool) -> RenderableType:
    """Each edge with its write units and dollars a million, beside Step Functions; with the sum where it is one way."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, show_footer=is_way)
    table.add_column("transition", "in all" if is_way else "", overflow="fold")
    table.add_column("effects", f"{sum(edge.hooks + edge.messages for edge in edges)}", justify="right")
    for name, count in (("write units", [edge.writes for edge in edges]), ("reads", [edge.reads for edge in edges])):
        table.add_column(name, f"{sum(count)}", justify="right")
    ours = [dollars_a_million(edge, load, prices) for edge in edges]
    theirs = [step_functions_a_million(edge, load, prices) for edge in edges]
    table.add_column("$ a million", _dollars(sum(ours)), justify="right")
    table.add_column("Step Functions", _dollars(sum(theirs)), justify="right")
    for edge, own, other in zip(edges, ours, theirs, strict=True):
        effects = edge.hooks + edge.messages
        table.add_row(_told(edge), f"{effects or ''}", _units(edge), f"{edge.reads}", _dollars(own), _dollars(other))
    return Group(Text(f"{printable(kind)}: what transitions cost", "bold"), Text(), table, Text(), _terms(load, prices))


def cost_form(kind: str, edges: Sequence[Edge], load: Load, prices: Prices) -> dict[str, Any]:
    """The same for programs; `in_all` is the sum over the edges."""
    told = [
        {
            "trigger": edge.trigger,
            "from": edge.source,
            "to": edge.target,
            "hooks": edge.hooks,
            "messages": edge.messages,
            "write_units": {**{name: getattr(edge, name) for name in _UNITS}, "in_all": edge.writes},
            "read_units": edge.reads,
            "dollars_a_million": round(dollars_a_million(edge, load, prices), 4),
            "step_functions_dollars_a_million": round(step_functions_a_million(edge, load, prices), 4),
        }
        for edge in edges
    ]
    return {"kind": kind, "region": prices.region, "prices_as_of": prices.as_of.isoformat(), "edges": told}


def _told(edge: Edge) -> str:
    return printable(f"{edge.trigger}: {edge.source} -> {edge.target}" if edge.source else edge.trigger)


def _units(edge: Edge) -> str:
    parts = [getattr(edge, name) for name in _UNITS if getattr(edge, name)]
    return f"{' + '.join(map(str, parts))} = {edge.writes}"


def _dollars(amount: float) -> str:
    return f"{amount:,.2f}"


def _terms(load: Load, prices: Prices) -> Text:
    requests = ", each with a request id" if load.request_ids else ""
    requests += "; each trigger a request to the HTTP API and its function" if load.over_http else ""
    return Text(
        f"Write units: transaction + index of states + timer + lane + ledger; entities of {load.entity_kb} KB, events "
        f"of {load.event_kb} KB{requests}. Lambda: {load.milliseconds} ms of {load.memory_mb} MB a transition, "
        f"{load.batch} an invocation. Step Functions: Standard, a state that waits and one for each effect. List "
        f"prices of {prices.region}, {prices.as_of:%B %Y}; what hooks call themselves, storage and logs come on top.",
        "dim",
    )
