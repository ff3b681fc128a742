"""Arranging text in the width there is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

_GAP = "  "
_MOST_LINES = 4


class Packed:
    """Pieces of text side by side, as many as the width takes; one that is wider gets lines of its own, cut at four."""

    def __init__(self, pieces: Iterable[Text]) -> None:
        # A text that is rendered line by line keeps only the styles of its parts.
        self._pieces = tuple(Text.assemble(piece) for piece in pieces)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self._lines(console, options.max_width):
            yield from line.render(console)
            yield Segment.line()

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> object:
        from rich.measure import Measurement

        width = sum(piece.cell_len + len(_GAP) for piece in self._pieces) - len(_GAP)
        return Measurement(min(8, options.max_width), max(min(width, options.max_width), 1))

    def _lines(self, console: Console, width: int) -> Iterator[Text]:
        line = Text()
        for piece in self._pieces:
            if line and line.cell_len + len(_GAP) + piece.cell_len > width:
                yield line
                line = Text()
            if piece.cell_len > width:
                yield from folded(console, piece, width)
                continue
            line = Text.assemble(line, _GAP, piece) if line else piece
        if line:
            yield line


class OneLine:
    """A text on one line, cut where the width ends; it makes room for its neighbours."""

    def __init__(self, text: Text, least: int = 12) -> None:
        self._text, self._least = text, least

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        line = self._text.copy()
        line.truncate(options.max_width, overflow="ellipsis")
        yield line

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> object:
        from rich.measure import Measurement

        width = max(1, self._text.cell_len)
        return Measurement(min(self._least, width, options.max_width), min(width, options.max_width))


def folded(console: Console, text: Text, width: int, most: int = _MOST_LINES) -> list[Text]:
    """The text in lines of that width, at most so many; the last one then ends with an ellipsis."""
    lines: list[Text] = list(text.wrap(console, width, overflow="fold"))
    if len(lines) > most:
        lines = lines[:most]
        lines[-1].truncate(max(width - 1, 0))
        lines[-1].append("…")
    return lines


class Trimmed:
    """A renderable without the blanks that fill its lines up: in a file or a mail they are only in the way."""

    def __init__(self, inner: RenderableType) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in console.render_lines(self._inner, options, pad=False):
            while line and not line[-1].text.strip():
                line.pop()
            if line:
                yield from line[:-1]
                yield Segment(line[-1].text.rstrip(), line[-1].style)
            yield Segment.line()


def columns(rows: Sequence[Sequence[object]], *, right: Iterable[int] = ()) -> Table:
    """Rows of texts or renderables in columns two spaces apart; those in `right` are aligned right, the last folds."""
    table = Table.grid(padding=(0, 2, 0, 0))
    count = len(rows[0]) if rows else 0
    for index in range(count):
        last = index == count - 1
        table.add_column(justify="right" if index in right else "left", no_wrap=not last, overflow="fold")
    for row in rows:
        table.add_row(*row)  # type: ignore[arg-type]
    return table
