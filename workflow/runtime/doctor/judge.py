"""Judge: facts of a stack in, what is wrong with it out, the most dangerous first. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from workflow.runtime.doctor import (
    alarm_checks,
    batch_checks,
    entity_checks,
    function_checks,
    mapping_checks,
    stream_checks,
    sweep_checks,
    table_checks,
)
from workflow.runtime.doctor.facts import StackFacts
from workflow.runtime.doctor.finding import Check, Finding, Findings, Level


def unseen(facts: StackFacts) -> Findings:
    """What could not be looked at: nobody knows whether it is well."""
    for one in facts.unseen:
        yield Finding(
            Level.UNSEEN,
            f"not looked at: {one.what}",
            f"needs {one.needs}" if one.needs else f"stack {facts.stack}",
            one.why,
            f"allow it to whoever calls the doctor: {one.needs}" if one.needs else "ask again",
        )


# Of the same level, the first is the most dangerous.
CHECKS: tuple[Check, ...] = (
    stream_checks.has_stream,
    mapping_checks.has_mapping,
    entity_checks.lost,
    table_checks.is_there,
    function_checks.are_there,
    function_checks.can_run,
    sweep_checks.keeps_up,
    sweep_checks.has_schedule,
    sweep_checks.sweeps,
    table_checks.indexes,
    entity_checks.unknown,
    entity_checks.parked,
    function_checks.package_fits,
    alarm_checks.ringing,
    batch_checks.settings,
    stream_checks.stream_view,
    table_checks.safety,
    function_checks.same_code,
    entity_checks.differing,
    alarm_checks.missing,
    alarm_checks.silenced,
    unseen,
    table_checks.costs,
    table_checks.read_models,
    function_checks.logs,
)


def judge(facts: StackFacts) -> Sequence[Finding]:
    """Everything that is wrong with the stack, the most dangerous first."""
    found = [finding for check in CHECKS for finding in check(facts)]
    return sorted(found, key=lambda finding: finding.level)


def looked_at(facts: StackFacts) -> Sequence[str]:
    """What was looked at, in words; without what could not be."""
    table, recent, entities = facts.table, facts.recent, facts.entities
    roles = ", ".join(function.role for function in facts.functions)
    told = (
        (table, f"the table {facts.table_name}, its stream and {len(table.indexes) if table else 0} indexes"),
        (facts.mappings, f"{len(facts.mappings or ())} mapping of its stream"),
        (facts.functions or None, f"{len(facts.functions)} functions: {roles}"),
        (facts.codes, "the definitions in their packages"),
        (facts.schedules, "the sweeper's schedule"),
        (facts.alarms, f"{len(alarm_checks.of_the_stack(facts))} alarms"),
        (recent, f"what CloudWatch counted in the last {recent.minutes if recent else 0} minutes"),
        (facts.parked, "what is put aside"),
        (
            entities,
            f"{entities.looked_at if entities else 0:,} of about {entities.about if entities else 0:,} entities",
        ),
        (facts.lost, "the bucket of lost records"),
        (facts.local, "this project's definitions"),
    )
    return [what for found, what in told if found is not None]


def exit_code(findings: Sequence[Finding]) -> int:
    """0 if the stack is healthy, 1 if there is a danger, 2 if there is none among what could be looked at."""
    if any(finding.is_danger for finding in findings):
        return 1
    return 2 if any(finding.level is Level.UNSEEN for finding in findings) else 0
