"""One entity as it is now: where it stands, what it holds, where it can go, what is open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workflow.console.effects import effect_view, hook_width
from workflow.console.entity_history import EntityHistory
from workflow.console.history import standing, title, violation_texts
from workflow.console.layout import Packed, Trimmed, columns
from workflow.console.parked import WHY, hook_of
from workflow.console.times import day_and_time
from workflow.console.values import printable, show_value
from workflow.definition.definition import Definition, State, Transition
from workflow.definition.durations import written
from workflow.engine.entity import Entity
from workflow.runtime.lane_view import told_place
from workflow.runtime.reason import command

_LONGEST_VALUE = 1000


def entity_view(history: EntityHistory, entity: Entity, zone: tzinfo | None = None) -> RenderableType:
    """The entity as one renderable, its times in `zone` (None: the zone of this machine)."""
    sections = Table.grid(padding=(0, 2, 0, 0))
    sections.add_column(style="dim", min_width=len("violations"))
    sections.add_column()
    for label, view in _sections(history, entity, zone):
        sections.add_row()
        sections.add_row(label, view)
    return Trimmed(Group(title(history), standing(history, zone), *_aside(history, zone), sections))


def _aside(history: EntityHistory, zone: tzinfo | None) -> Iterator[Text]:
    entry = history.parked
    if entry is None or entry.parked is None:
        return
    hook, parked = hook_of(entry), entry.parked
    at = f" at {hook}" if hook else ""
    following = f"next try {day_and_time(parked.next_at, zone)}" if parked.next_at else "waits for a person"
    told = f"put aside{at}: {WHY[parked.why]}; {following}: {command('explain', entry.kind, entry.entity_id)}"
    yield Text(printable(told), "yellow" if parked.next_at else "bold red")


def _sections(history: EntityHistory, entity: Entity, zone: tzinfo | None) -> Iterator[tuple[str, RenderableType]]:
    data = history.data_of(entity)
    fields = [(Text(printable(name)), _folding(show_value(value, _LONGEST_VALUE))) for name, value in data.items()]
    yield "data", columns(fields) if fields else Text("none", "dim")
    if entity.place is not None:
        since = day_and_time(entity.place.since, zone)
        told = f"{told_place(entity.place)} in {entity.place.at(entity.kind)}, since {since}"
        yield "lane", _folding(printable(told))
    yield "can fire", ways_out(history.definition, entity.state)
    effects = list(history.open_effects())
    if effects:
        width = hook_width(hook for _, hook, _ in effects)
        yield "effects", columns([(f"version {version}", effect_view(h, o, width)) for version, h, o in effects])
    if history.violations:
        yield "violations", columns([(day_and_time(v.at, zone), *violation_texts(v)) for v in history.violations])


def _folding(text: str) -> Packed:
    return Packed([Text(text)])


def ways_out(definition: Definition | None, state: str) -> RenderableType:
    """What can be fired from a state: where it leads, and under which conditions."""
    if definition is None or state not in definition.states:
        return Text("nothing: the definition does not have this state", "red")
    ways = [_way_cells(way) for way in definition.transitions if way.source == state]
    if not ways:
        return Text("nothing: the state is final" if definition.states[state].final else "nothing", "dim")
    return Group(columns(ways), *_timer_lines(definition.states[state]))


def _way_cells(way: Transition) -> tuple[Text, Text, Text]:
    needs = ", ".join(f"{field.name}{' (optional)' if field.optional else ''}" for field in way.requires.values())
    conditions = [f"with {needs}" if needs else "", f"if {way.guard}" if way.guard else ""]
    return (
        Text(way.trigger, "bold"),
        Text(f"-> {way.target}", "cyan"),
        Text(printable("; ".join(filter(None, conditions)))),
    )


def _timer_lines(state: State) -> Iterator[Text]:
    for timer in state.timers:
        yield Text(f"{timer.trigger} fires by itself after {written(timer.after_seconds)} in this state", "dim")
