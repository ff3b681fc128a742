"""All checks that go beyond the shape of a definition; each one that can run does, whatever else is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workflow.definition import (
    circles,
    declared_fires,
    field_checks,
    fired_checks,
    fires_checks,
    graph,
    hook_checks,
    lane_checks,
    payload_checks,
    undo_checks,
)
from workflow.definition.document import Document
from workflow.definition.findings import Finding
from workflow.definition.model import DefinitionModel
from workflow.definition.reading import Reading
from workflow.definition.registered import Registered
from workflow.errors import Problem

_ENDING = {"kind", "version", "initial", "states", "transitions", "transitions.guard"}


def check(reading: Reading, registered: Registered | None) -> list[Problem]:
    """The problems of one definition, beyond those of its reading; `registered` None: every name is registered."""
    model = reading.model
    if model is None:
        return []
    findings = [*_graph(model, reading.left_out), *_fields(model, reading.left_out)]
    if registered is not None:
        findings += hook_checks.unregistered(model, registered)
        findings += lane_checks.unregistered_limits(model, registered.limits)
    return list(dict.fromkeys(_problem(reading.document, finding) for finding in findings))


def check_together(readings: Sequence[Reading], registered: Registered | None, *, complete: bool) -> list[Problem]:
    """The problems that definitions have with each other: the same kind and version twice, circles without an end,
    hooks that say they fire what there is not, and declared fires on what there is not.

    `registered` None: no hook fires anything by itself. `complete`: there are no other definitions beside these.
    """
    fires: circles.Fires = {} if registered is None else registered.hooks
    return _declared_twice(readings) + _fired(readings, fires, _kinds(readings) if complete else None)


def _kinds(readings: Sequence[Reading]) -> set[str] | None:
    """All kinds there are; None if that could not be read of every file."""
    kinds = {reading.model.kind for reading in readings if reading.model and "kind" not in reading.left_out}
    unread = any(reading.model is None or "kind" in reading.left_out for reading in readings)
    return None if unread else kinds


def _fired(readings: Sequence[Reading], fires: circles.Fires, kinds: set[str] | None) -> list[Problem]:
    # Every event is made with the version in force; what is left out of one might have been what ends a circle.
    in_force: dict[str, tuple[Reading, DefinitionModel]] = {}
    for reading in readings:
        model = reading.model
        if model is None or _ENDING & reading.left_out:
            continue
        if model.kind not in in_force or in_force[model.kind][1].version < model.version:
            in_force[model.kind] = reading, model
    chosen = list(in_force.values())
    models = [model for _, model in chosen]
    whole = {model.kind: model for reading, model in chosen if not reading.left_out}
    found = [
        *circles.endless_circles(models, fires),
        *fires_checks.unknown_fires(models, fires),
        *declared_fires.unfit_fires(models, whole, kinds),
    ]
    return [_problem(chosen[index][0].document, finding) for index, finding in found]


def _declared_twice(readings: Sequence[Reading]) -> list[Problem]:
    problems: list[Problem] = []
    first: dict[tuple[str, int], str] = {}
    for reading in readings:
        if reading.model is None or {"kind", "version"} & reading.left_out:
            continue
        kind, version = key = (reading.model.kind, reading.model.version)
        if key in first:
            message = f"version {version} of {kind!r} is declared in {first[key]} already"
            finding = Finding(("version",), message, "raise the version here, or remove one of the two files")
            problems.append(_problem(reading.document, finding))
        first.setdefault(key, reading.document.file)
    return problems


def _graph(model: DefinitionModel, left_out: set[str]) -> Iterator[Finding]:
    """A check that lacks something of the definition is passed over: it would complain of what is there."""
    all_edges = graph.edges(model)
    unknown = [] if "states" in left_out else list(graph.unknown_states(model))
    yield from unknown
    if not unknown and not {"states", "transitions"} & left_out:
        yield from _ways(model, all_edges, left_out)
    yield from graph.final_states_with_ways_out(model, all_edges)
    if "transitions.guard" not in left_out:
        yield from graph.ambiguous_triggers(all_edges)
    yield from hook_checks.repeated_hooks(model, all_edges)
    yield from fired_checks.unreached_catches(model)


def _ways(model: DefinitionModel, all_edges: list[graph.Edge], left_out: set[str]) -> Iterator[Finding]:
    if "initial" not in left_out:
        yield from graph.unreachable_states(model, all_edges)
    if "states.final" not in left_out:
        yield from graph.dead_ends(model, all_edges)
    yield from fired_checks.wrong_timers(model, all_edges)
    yield from fired_checks.misled_outcomes(model, all_edges)
    yield from lane_checks.misplaced_lanes(model, all_edges)
    # What could not be read of it may have been an undo, or what runs it.
    if not any(name.startswith(("states", "transitions")) for name in left_out):
        yield from undo_checks.idle_undos(model, all_edges)
    # The type of a required name may be the data's.
    if not {"data", "data.type"} & left_out:
        yield from fired_checks.unfit_catches(model, all_edges)


def _fields(model: DefinitionModel, left_out: set[str]) -> Iterator[Finding]:
    declared = None if "data" in left_out else model.data
    yield from field_checks.unfit_values(model)
    if declared is not None:
        yield from field_checks.undeclared_fields(model)
    yield from field_checks.repeated_names(model)
    yield from field_checks.wrong_expressions(model, declared)
    yield from lane_checks.wrong_lane_expressions(model, declared)
    yield from declared_fires.wrong_fire_expressions(model, declared)
    # What could not be read of the file may have declared the name.
    if not {"data", "transitions", "transitions.requires", "transitions.sets"} & left_out:
        yield from payload_checks.misspelt_payload_fields(model)


def _problem(document: Document, finding: Finding) -> Problem:
    mark = document.locate(finding.path, at_key=finding.at_key)
    return Problem(document.file, mark.line, mark.column, finding.message, finding.way_out)
