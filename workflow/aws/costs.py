"""What the transitions of a definition take of AWS, each edge by itself, before anything runs.

The units are those of the items that `items`, `due_items`, `delivery_items` and `lane_items` write; a test counts them
on the wire. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from workflow.aws.prices import Prices
from workflow.definition.definition import CREATE, UNDO, Definition, HookUse
from workflow.errors import TransitionError

_MILLION = 1_000_000
_IN_TRANSACTION = 2
"""Each write of a transaction counts twice; those that it makes in an index do not."""

_ANSWER_SECONDS = 0.02
"""About how long the function of webhooks or of entities over HTTP works for an answer."""

_LEDGER_BYTES, _OUTCOME_BYTES = 200, 150
"""About what an entry of the ledger takes, and each effect in it."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is not in the definition: how large an entity and an event are, in whole kilobytes; how many transitions one
    invocation delivers, how long it works for each, and its memory; whether requests have ids, and come over HTTP."""

    entity_kb: int = 1
    event_kb: int = 1
    batch: int = 1
    milliseconds: int = 50
    memory_mb: int = 512
    request_ids: bool = False
    over_http: bool = False


class Edge(NamedTuple):
    """What one transition takes of DynamoDB, in units: `accept` by its transaction, `listing` by the index of states,
    `timer` by one that is set and, in the end, taken away, `lane` by places in it, `effects` by the ledger."""

    trigger: str
    source: str
    target: str
    hooks: int
    messages: int
    accept: int
    listing: int
    timer: int
    lane: int
    effects: int
    reads: int

    @property
    def writes(self) -> int:
        """All write units."""
        return self.accept + self.listing + self.timer + self.lane + self.effects


def edges_of(definition: Definition, load: Load) -> Iterator[Edge]:
    """Every edge of the definition, creation first; of a `compensate`, without the effects that it undoes, since only
    the ledger knows how many."""
    for (trigger, source, target), uses in definition.uses.items():
        yield _edge(definition, load, trigger, source, target, uses)


def way_of(definition: Definition, load: Load, triggers: Sequence[str]) -> list[Edge]:
    """The edges that an entity takes that is created and then gets those triggers, always the first way there is;
    raises TransitionError that names the triggers there are."""
    edges = list(edges_of(definition, load))
    way = [next(edge for edge in edges if edge.trigger == CREATE)]
    for trigger in triggers:
        here = [edge for edge in edges if edge.source == way[-1].target and edge.trigger != CREATE]
        found = next((edge for edge in here if edge.trigger == trigger), None)
        if found is None:
            allowed = tuple(dict.fromkeys(edge.trigger for edge in here))
            raise TransitionError(
                f"{definition.kind}: no transition {trigger!r} from {way[-1].target!r}; from here: "
                f"{', '.join(allowed) or 'nothing, the state is final'}",
                allowed=allowed,
            )
        way.append(found)
    return way


def dollars_a_million(edge: Edge, load: Load, prices: Prices) -> float:
    """What a million such transitions cost, with all their effects, except what the hooks themselves call."""
    busy_seconds = load.milliseconds / 1000 * load.memory_mb / 1024
    function = prices.lambda_million / load.batch + busy_seconds * prices.lambda_gb_second * _MILLION
    table = edge.writes * prices.write_million + edge.reads * prices.read_million
    return table + function + edge.messages * prices.message_million + _request_a_million(load, prices)


def _request_a_million(load: Load, prices: Prices) -> float:
    """What brings the triggers: the HTTP API, and the function behind it."""
    if not load.over_http:
        return 0.0
    busy = _ANSWER_SECONDS * load.memory_mb / 1024 * prices.lambda_gb_second * _MILLION
    return prices.http_million + prices.lambda_million + busy


def step_functions_a_million(edge: Edge, load: Load, prices: Prices) -> float:
    """What the same costs as Standard workflows: a state that waits for the trigger, and a task for each effect, whose
    hooks are Lambdas that work as long in all; what brings the triggers is the same."""
    busy_seconds = load.milliseconds / 1000 * load.memory_mb / 1024 if edge.hooks else 0.0
    functions = edge.hooks * prices.lambda_million + busy_seconds * prices.lambda_gb_second * _MILLION
    states = 1 + edge.hooks + edge.messages
    told = edge.messages * prices.message_million + _request_a_million(load, prices)
    return states * prices.step_functions_million + functions + told


def _edge(definition: Definition, load: Load, trigger: str, source: str, target: str, uses: Sequence[HookUse]) -> Edge:
    effects = [use for use in uses if use.hook != UNDO]
    messages = sum(use.publish is not None for use in effects)
    return Edge(
        trigger=trigger,
        source=source,
        target=target,
        hooks=len(effects) - messages,
        messages=messages,
        accept=_IN_TRANSACTION * (load.entity_kb + load.event_kb + load.request_ids),
        listing=2 if source and source != target else 1,
        timer=_timer_units(definition, target),
        lane=_IN_TRANSACTION * _places_changed(definition, source, target),
        effects=_ledger_units(uses),
        reads=_read_units(load, source, bool(uses)),
    )


def _timer_units(definition: Definition, target: str) -> int:
    # The item in the transaction and its line in the index; later both are taken away.
    return _IN_TRANSACTION + 1 + 1 + 1 if definition.states[target].timers else 0


def _places_changed(definition: Definition, source: str, target: str) -> int:
    before, after = definition.lane_of.get(source), definition.lane_of.get(target)
    if source == target:
        return 0
    return (before is not None) + (after is not None)


def _ledger_units(uses: Sequence[HookUse]) -> int:
    if not uses:
        return 0
    kilobytes = ceil((_LEDGER_BYTES + _OUTCOME_BYTES * len(uses)) / 1024)
    commits = sum(_IN_TRANSACTION if use.then else 1 for use in uses)
    return kilobytes * (1 + commits)


def _read_units(load: Load, source: str, owes: bool) -> int:
    # To decide, the entity; to deliver, the ledger of the event before, and the event if a hook looks at it.
    entity = ceil(load.entity_kb / 4) if source else 0
    return entity + (ceil(load.event_kb / 4) + bool(source) if owes else 0)
