"""What the doctor found: for a person, as commands, or as JSON."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workflow.console.effects import plural
from workflow.console.layout import Trimmed
from workflow.console.values import printable
from workflow.runtime.doctor.facts import StackFacts
from workflow.runtime.doctor.finding import Finding, Level
from workflow.runtime.doctor.judge import exit_code, looked_at

LEVELS: Mapping[Level, tuple[str, str]] = {
    Level.LOSING: ("loses work", "bold red"),
    Level.STANDING: ("stands still", "red"),
    Level.EXPOSED: ("exposed", "magenta"),
    Level.BLIND: ("unwatched", "yellow"),
    Level.UNSEEN: ("not seen", "yellow"),
    Level.ADVICE: ("advice", "dim"),
}
_LABEL_WIDTH = len("stands still")


def doctor_view(facts: StackFacts, findings: Sequence[Finding]) -> RenderableType:
    """The findings, the worst first, each with where, why and the way out; then the verdict and what was looked at."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(min_width=_LABEL_WIDTH, no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        label, style = LEVELS[finding.level]
        table.add_row(Text(label, style), Text(printable(finding.what), "bold"))
        table.add_row("", Text(printable(finding.where), "dim"))
        table.add_row("", Text(printable(finding.why)))
        table.add_row("", Text(printable(finding.way_out), "cyan"))
        table.add_row()
    parts: list[RenderableType] = [table] if findings else []
    return Trimmed(Group(*parts, verdict(facts, findings), Text(f"looked at: {'; '.join(looked_at(facts))}", "dim")))


def verdict(facts: StackFacts, findings: Sequence[Finding]) -> Text:
    """`stack shop: healthy`, or what is the matter, in numbers."""
    dangers = sum(finding.is_danger for finding in findings)
    unseen = sum(finding.level is Level.UNSEEN for finding in findings)
    advice = len(findings) - dangers - unseen
    more = [f"{advice} pieces of advice" if advice > 1 else "a piece of advice"] if advice else []
    if unseen:
        more.insert(0, f"{plural(unseen, 'thing')} not looked at")
    if dangers:
        told, style = plural(dangers, "danger"), "bold red"
    elif unseen:
        told, style = "no danger in what could be looked at", "bold yellow"
    else:
        told, style = "healthy", "bold green"
    mend = "; `workflow doctor --fix` tells the commands" if any(one.fix or one.by_hand for one in findings) else ""
    return Text.assemble(f"stack {printable(facts.stack)}: ", (told, style), "".join(f", {one}" for one in more), mend)


def fix_lines(facts: StackFacts, findings: Sequence[Finding]) -> Iterator[str]:
    """A shell script, for that stack, of what anybody may run; what only a person can decide is a comment in it."""
    if not findings:
        yield f"# stack {printable(facts.stack)}: healthy, nothing to mend"
        return
    yield "set -eu"
    yield f"export {_surroundings(facts)}"
    for finding in findings:
        yield f"# {LEVELS[finding.level][0]}: {printable(finding.what)}"
        yield from (printable(command) for command in finding.fix)
        told = finding.by_hand or (() if finding.fix else (finding.way_out,))
        yield from (f"#   {printable(line)}" for line in told)


def _surroundings(facts: StackFacts) -> str:
    """What tells `workflow` the table and where it is: the doctor may have been asked for another stack."""
    where = {"WORKFLOW_TABLE": facts.table_name, "AWS_DEFAULT_REGION": facts.region}
    if facts.endpoint_url:
        where["AWS_ENDPOINT_URL"] = facts.endpoint_url
    return printable(shlex.join(f"{name}={value}" for name, value in where.items()))


def doctor_form(facts: StackFacts, findings: Sequence[Finding]) -> dict[str, Any]:
    """The findings as JSON; `healthy` says the same as the exit code."""
    return {
        "stack": facts.stack,
        "region": facts.region,
        "table": facts.table_name,
        "healthy": exit_code(findings) == 0,
        "looked_at": list(looked_at(facts)),
        "findings": [
            {
                "level": finding.level.name.lower(),
                "danger": finding.is_danger,
                "what": finding.what,
                "where": finding.where,
                "why": finding.why,
                "way_out": finding.way_out,
                "fix": list(finding.fix),
                "by_hand": list(finding.by_hand),
            }
            for finding in findings
        ],
    }
