"""Lanes: do their states and trigger fit together, and do their expressions say something about the data?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from workflow.definition.document import PathTuple
from workflow.definition.expressions import Expression, ExpressionError
from workflow.definition.field_checks import wrong_names
from workflow.definition.findings import Finding
from workflow.definition.fired_checks import required_names
from workflow.definition.graph import Edge
from workflow.definition.lane_model import LaneModel, LimitFunctionModel
from workflow.definition.model import DefinitionModel, FieldModel
from workflow.definition.suggestions import listed, ways_out

_ROOTS = ("data", "entity")
_EXAMPLE = "write JMESPath such as data.customer"


def misplaced_lanes(model: DefinitionModel, all_edges: list[Edge]) -> Iterator[Finding]:
    """Lanes whose states there are not, end the entity's life or belong to another lane, and triggers that do not lead
    from the one to the other by themselves."""
    owners: dict[str, str] = {}
    for name, lane in model.lanes.items():
        path: PathTuple = ("lanes", name)
        found = list(_wrong_states(path, name, lane, model, owners))
        yield from found or _wrong_trigger(path, lane, all_edges)


def _wrong_states(
    path: PathTuple, name: str, lane: LaneModel, model: DefinitionModel, owners: dict[str, str]
) -> Iterator[Finding]:
    if lane.waiting == lane.running:
        yield Finding((*path, "running"), f"the lane {name!r} waits and runs in one state", "name two states")
        return
    for key, state in (("waiting", lane.waiting), ("running", lane.running)):
        declared = model.states.get(state)
        if state not in model.states:
            message = f"the lane {name!r} names the state {state!r}, which there is not"
            yield Finding((*path, key), message, ways_out(state, model.states, "states"))
        elif declared is not None and declared.final:
            yield Finding((*path, key), f"the state {state!r} of a lane is final: nobody leaves it", "name another")
        elif owners.setdefault(state, name) != name:
            message = f"the state {state!r} belongs to the lane {owners[state]!r} already"
            yield Finding((*path, key), message, "an entity has one place at a time; give each lane its own states")


def _wrong_trigger(path: PathTuple, lane: LaneModel, all_edges: list[Edge]) -> Iterator[Finding]:
    out_of = [edge for edge in all_edges if edge.source == lane.waiting]
    ways = [edge for edge in out_of if edge.trigger == lane.trigger]
    into = [edge for edge in ways if edge.target == lane.running]
    if not into:
        fitting = [edge.trigger for edge in out_of if edge.target == lane.running]
        message = f"the trigger {lane.trigger!r} does not lead from {lane.waiting!r} to {lane.running!r}"
        yield Finding((*path, "trigger"), message, f"these do: {listed(fitting)}" if fitting else "add a transition")
    elif all(required_names(edge.transition) for edge in into):
        message = f"the trigger {lane.trigger!r} requires a payload; a lane gives none"
        yield Finding((*path, "trigger"), message, "let what the transition needs be in the data before")


def unregistered_limits(model: DefinitionModel, limits: Collection[str]) -> Iterator[Finding]:
    """Limits that the definition takes from functions that no handler registers."""
    for name, lane in model.lanes.items():
        limit = lane.limit
        if isinstance(limit, LimitFunctionModel) and limit.function not in limits:
            message = f"no limit {limit.function!r} is registered"
            where = ("lanes", name, "limit", "function")
            yield Finding(where, message, ways_out(limit.function, sorted(limits), "registered, with @limit"))


def wrong_lane_expressions(
    model: DefinitionModel, declared: Mapping[str, str | FieldModel] | None
) -> Iterator[Finding]:
    """What is no JMESPath, starts from what is not there, or would show a sensitive field; `declared` None: any field
    may be there."""
    for name, lane in model.lanes.items():
        for key, text in (("by", lane.by), ("first", lane.first)):
            if text is not None:
                yield from _wrong_expression(("lanes", name, key), text, declared)


def _wrong_expression(
    where: PathTuple, text: str, declared: Mapping[str, str | FieldModel] | None
) -> Iterator[Finding]:
    try:
        expression = Expression(text)
    except ExpressionError as error:
        yield Finding(where, str(error), error.way_out or _EXAMPLE)
        return
    for names in sorted(expression.paths()):
        yield from wrong_names(where, names, declared, text, _ROOTS)
        field = (declared or {}).get(names[1]) if names[0] == "data" and len(names) > 1 else None
        if isinstance(field, FieldModel) and field.sensitive:
            message = f"the lane would show data.{names[1]}, which is sensitive"
            yield Finding(where, message, "use a field that is not, such as an id")
