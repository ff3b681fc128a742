"""The lanes as a picture: who waited, who ran, when, in each repository; an SVG that a page shows as it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from html import escape

from demo.ci.facts import Histories, Span

WIDTH, _NAMES, _RIGHT = 900, 190, 90
_ROW, _BAR, _HEAD, _GAP = 22, 12, 40, 18
# One text colour that can be read on white and on black alike; bars likewise.
_TEXT = "#6e7781"
_COLOURS = {"passed": "#2da44e", "failed": "#e5534b", "timed_out": "#d4792a", "cancelled": "#8b7fd6"}
_WAITING = "#9aa4af"


def picture(histories: Histories) -> str:
    """The SVG; it shows nothing but what the histories hold."""
    return _Picture(histories).svg()


class _Picture:
    def __init__(self, histories: Histories) -> None:
        self._histories = histories
        spans = [span for job in histories.jobs for span in histories.spans(job)]
        self._begin, self._end = min(span.since for span in spans), max(span.until for span in spans)
        self._seconds = max((self._end - self._begin).total_seconds(), 1.0)

    def svg(self) -> str:
        body, height = [], float(_HEAD)
        for repository in self._histories.repositories:
            jobs = [job for job, name in self._histories.repository_of.items() if name == repository]
            body.append(_text(0, height + 4, repository, weight="bold"))
            height += _ROW
            for job in jobs:
                body += self._row(job, height)
                height += _ROW
            height += _GAP
        lines = [*self._legend(), *self._axis(height), *body]
        title = "Lanes: who waited and who ran, per repository"
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height + 24:.0f}" width="{WIDTH}" '
                f'font-family="ui-sans-serif, system-ui, sans-serif" font-size="12" role="img" aria-label="{title}">',
                f"<title>{title}</title>",
                *lines,
                "</svg>",
                "",
            ]
        )

    def _x(self, at: datetime) -> float:
        share = (at - self._begin).total_seconds() / self._seconds
        return _NAMES + share * (WIDTH - _NAMES - _RIGHT)

    def _row(self, job: str, top: float) -> Iterator[str]:
        branch = str(self._histories.jobs[job][0].payload["branch"])
        yield _text(12, top + 4, f"{job.rpartition('/')[2]}  {branch}")
        spans = self._histories.spans(job)
        for span in spans:
            if span.state in ("pending", "active"):
                yield self._bar(span, top)
        last = spans[-1]
        yield _text(self._x(last.since) + 6, top + 4, last.state.replace("_", " "), colour=_COLOURS[last.state])

    def _bar(self, span: Span, top: float) -> str:
        x, width = self._x(span.since), max(self._x(span.until) - self._x(span.since), 1.5)
        running = span.state == "active"
        height, colour = (_BAR, _COLOURS[span.ended]) if running else (_BAR / 3, _WAITING)
        seconds = (span.until - span.since).total_seconds()
        what = f"{'ran' if running else 'waited'} {seconds:.1f} s, then {span.ended.replace('_', ' ')}"
        return (
            f'<rect x="{x:.1f}" y="{top - height / 2:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2" '
            f'fill="{colour}"><title>{escape(f"{span.job}, attempt {span.attempt}: {what}")}</title></rect>'
        )

    def _legend(self) -> Iterator[str]:
        yield f'<rect x="0" y="8" width="24" height="4" rx="2" fill="{_WAITING}"/>'
        yield _text(30, 14, "waits")
        x = 80
        for state, colour in _COLOURS.items():
            yield f'<rect x="{x}" y="4" width="24" height="{_BAR}" rx="2" fill="{colour}"/>'
            words = f"runs, then {state.replace('_', ' ')}"
            yield _text(x + 30, 14, words)
            x += 44 + 7 * len(words)

    def _axis(self, bottom: float) -> Iterator[str]:
        step = next(step for step in (1, 2, 5, 10, 30, 60, 300) if self._seconds / step <= 12 or step == 300)
        for second in range(0, int(self._seconds) + 1, step):
            x = _NAMES + second / self._seconds * (WIDTH - _NAMES - _RIGHT)
            yield (
                f'<line x1="{x:.1f}" y1="{_HEAD - 10}" x2="{x:.1f}" y2="{bottom:.0f}" stroke="{_TEXT}" '
                f'stroke-opacity="0.25"/>'
            )
            yield _text(x, bottom + 14, f"{second} s", anchor="middle")


def _text(x: float, y: float, words: str, *, weight: str = "", anchor: str = "", colour: str = _TEXT) -> str:
    more = (f' font-weight="{weight}"' if weight else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}"{more}>{escape(words)}</text>'
