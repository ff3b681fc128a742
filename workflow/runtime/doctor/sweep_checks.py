"""Whether the sweeper comes every minute, and the stream is kept up with. Pure."""

from __future__ import annotations

from datetime import timedelta

from workflow.runtime.doctor.facts import FunctionFacts, ScheduleFacts, StackFacts
from workflow.runtime.doctor.finding import Finding, Findings, Level, aws
from workflow.runtime.explain import span

LATE = timedelta(minutes=5)
_BEHIND_MS = 60_000
_NEARLY_LOST_MS = 12 * 3600 * 1000
_STANDS = "no timer fires, and nothing that was put aside goes on, be it redriven or not"


def has_schedule(facts: StackFacts) -> Findings:
    """Whether a schedule that is switched on wakes the sweeper."""
    function = facts.find_function("sweep")
    if facts.schedules is None or function is None:
        return
    if not facts.schedules:
        yield Finding(
            Level.STANDING,
            "no schedule wakes the sweeper",
            f"function {function.name}",
            _STANDS,
            "deploy again; CloudFormation makes a schedule anew only when its description changes",
        )
    elif not any(schedule.state == "ENABLED" for schedule in facts.schedules):
        yield from (_switched_off(facts, schedule) for schedule in facts.schedules)


def _switched_off(facts: StackFacts, schedule: ScheduleFacts) -> Finding:
    fix = aws(
        facts,
        *("scheduler", "update-schedule", "--name", schedule.name, "--group-name", schedule.group),
        *("--schedule-expression", schedule.expression, "--flexible-time-window", schedule.window_json),
        *("--target", schedule.target_json, "--state", "ENABLED"),
    )
    what = f"the schedule is {schedule.state}"
    return Finding(Level.STANDING, what, f"schedule {schedule.name}", _STANDS, "switch it on", (fix,))


def sweeps(facts: StackFacts) -> Findings:
    """Whether the sweeper has come of late, and takes up what is due."""
    function = facts.find_function("sweep")
    if function is None:
        return
    if facts.overdue_since is not None and facts.overdue_since < facts.now - LATE:
        yield Finding(
            Level.STANDING,
            f"what is due since {span(facts.now - facts.overdue_since)} was not taken up",
            f"function {function.name}",
            "the sweeper does not come, fails, or is far behind: timers and retries stand still",
            f"see its log: {function.log}",
            (aws(facts, "logs", "tail", function.log, "--since", "15m"),),
        )
    elif facts.recent is not None and facts.recent.sweeps == 0 and _is_settled(facts, function):
        yield Finding(
            Level.STANDING,
            f"the sweeper has not come for {facts.recent.minutes} minutes",
            f"function {function.name}",
            _STANDS,
            "see its schedule, and the role by which that invokes it",
        )


def _is_settled(facts: StackFacts, function: FunctionFacts) -> bool:
    minutes = timedelta(minutes=facts.recent.minutes if facts.recent else 0)
    return function.changed_at is not None and function.changed_at < facts.now - minutes


def keeps_up(facts: StackFacts) -> Findings:
    """Whether the function keeps up with the stream, unthrottled and unharmed."""
    recent, function = facts.recent, facts.find_function("stream")
    if recent is None or function is None:
        return
    where = f"function {function.name}"
    if recent.age_ms is not None and recent.age_ms > _BEHIND_MS:
        nearly = recent.age_ms > _NEARLY_LOST_MS
        yield Finding(
            Level.LOSING if nearly else Level.STANDING,
            f"the oldest record waits for {span(timedelta(milliseconds=recent.age_ms))}",
            where,
            "records live for 24 hours, and are given up before" if nearly else "hooks run that much later",
            "see its throttles and its log; more at once: StreamParallelizationFactor, StreamBatchSize",
        )
    for name, count in sorted(recent.throttles.items()):
        if count:
            yield Finding(
                Level.STANDING,
                f"it was throttled {count} times in the last {recent.minutes} minutes",
                f"function {name}",
                "the account's concurrency, or what is reserved for it, is used up",
                "raise the quota of concurrent executions, or reserve some for it",
            )
    for name, count in sorted(recent.errors.items()):
        if count:
            yield Finding(
                Level.STANDING,
                f"it failed {count} times in the last {recent.minutes} minutes",
                f"function {name}",
                "a process died, or a setting is wrong; what the stream brought comes again",
                "see its log",
            )
