"""The history of one entity, told for a person: what happened when, by whom, and what became of its effects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import tzinfo

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from workflow.console.effects import effect_view, hook_width, plural, tally
from workflow.console.entity_history import EntityHistory
from workflow.console.layout import Packed, Trimmed
from workflow.console.times import day, day_and_time, time_of_day
from workflow.console.values import printable, shorten, show_value
from workflow.definition.values import Value
from workflow.engine.events import Event
from workflow.runtime.ports import Violation

_LABEL_WIDTH = 7
_TIME_WIDTH = 8
_WIDEST_TRIGGER = 24


def history_view(history: EntityHistory, zone: tzinfo | None = None) -> RenderableType:
    """The whole history as one renderable, its times in `zone` (None: the zone of this machine)."""
    return Trimmed(_View(history, zone).whole())


def title(history: EntityHistory) -> Text:
    """Kind, id, state and version, as every view of one entity begins."""
    named = Text(printable(f"{history.kind} {history.id}"), "bold")
    if history.entity is None:
        return named.append("  there is no such entity any more; its history remains", "bold red")
    state = (printable(history.entity.state), "bold cyan")
    return Text.assemble(named, "  ", state, f"  version {history.entity.version}")


def standing(history: EntityHistory, zone: tzinfo | None) -> Text:
    """Since when the entity is in its state, under which definition, and where its home is, if it has one."""
    if history.entity is None:
        return Text()
    since = day_and_time(history.entity.changed_at, zone)
    home = f", at home in {history.entity.home}" if history.entity.home else ""
    return Text(printable(f"since {since}, definition version {history.entity.definition}{home}"), "dim")


def violation_texts(violation: Violation) -> tuple[Text, Text]:
    """What was seen of a change made past the framework: the step, and the reason."""
    step = f"{violation.source or '(nothing)'} -> {violation.target or '(nothing)'}"
    return Text(printable(step), "red"), Text(shorten(violation.reason, 400), "red")


class _View:
    def __init__(self, history: EntityHistory, zone: tzinfo | None) -> None:
        self._history, self._zone = history, zone
        last = history.events[-1].version if history.events else 1
        self._version_width = max(2, len(str(last)))
        self._hook_width = hook_width(hook for event in history.events for hook in history.effects(event))
        self._trigger_width = min(_WIDEST_TRIGGER, max((len(event.trigger) for event in history.events), default=0))

    def whole(self) -> RenderableType:
        parts: list[RenderableType] = [title(self._history)]
        if self._history.entity is not None:
            parts.append(standing(self._history, self._zone))
        if self._history.earlier:
            parts.append(Text(f"{plural(self._history.earlier, 'earlier event')} not shown", "dim"))
        return Group(*parts, *self._days(), Text(), self._summary())

    def _days(self) -> Iterator[RenderableType]:
        shown = ""
        for moment in self._in_order():
            heading = day(moment.at, self._zone)
            yield Text()
            if heading != shown:
                yield Text(heading, "bold underline")
                shown = heading
            yield self._violation(moment) if isinstance(moment, Violation) else self._event(moment)

    def _in_order(self) -> Iterator[Event | Violation]:
        """Events by version, violations between them by time; those before the first event shown are left out too."""
        waiting = list(self._history.violations)
        first = True
        for event in self._history.events:
            while waiting and waiting[0].at < event.at:
                violation = waiting.pop(0)
                if not (first and self._history.earlier):
                    yield violation
            first = False
            yield event
        yield from waiting

    def _event(self, event: Event) -> RenderableType:
        head = self._head(str(event.version), event, _edge(event))
        return Group(head, self._indented(Group(self._details(event), *self._effects(event))))

    def _head(self, mark: str, moment: Event | Violation, edge: Text) -> Table:
        named, style = ("violation", "bold red") if isinstance(moment, Violation) else (moment.trigger, "bold")
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=self._version_width, justify="right", style="bold")
        grid.add_column(width=_TIME_WIDTH, style="dim")
        grid.add_column(min_width=self._trigger_width, max_width=_WIDEST_TRIGGER, overflow="fold")
        grid.add_column(overflow="fold")
        grid.add_row(Text(mark, style), time_of_day(moment.at, self._zone), Text(printable(named), style), edge)
        return grid

    def _indented(self, body: RenderableType) -> Padding:
        return Padding(body, (0, 0, 0, self._version_width + 2 + _TIME_WIDTH + 2), expand=False)

    def _details(self, event: Event) -> Table:
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=_LABEL_WIDTH, style="dim")
        grid.add_column()
        changes = self._history.changes_of(event)
        payload = {k: v for k, v in self._history.payload_of(event).items() if k not in changes or changes[k] != v}
        for label, pieces in (("by", _origin(event)), ("payload", _fields(payload)), ("changes", _fields(changes))):
            if pieces:
                grid.add_row(label, Packed(pieces))
        return grid

    def _effects(self, event: Event) -> Iterator[RenderableType]:
        for hook, outcome in self._history.effects(event).items():
            yield effect_view(hook, outcome, self._hook_width)

    def _violation(self, violation: Violation) -> RenderableType:
        step, reason = violation_texts(violation)
        return Group(self._head("!", violation, step), self._indented(Packed([reason])))

    def _summary(self) -> Text:
        effects = tally(outcome for event in self._history.events for outcome in self._history.effects(event).values())
        parts = [plural(len(self._history.events), "event"), f"effects: {effects}" if effects else ""]
        text = Text.assemble(("; ".join(filter(None, parts)), "dim"))
        if self._history.violations:
            text.append("; ").append(plural(len(self._history.violations), "violation"), "bold red")
        return text


def _edge(event: Event) -> Text:
    target = (printable(event.target), "cyan")
    return Text.assemble(printable(event.source), " -> ", target) if event.source else Text.assemble("-> ", target)


def _origin(event: Event) -> list[Text]:
    named = {"": event.by, "request ": event.request_id, "because of ": event.cause}
    return [Text.assemble((name, "dim"), shorten(value, 60)) for name, value in named.items() if value]


def _fields(values: Mapping[str, Value]) -> list[Text]:
    return [
        Text.assemble((f"{printable(name)}: ", "dim"), "cleared" if value is None else show_value(value))
        for name, value in values.items()
    ]
