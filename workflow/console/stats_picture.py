"""What was counted of a kind, as a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workflow.console.stats import lasted
from workflow.console.values import shorten
from workflow.runtime.analytics.stats import HookStats, StateStats, Stats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _PALE, _STRONG, _BAD = "#30343b", "#cfd8e3", "#3b6ea5", "#c0392b"
_ROW_INCHES, _AROUND_INCHES = 0.32, 0.85
_LONGEST_NAME = 24
_TICKS_SECONDS = (0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 6 * 3600, 86400, 7 * 86400, 30 * 86400, 365 * 86400)
_LEAST_SECONDS = 0.001
# Names from a history are anything: `$` would begin a formula.
_SETTINGS: Any = {
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "workflow",
    "font.size": 9,
    "text.color": _INK,
}


def draw_stats(stats: Stats, format: str) -> bytes:
    """The picture as SVG or PNG: how far entities came, how long they stayed, and how often hooks failed.

    The same numbers give the same SVG.
    """
    # Of the extra `analytics`, and slow to import.
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(layout="constrained")
        _draw(figure, stats)
        content = io.BytesIO()
        metadata = {"Date": None, "Creator": None} if format == "svg" else {}
        figure.savefig(content, format=format, dpi=150, metadata=metadata)
    return content.getvalue()


def _draw(figure: Figure, stats: Stats) -> None:
    hooks = [hook for hook in stats.hooks or () if hook.runs]
    heights = [max(len(rows), 1) * _ROW_INCHES + _AROUND_INCHES for rows in (stats.states, hooks) if rows]
    figure.set_size_inches(9, sum(heights) + 0.3)
    figure.suptitle(f"{stats.kind}: {stats.entities:,} entities", x=0.01, ha="left", weight="bold")
    grid = figure.add_gridspec(len(heights), 2, height_ratios=heights)
    _draw_reached(_axes(figure, grid[0, 0], "how many reached the state", [s.state for s in stats.states]), stats)
    stayed = _axes(figure, grid[0, 1], "how long they stayed: half, 90 % and 99 % within", [""] * len(stats.states))
    _draw_stays(stayed, stats.states)
    if hooks:
        _draw_hooks(_axes(figure, grid[1, :], "runs of hooks, and those that failed", [h.hook for h in hooks]), hooks)


def _axes(figure: Figure, place: Any, title: str, names: Sequence[str]) -> Axes:
    axes = figure.add_subplot(place)
    axes.set_title(title, loc="left", fontsize=9)
    labels = [shorten(name, _LONGEST_NAME) for name in names]
    axes.set_yticks(range(len(names)), labels)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(length=0, colors=_INK)
    axes.spines[:].set_visible(False)
    return axes


def _draw_reached(axes: Axes, stats: Stats) -> None:
    axes.barh(range(len(stats.states)), [state.reached for state in stats.states], color=_STRONG, height=0.6)
    for row, state in enumerate(stats.states):
        axes.text(state.reached, row, f"  {state.reached:,} ({stats.share(state):.0%})", va="center")
    axes.set_xlim(0, max(stats.entities, 1) * 1.35)
    axes.set_xticks([])


def _draw_stays(axes: Axes, states: Sequence[StateStats]) -> None:
    axes.set_xscale("log")
    for row, state in enumerate(states):
        if state.p50 is None or state.p90 is None or state.p99 is None:
            continue
        p50, p90, p99 = (max(seconds, _LEAST_SECONDS) for seconds in (state.p50, state.p90, state.p99))
        axes.plot([p50, p99], [row, row], color=_PALE, linewidth=6, solid_capstyle="round")
        axes.plot([p50, p90], [row, row], color=_STRONG, linewidth=6, solid_capstyle="round")
        axes.plot(p50, row, "o", color=_INK, markersize=6)
    times = [max(seconds, _LEAST_SECONDS) for s in states for seconds in (s.p50, s.p99) if seconds is not None]
    least, most = min(times, default=1.0) / 3, max(times, default=1.0) * 3
    ticks = [tick for tick in _TICKS_SECONDS if least <= tick <= most]
    axes.set_xlim(least, most)
    axes.set_xticks(ticks, [lasted(tick) for tick in ticks])
    axes.minorticks_off()
    axes.grid(axis="x", color=_PALE, linewidth=0.5)


def _draw_hooks(axes: Axes, hooks: Sequence[HookStats]) -> None:
    rows = range(len(hooks))
    axes.barh(rows, [hook.runs for hook in hooks], color=_PALE, height=0.6)
    axes.barh(rows, [hook.failed for hook in hooks], color=_BAD, height=0.6)
    for row, hook in enumerate(hooks):
        parked = f", {hook.parked:,} put aside" if hook.parked else ""
        axes.text(hook.runs, row, f"  {hook.runs:,}, failed {hook.failed:,}{parked}", va="center")
    axes.set_xlim(0, max(hook.runs for hook in hooks) * 1.25)
    axes.set_xticks([])
