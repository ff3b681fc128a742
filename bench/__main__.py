"""`python -m bench`: every figure as a table; exit code 1 if one is not reached."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

from bench import accept, client, cold_start, cost, end_to_end, engine, handler, hydrate
from bench.measure import Row


def main() -> int:
    """Measures everything, one figure after another."""
    console = Console(width=150 if not sys.stdout.isatty() else None)
    table = Table("figure", "against", "measured", "goal", "", "best times")
    measured: list[Row] = []
    for part in (engine, handler, cold_start, client, accept, cost, end_to_end, hydrate):
        for row in part.rows():
            measured.append(row)
            table.add_row(
                row.name,
                row.reference,
                f"{row.ratio:,.2f}{row.unit}" if row.unit == "x" else f"{row.ratio:,.0f}{row.unit}",
                "" if row.goal is None else f"{'<=' if row.at_most else '>='} {row.goal:,}{row.unit}",
                "" if row.goal is None else "[green]reached[/]" if row.reached else "[bold red]MISSED[/]",
                row.detail,
            )
    console.print(table)
    goals = [row for row in measured if row.goal is not None]
    missed = [row for row in goals if not row.reached]
    console.print(f"{len(goals) - len(missed)} of {len(goals)} figures reached")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
