"""Whether the sweeper comes every minute, and the stream is kept up with. Pure."""

from __future__ import annotations

from datetime import timedelta

from workflow.runtime.doctor.facts import FunctionFacts, RecentFacts, ScheduleFacts, StackFacts
from workflow.runtime.doctor.finding import Finding, Findings, Level, aws
from workflow.runtime.reason import span

LATE = timedelta(minutes=5)
BEHIND_MS = 60_000
_NEARLY_LOST_MS = 12 * 3600 * 1000
_CONSEQUENCES = {
    "stream": "what the stream brought comes again",
    "sweep": "what it left waits for the next minute's",
    "webhook": "senders are told that it failed, and a delivery is lost if its sender does not repeat it",
    "api": "callers are told that it failed, and ask again, safely with the same request id",
}
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
    settings = [word for setting in schedule.settings for word in setting]
    fix = aws(facts, "scheduler", "update-schedule", *settings, "--state", "ENABLED")
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
    """Whether the functions keep up with what comes, unthrottled and unharmed."""
    if facts.recent is None:
        return
    yield from _behind(facts, facts.recent)
    for name, count in sorted(facts.recent.throttles.items()):
        yield from _failing(
            *(facts, facts.recent, name, count, facts.recent.invocations.get(name, 0) + count),
            "was throttled",
            "the account's concurrency, or what is reserved for it, is used up",
            "raise the quota of concurrent executions, or reserve some for it",
        )
    for name, count in sorted(facts.recent.errors.items()):
        yield from _failing(
            *(facts, facts.recent, name, count, facts.recent.invocations.get(name, 0)),
            *("failed", "a process died, or a setting is wrong", "see its log"),
        )


def _behind(facts: StackFacts, recent: RecentFacts) -> Findings:
    function = facts.find_function("stream")
    if function is None or recent.age_ms is None or recent.age_ms <= BEHIND_MS:
        return
    nearly = recent.age_ms > _NEARLY_LOST_MS
    yield Finding(
        Level.LOSING if nearly else Level.STANDING,
        f"the oldest record waits for {span(timedelta(milliseconds=recent.age_ms))}",
        f"function {function.name}",
        "records live for 24 hours, and are given up before" if nearly else "hooks run that much later",
        "see its throttles and its log; more at once: StreamParallelizationFactor, StreamBatchSize",
    )


def _failing(
    facts: StackFacts, recent: RecentFacts, name: str, count: int, tried: int, what: str, why: str, way_out: str
) -> Findings:
    if not count:
        return
    role = next((function.role for function in facts.functions if function.name == name), "")
    times = f"{count} of {tried} times" if tried > count else f"{count} {'time' if count == 1 else 'times'}"
    consequence = f"; {_CONSEQUENCES[role]}" if role in _CONSEQUENCES else ""
    yield Finding(
        # One may be a process that died; it stands still where nearly nothing else happens.
        Level.STANDING if count > 1 and 2 * count >= tried else Level.ADVICE,
        f"it {what} {times} in the last {recent.minutes} minutes",
        f"function {name}",
        f"{why}{consequence}",
        way_out,
    )
