"""A trace as a picture: a row for each piece, under what led to it, and time to the right."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

from demo.trace.pieces import Piece, in_order, shown

_INK, _PALE, _BAD = "#30343b", "#aab4c0", "#c0392b"
_COLOURS = ("#3b6ea5", "#2e8b6f", "#8a5fa8", "#b8792a", "#5b6770")
_IDLE_SECONDS, _SHOWN_SECONDS = 0.2, 0.08
"""A pause in which nothing is under way is drawn so short once it lasts so long."""
_LEAST_SECONDS = 0.002
_ROW_INCHES = 0.165
_STEP, _LABELS = 0.011, 30
"""So much of the width is a step to the right, and so many steps are for names."""


def draw(trace: Sequence[Piece]) -> bytes:
    """The trace as a PNG: colours are programs, pale ones calls of AWS services, red what failed."""
    # Of the extra `analytics`, and slow to import.
    from matplotlib.figure import Figure

    rows = list(in_order(trace))
    services = list(dict.fromkeys(piece.service for piece in trace))
    names = {piece.name: shown(piece) for piece in trace if piece.sort == "segment"}
    colours = {service: _COLOURS[place % len(_COLOURS)] for place, service in enumerate(services)}
    at, pauses = _timeline(trace)
    whole = at(max(piece.ended for piece in trace))
    step = whole * _STEP
    figure = Figure(figsize=(11, 1 + _ROW_INCHES * len(rows)), layout="constrained")
    axes = figure.subplots()
    for row, (depth, piece) in enumerate(rows):
        began, width = at(piece.began), max(at(piece.ended) - at(piece.began), _LEAST_SECONDS)
        colour = _BAD if piece.is_failed else _PALE if piece.sort == "aws" else colours[piece.service]
        axes.barh(row, width, left=began, height=0.72 if piece.sort == "segment" else 0.5, color=colour)
        axes.text((depth - _LABELS) * step, row, shown(piece), va="center", fontsize=7, color=_ink(piece))
        took = f" {(piece.ended - piece.began) * 1000:.0f} ms"
        axes.text(began + width, row, took, va="center", fontsize=6, color=_BAD if piece.is_failed else _INK)
    for place, seconds in pauses:
        axes.axvline(place, color=_PALE, linestyle=":", linewidth=0.8)
        axes.text(place, -1.2, f"{seconds:.1f} s", ha="center", fontsize=6, color=_INK)
    for service, colour in colours.items():
        axes.barh(0, 0, color=colour, label=names[service])
    axes.barh(0, 0, color=_PALE, label="call of an AWS service")
    axes.barh(0, 0, color=_BAD, label="failed")
    axes.legend(loc="upper right", fontsize=7, frameon=False)
    axes.set_ylim(len(rows), -2)
    axes.set_xlim(-_LABELS * step, whole * 1.05)
    axes.set_axis_off()
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100)
    return file.getvalue()


def _ink(piece: Piece) -> str:
    return _BAD if piece.is_failed else "#7a8490" if piece.sort == "aws" else _INK


def _timeline(trace: Sequence[Piece]) -> tuple[Callable[[float], float], list[tuple[float, float]]]:
    """Where a moment is drawn; and where pauses are, with their seconds."""
    pauses: list[tuple[float, float]] = []
    busy_until = trace[0].began
    for piece in sorted(trace, key=lambda piece: piece.began):
        if piece.began - busy_until > _IDLE_SECONDS:
            pauses.append((busy_until, piece.began))
        busy_until = max(busy_until, piece.ended)

    def at(moment: float) -> float:
        left_out = [min(moment, until) - since - _SHOWN_SECONDS for since, until in pauses if moment >= until]
        return moment - trace[0].began - sum(left_out)

    return at, [(at(since) + _SHOWN_SECONDS / 2, until - since) for since, until in pauses]
