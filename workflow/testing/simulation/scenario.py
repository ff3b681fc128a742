"""What is simulated: definitions and hooks, prepared once for many schedules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from workflow.definition.definition import Definition, Definitions
from workflow.engine.machine import Machine
from workflow.runtime.hooks import Hooks
from workflow.runtime.publish.port import Publisher
from workflow.runtime.records import EntityRecords
from workflow.testing.simulation.clients import Command


@dataclass(frozen=True)
class Scenario:
    """Definitions with the user's hooks (None: stand-ins), and what the clients do (None: as fate has it): one list
    of commands for each client.

    `batches` says of stand-ins that take several effects at once how many. `views` are those that the stream may have;
    without any it shows all.
    `publisher` is the user's, who gets what is published, fate permitting. `before_each` and `check` are the user's,
    called before and after each schedule, and so is `check_records`, which is given all that is kept of the
    entities that nobody changed by hand; `in_threads` collects the names of hooks that used their effect in a thread.
    """

    definitions: Definitions
    own: Hooks | None = None
    scripts: Sequence[Sequence[Command]] | None = None
    before_each: Callable[[], object] | None = None
    check: Callable[[], None] | None = None
    check_records: Callable[[Sequence[EntityRecords]], None] | None = None
    publisher: Publisher | None = None
    batches: Mapping[str, int] = field(default_factory=dict)
    views: Sequence[str] = ()
    machines: dict[tuple[str, int], Machine] = field(default_factory=dict)
    in_threads: list[str] = field(default_factory=list)

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The kinds there are."""
        return self.definitions.kinds

    @cached_property
    def triggers(self) -> dict[str, tuple[str, ...]]:
        """Every trigger of each kind."""
        return {d.kind: tuple(dict.fromkeys(t.trigger for t in d.transitions)) for d in self._in_force()}

    @cached_property
    def lanes(self) -> tuple[tuple[str, str], ...]:
        """Kind and name of every lane."""
        return tuple((d.kind, name) for d in self._in_force() for name in d.lanes)

    @cached_property
    def hooks(self) -> tuple[str, ...]:
        """The names of all hooks."""
        return tuple(dict.fromkeys(name for d in self._in_force() for name in sorted(d.hooks))) or ("none",)

    @cached_property
    def then(self) -> dict[str, str]:
        """The trigger that follows a hook, where one does."""
        return {use.hook: use.then for d in self._in_force() for uses in d.uses.values() for use in uses if use.then}

    @cached_property
    def caught(self) -> dict[str, tuple[str, ...]]:
        """The names of errors that are caught of a hook."""
        return {
            use.hook: tuple(use.catch)
            for d in self._in_force()
            for uses in d.uses.values()
            for use in uses
            if use.catch
        }

    def _in_force(self) -> list[Definition]:
        return [d for kind in self.kinds if (d := self.definitions.find(kind))]
