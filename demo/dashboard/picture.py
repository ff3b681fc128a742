"""Draw the dashboard's definition into docs/dashboard.png: where each widget stands, and what it shows; no values.

python -m demo.dashboard.picture
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from demo.dashboard.definition import COLUMNS, Line, Widget, read_widgets

ROOT = Path(__file__).parents[2]
TEMPLATE, PICTURE = ROOT / "template.yaml", ROOT / "docs" / "dashboard.png"
MARK = "definition"
"""Under this name the file holds `mark_of` of what it shows."""

_COLUMN_INCHES, _ROW_INCHES, _CAPTION_ROWS = 0.54, 0.35, 1.4
_LINES = 4
"""So many lines stand in one column of a widget."""
_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#17becf")
_RED, _TEXT, _FAINT = "#d62728", "#16191f", "#5f6b7a"
_CAPTION = (
    "The dashboard as template.yaml defines it: its widgets, and the metrics of each with their statistic. "
    "A definition, no measurement: no value is shown."
)
_SETTINGS: Any = {"text.parse_math": False, "font.family": "DejaVu Sans", "font.size": 8}


def mark_of(widgets: Sequence[Widget]) -> str:
    """What tells one definition from another."""
    return hashlib.sha256(repr(list(widgets)).encode()).hexdigest()


def draw(widgets: Sequence[Widget], file: Path) -> None:
    """Draws the widgets into a PNG, the same bytes for the same widgets."""
    rows = max(widget.y + widget.height for widget in widgets) + _CAPTION_ROWS
    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(COLUMNS * _COLUMN_INCHES, rows * _ROW_INCHES), facecolor="white")
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set(xlim=(0, COLUMNS), ylim=(rows, 0))
        axes.axis("off")
        for widget in widgets:
            _draw_widget(axes, widget)
        axes.text(0.3, rows - _CAPTION_ROWS / 2, _CAPTION, color=_FAINT, style="italic", va="center")
        drawn = io.BytesIO()
        figure.savefig(drawn, dpi=90)
    mark = PngInfo()
    mark.add_text(MARK, mark_of(widgets))
    # A few colours are enough, and a third of the bytes.
    Image.open(drawn).convert("RGB").quantize(128, Image.Quantize.MAXCOVERAGE).save(
        file, "PNG", optimize=True, pnginfo=mark
    )


def _draw_widget(axes: Axes, widget: Widget) -> None:
    corner = (widget.x + 0.12, widget.y + 0.12)
    size = (widget.width - 0.24, widget.height - 0.24)
    axes.add_patch(FancyBboxPatch(corner, *size, boxstyle="round,pad=0,rounding_size=0.12", fc="#fafafa", ec="#c6ccd2"))
    axes.text(widget.x + 0.35, widget.y + 0.6, widget.title, color=_TEXT, weight="bold", va="center")
    if widget.kind == "alarm":
        _draw_alarms(axes, widget)
        return
    for number, line in enumerate(widget.lines):
        assert isinstance(line, Line)
        _draw_line(axes, widget, number, line)


def _draw_line(axes: Axes, widget: Widget, number: int, line: Line) -> None:
    column, row = divmod(number, _LINES)
    x, y = widget.x + 0.4 + column * (widget.width - 0.4) / 2, widget.y + 1.45 + row * 1.12
    axes.add_patch(Rectangle((x, y - 0.08), 0.3, 0.16, color=line.colour or _COLOURS[number % len(_COLOURS)]))
    axes.text(x + 0.42, y, line.label, color=_TEXT, va="center")
    by = f", by {', '.join(line.dimensions)}" if len(widget.lines) <= _LINES else ""
    source = f"{line.namespace} {line.metric}, {line.statistic}{by}"
    axes.text(x + 0.42, y + 0.46, source, color=_FAINT, va="center", size=5.5)


def _draw_alarms(axes: Axes, widget: Widget) -> None:
    in_a_row = 6
    width = (widget.width - 0.6) / in_a_row
    for number, alarm in enumerate(widget.lines):
        row, column = divmod(number, in_a_row)
        x, y = widget.x + 0.35 + column * width, widget.y + 1.45 + row * 0.9
        axes.add_patch(Rectangle((x, y - 0.3), width - 0.15, 0.6, fc="white", ec=_RED, lw=0.6))
        axes.text(x + 0.15, y, str(alarm).removesuffix("Alarm"), color=_TEXT, va="center", size=7)


if __name__ == "__main__":
    draw(read_widgets(TEMPLATE), PICTURE)
