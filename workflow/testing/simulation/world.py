"""One world: a table, a stream, a clock, and everybody who acts, put together anew for each schedule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from workflow.definition.definition import UNDO, Definition, HookUse
from workflow.definition.undo_names import undone_effect
from workflow.engine.events import Event
from workflow.errors import Retryable
from workflow.runtime.ports import Ledger, Store
from workflow.runtime.reconcile import Reconciler
from workflow.runtime.runtime import Runtime
from workflow.runtime.sweep import Sweeper
from workflow.testing.simulation.clock import VirtualClock
from workflow.testing.simulation.crowd import draw_entities, is_crowded
from workflow.testing.simulation.fate import Fate, Odds
from workflow.testing.simulation.fated_ledger import FatedLedger
from workflow.testing.simulation.fated_store import FatedStore
from workflow.testing.simulation.hooks import SimulatedHooks
from workflow.testing.simulation.lane_rush import Rush
from workflow.testing.simulation.lane_watch import LaneWatch
from workflow.testing.simulation.log import Key, Log
from workflow.testing.simulation.profile import FAULTS, draw_profile
from workflow.testing.simulation.publisher import SimulatedPublisher
from workflow.testing.simulation.scenario import Scenario
from workflow.testing.simulation.scheduler import Actor, Scheduler, current, find_current
from workflow.testing.simulation.story import Story
from workflow.testing.simulation.stream import LIMIT_SECONDS, Stream
from workflow.testing.simulation.table import Table

_MAY_LAST = ("request lost", "response lost", "throttled")
_OF_A_START = frozenset({"lane", "find_entity", "find_request", "events", "commit", "watch_lane"})
"""What somebody does who starts who is next in a lane."""

_OUTAGES = (7, 3, 12, 40)
"""How many calls of one actor in a row are not answered; after seven, the eighth and last attempt of a transaction has
failed, and a look whether it was written is answered again."""


class World:
    """What all actors of one schedule share."""

    def __init__(self, scenario: Scenario, fate: Fate, story: Story, plan: Mapping[int, str] | None = None) -> None:
        self.scenario, self.fate, self.story, self.plan = scenario, fate, story, plan
        self.log = Log()
        self.points = 0
        self.places: list[str] = []
        self.scheduler = Scheduler(fate)
        self.profile = draw_profile(fate, scenario.views)
        self.is_crowded = is_crowded(scenario, fate)
        self.entities = draw_entities(scenario, fate, self.profile, crowded=self.is_crowded)
        self.table = self.open_table()
        self.is_mended = self.is_trimmed = False
        self.running: dict[Key, list[Actor]] = {}
        self.lanes_by_hand = self.is_crowded and fate.choose(4) == 3
        self.rush = Rush(self)
        self._poison: dict[tuple[str, str, str], bool] = {}
        self._commands = self._requests = self._sweeps = 0
        self.runtime = Runtime(
            scenario.definitions,
            SimulatedHooks(self, scenario.definitions, scenario.own),
            *self.open_ports(),
            VirtualClock(self.scheduler),
            self.profile.max_depth,
            scenario.machines,
            publisher=SimulatedPublisher(self, scenario.publisher),
        )
        self.stream = Stream(self)
        self.lane_watch: LaneWatch | None = None
        if scenario.lanes and isinstance(self.runtime.store, FatedStore):
            self.lane_watch = self.table.lane_watch = LaneWatch(self)

    def open_table(self) -> Table:
        """Where everything is kept; another world may keep it on a real engine."""
        return Table(self.scheduler, self.log)

    def open_ports(self) -> tuple[Store, Ledger]:
        """The table as all actors reach it, with a bad network before it."""
        return FatedStore(self), FatedLedger(self)

    def arrive(self, odds: Odds, what: str, subject: Sequence[object]) -> str:
        """The actor is about to do an I/O: others may go on first; then, which fault it meets, '' for none."""
        actor = current()
        if actor.crashed:
            self.scheduler.pause()
        if actor.late and not actor.outage and self.fate.choose(2):
            # What it sent and gave up waiting for arrives just when it gets through again.
            while actor.late:
                actor.late.pop().wakes_at = self.scheduler.now
            self.scheduler.sleep(1)
        self.scheduler.pause()
        self.points += 1
        if self.lane_watch and what not in _OF_A_START:
            self.lane_watch.schedulers.at_work.discard(actor)
        if self.plan is None:
            fault = self._fault(actor, odds)
        else:
            fault = self.plan.get(self.points, "")
            self.places.append(f"{actor.name}: {what}")
        if fault:
            self.fault(fault)
        if self.story.telling:
            told = " ".join(str(part) for part in subject if part != "")
            self.tell(f"{what} {told}" + (f"  ** {fault} **" if fault else ""))
        return fault

    def _fault(self, actor: Actor, odds: Odds) -> str:
        if actor.outage and not self.fate.calm:
            actor.outage -= 1
            return "throttled"
        fault = FAULTS[self.fate.weighted(odds)]
        if fault in _MAY_LAST and self.fate.happens(self.profile.outage_one_in):
            # What is not answered once is often not answered for a while.
            self.fault("outage")
            actor.outage = _OUTAGES[self.fate.choose(len(_OUTAGES))]
        return fault

    def send_late(self, what: str, arrive: Callable[[], object]) -> None:
        """The actor's request is on its way for long; the network is bad, and what follows is lost for a while."""
        actor = current()
        actor.late.append(self.scheduler.spawn(f"late {what}", arrive))
        if self.plan is None:
            actor.outage = (0, _OUTAGES[0], _OUTAGES[0], _OUTAGES[-1])[self.fate.choose(4)]

    def fault(self, name: str) -> None:
        """Counts a fault that happened."""
        self.log.faults[name] += 1

    def crash(self, where: str) -> None:
        """Ends the actor that acts."""
        self.tell(f"crashes {where}")
        self.scheduler.crash(current())

    def tell(self, text: str) -> None:
        """Adds to the story what the present actor does."""
        actor = find_current()
        if self.story.telling and actor is not None and not actor.crashed:
            self.story.tell(self.scheduler.now, actor.name, text)

    def tell_of(self, who: str, text: str) -> None:
        """Adds to the story what nobody who acts does."""
        self.story.tell(self.scheduler.now, who, text)

    def definition(self, kind: str) -> Definition:
        """The definition in force."""
        return self.runtime.get_definition(kind)

    def owed(self, event: Event) -> tuple[str, ...]:
        """The effects that the event owes, in order; none if nothing declares it. In the place of UNDO are those that
        the ledger has; whether they are the right ones is another question."""
        owed = self._edge(event)
        entry = self.table.ledger.find(event.kind, event.entity_id, event.version) if UNDO in owed else None
        if entry is None:
            return owed
        at, undos = owed.index(UNDO), (name for name in entry.outcomes if undone_effect(name)[1])
        return (*owed[:at], *undos, *owed[at + 1 :])

    def uses(self, event: Event) -> tuple[HookUse, ...]:
        """How the event's definition asks for each of its hooks, in order; none if nothing declares it."""
        definition = self.scenario.definitions.find(event.kind, event.definition)
        uses = definition.uses.get((event.trigger, event.source, event.target), ()) if definition else ()
        return tuple(use for use in uses if use.hook != UNDO)

    def compensates(self, event: Event) -> bool:
        """Whether the event undoes what was done before."""
        return UNDO in self._edge(event)

    def _edge(self, event: Event) -> tuple[str, ...]:
        definition = self.scenario.definitions.find(event.kind, event.definition)
        return definition.edges.get((event.trigger, event.source, event.target), ()) if definition else ()

    def use(self, event: Event, effect: str) -> HookUse:
        """How the event's definition asks for the effect, or for the hook that undoes another."""
        version, undone = undone_effect(effect)
        if not undone:
            return next(use for use in self.uses(event) if use.hook == effect)
        earlier = self.table.event((event.kind, event.entity_id), version)
        undo = self.use(earlier, undone).undo if earlier else None
        return undo or HookUse(effect)

    def is_poisoned(self, kind: str, entity_id: str, hook: str) -> bool:
        """Whether the hook fails for this entity until it is mended."""
        if self.is_mended:
            return False
        key = (kind, entity_id, hook)
        if key not in self._poison:
            self._poison[key] = self.fate.happens(self.profile.poison_one_in)
            if self._poison[key]:
                self.fault("poisoned hook")
        return self._poison[key]

    def next_command(self) -> int:
        """The number of the next command."""
        self._commands += 1
        return self._commands

    def next_request(self) -> int:
        """The number of the next request id."""
        self._requests += 1
        return self._requests

    def start_sweep(self) -> None:
        """One invocation of the sweeper."""
        self._sweeps += 1

        def sweep() -> None:
            self.tell("begins")
            until = self.runtime.clock.now() + timedelta(seconds=LIMIT_SECONDS)
            try:
                Sweeper(self.runtime, workers=1).sweep(until=until)
            except Retryable as error:
                self.tell(f"ends with {error}")

        self.scheduler.spawn(
            f"sweeper {self._sweeps}", sweep, skew=self.skew_of(self._sweeps), limit_seconds=LIMIT_SECONDS
        )

    def skew_of(self, machine: int) -> int:
        """By how much the clock of a machine is wrong, in microseconds; once it is calm, none is."""
        skews = self.profile.skews
        return 0 if self.fate.calm else skews[machine % len(skews)]

    def start_reconcile(self) -> None:
        """One run of reconcile."""

        def reconcile() -> None:
            found = Reconciler(self.runtime, self.table.records).reconcile(workers=1)
            self.tell(f"restored {', '.join(found.restored) or 'nothing'}")

        self.scheduler.spawn("reconcile", reconcile)

    def trim(self) -> None:
        """The stream loses what it holds."""
        lost = self.stream.trim()
        self.is_trimmed = self.is_trimmed or lost > 0
        if lost:
            self.fault("stream trimmed")
        self.tell(f"the stream loses {lost} records")
