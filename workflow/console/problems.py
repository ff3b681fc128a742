"""What `workflow check` found."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from workflow.console.effects import plural
from workflow.console.values import printable
from workflow.definition.definition import Definitions
from workflow.definition.webhooks.webhook import Webhooks
from workflow.errors import Problem


def problem_text(problem: Problem) -> Text:
    """Where and what on the first line, the way out beneath it."""
    place = (printable(f"{problem.file}:{problem.line}:{problem.column}:"), "bold")
    text = Text.assemble(place, " ", (printable(problem.message), "red"))
    return text.append(f"\n    {printable(problem.way_out)}") if problem.way_out else text


def problems_summary(problems: Sequence[Problem]) -> Text:
    """`3 problems in 2 files`."""
    files = {problem.file for problem in problems}
    return Text(f"{plural(len(problems), 'problem')} in {plural(len(files), 'file')}", "bold red")


def good_summary(definitions: Definitions, webhooks: Webhooks | None = None) -> Text:
    """`3 definitions, 24 states, 31 transitions, 1 webhook: all good`; webhooks only where there are some."""
    loaded, sources = list(definitions), list(webhooks or ())
    counts = [
        plural(len(loaded), "definition"),
        plural(sum(len(definition.states) for definition in loaded), "state"),
        plural(sum(len(definition.transitions) for definition in loaded), "transition"),
    ]
    if sources:
        counts.append(plural(len(sources), "webhook"))
    return Text.assemble(", ".join(counts), ": ", ("all good", "bold green"))
