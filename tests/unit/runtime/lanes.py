"""Jobs in a lane in memory, delivered when a test wants it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from tests.fakes.clock import FakeClock
from tests.fakes.stores import FaultyStore
from tests.samples import definitions
from workflow import Workflow
from workflow.definition.definition import Definition, Field, Guard, Lane, State, Transition
from workflow.engine.place import LaneKey, Place
from workflow.operations import Operations
from workflow.runtime.hooks import Handlers
from workflow.testing import MemoryDelivery

BUILD = Lane("build", "pending", "active", "start", by="data.repository", first="data.priority")
JOB = Definition(
    kind="job",
    version=1,
    initial="pending",
    data={
        "repository": Field("repository", "string", optional=True),
        "priority": Field("priority", "integer", default=0),
        "ready": Field("ready", "boolean", default=True),
    },
    states={
        "pending": State("pending"),
        "active": State("active"),
        "held": State("held"),
        "passed": State("passed", final=True),
    },
    transitions=(
        Transition("start", "pending", "active", guard=Guard("data.ready")),
        Transition("pass", "active", "passed"),
        Transition("hold", "pending", "held"),
        Transition("let_go", "held", "pending"),
    ),
    lanes={"build": BUILD},
)
LANE = LaneKey("job", "build", "acme/api")


def limited(**lane: object) -> Definition:
    """The jobs with another lane."""
    return replace(JOB, lanes={"build": replace(BUILD, **lane)})  # type: ignore[arg-type]


@dataclass
class Builds:
    """One application with jobs, each of the repository `acme/api` unless a test says so."""

    definition: Definition = JOB
    handlers: Handlers = ()
    clock: FakeClock = field(default_factory=FakeClock)
    store: FaultyStore = field(default_factory=FaultyStore)

    def __post_init__(self) -> None:
        self.flow = Workflow(
            definitions(self.definition),
            self.store,
            handlers=self.handlers,
            clock=self.clock,
            hooks_required=False,
        )
        self.delivery = MemoryDelivery(self.flow)

    @property
    def operations(self) -> Operations:
        """What people do."""
        return self.flow.operations

    def queued(self, *ids: str, after: float = 60, **data: object) -> None:
        """Jobs that come one after another, so many seconds apart, each delivered when it comes."""
        for id in ids:
            self.flow.create("job", id, {"repository": "acme/api", **data})
            self.delivery.run()
            self.clock.advance(after)

    def deploy(self, definition: Definition) -> None:
        """Puts another definition into force."""
        object.__setattr__(self.flow.runtime, "definitions", definitions(definition))

    def rewrite(self, id: str, **fields: object) -> None:
        """Changes the entity past the framework, without a word to the stream."""
        self.store.rewind(self.flow.get("job", id)._replace(**fields))  # type: ignore[arg-type]

    def place(self, id: str) -> Place | None:
        """Where the job stands."""
        return self.flow.get("job", id).place

    def states(self) -> dict[str, Sequence[str]]:
        """The ids by state."""
        names = self.definition.states
        return {name: ids for name in names if (ids := [one.id for one in self.flow.list("job", name)])}

    def sweep(self, *, after: float = 60) -> None:
        """What the sweeper does after so many seconds."""
        self.clock.advance(after)
        self.delivery.sweep()

    @property
    def since(self) -> timedelta:
        """How long the clock has run."""
        return self.clock.now() - FakeClock().now()
