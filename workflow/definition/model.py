"""The shape of a definition file, closed: what is not named here is refused. The published schema derives from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field, StrictBool, StrictInt

from workflow.definition.definition import CREATE
from workflow.definition.document import PathTuple
from workflow.definition.item_model import HookList
from workflow.definition.lane_model import LaneModel
from workflow.definition.shapes import (
    GIVEN,
    LIST,
    MAP,
    TEXT,
    Closed,
    ExpressionText,
    FieldType,
    Name,
    Text,
    WholeDuration,
    by_shape,
    by_shape_of_map,
    judged,
)


class FieldModel(Closed):
    """One typed field."""

    type: FieldType = Field(description="What values the field takes.")
    optional: StrictBool = Field(default=False, description="Whether the field may be absent or null.")
    sensitive: StrictBool = Field(default=False, description="Whether its values stay out of logs, traces and errors.")
    default: Any = Field(default=None, description="The value where none is given.")
    choices: Annotated[list[Any] | None, Field(min_length=1), GIVEN] = Field(
        default=None, description="The only values allowed."
    )
    description: Text = Field(default="", description="For people; it changes nothing.")


FieldSpec: TypeAlias = Annotated[
    Annotated[FieldType, TEXT] | Annotated[FieldModel, MAP],
    by_shape_of_map("the name of a type or a map such as {type: string}"),
]


class StateModel(Closed):
    """One state."""

    description: Text = Field(default="", description="For people; it changes nothing.")
    final: StrictBool = Field(default=False, description="Whether the entity's life ends here.")
    after: dict[WholeDuration, Name] = Field(
        default={}, description="Timers: after so long in this state, fire that trigger. {30m: expire}"
    )
    on_enter: HookList = Field(default=[], description="Hooks owed by every event that leads into this state.")
    on_exit: HookList = Field(default=[], description="Hooks owed by every event that leads out of this state.")


class GuardFunctionModel(Closed):
    """A guard written in Python."""

    function: Name = Field(description="The registered name of the guard.")


GuardSpec: TypeAlias = Annotated[
    Annotated[ExpressionText, TEXT] | Annotated[GuardFunctionModel, MAP],
    by_shape_of_map("JMESPath text or a map with function"),
]


class TransitionModel(Closed):
    """One way from a state, or from several, to another."""

    from_: Annotated[
        Annotated[Name, TEXT] | Annotated[Annotated[list[Name], Field(min_length=1)], LIST],
        by_shape("the name of a state or a list of names"),
    ] = Field(alias="from", description="The state, or states, that this leads out of.")
    to: Name = Field(description="The state that this leads to.")
    requires: Annotated[
        Annotated[list[Name], LIST] | Annotated[dict[Name, FieldSpec], MAP],
        by_shape_of_map("a list of names or a map of fields"),
    ] = Field(default=[], description="What the payload must hold: names, or names with types.")
    sets: Annotated[
        Annotated[list[Name], LIST] | Annotated[dict[Name, ExpressionText], MAP],
        by_shape_of_map("a list of names or a map from names to JMESPath"),
    ] = Field(default=[], description="The fields of the data that this may change: from the payload, or by JMESPath.")
    guard: Annotated[GuardSpec | None, GIVEN] = Field(
        default=None, description="What must hold: JMESPath over payload, data and entity, or a registered function."
    )
    effects: HookList = Field(default=[], description="Hooks owed by this transition alone.")
    compensate: StrictBool = Field(
        default=False,
        description="Whether it owes the `undo` of every effect of the entity that was done and not yet undone, last "
        "first, before its own effects.",
    )
    description: Text = Field(default="", description="For people; it changes nothing.")

    @property
    def sources(self) -> list[str]:
        """The states this leads out of."""
        return [self.from_] if isinstance(self.from_, str) else self.from_


TransitionSpec: TypeAlias = Annotated[
    Annotated[TransitionModel, MAP] | Annotated[Annotated[list[TransitionModel], Field(min_length=1)], LIST],
    by_shape_of_map("a map with from and to, or a list of such maps"),
]


def _kind(name: str) -> str:
    if name == "lane":
        raise judged("the kind 'lane' is reserved for the framework's own items", "call it something else")
    return name


def _trigger(name: str) -> str:
    if name == CREATE:
        raise judged(f"the trigger {CREATE!r} is reserved for an entity's first event", "call it something else")
    return name


class DefinitionModel(Closed):
    """One kind of entity in one version: its data, states and transitions."""

    kind: Annotated[Name, AfterValidator(_kind)] = Field(
        description="What the entities are: order, job, shipment.", json_schema_extra={"not": {"const": "lane"}}
    )
    version: StrictInt = Field(
        ge=1, le=999_999, description="Raised by one with every change that running entities must not see."
    )
    description: Text = Field(default="", description="For people; it changes nothing.")
    initial: Name = Field(description="The state in which entities are created.")
    data: dict[Name, FieldSpec] = Field(default={}, description="The typed fields of an entity.")
    states: dict[Name, StateModel | None] = Field(min_length=1, description="The states, by name.")
    transitions: dict[Annotated[Name, AfterValidator(_trigger)], TransitionSpec] = Field(
        default={},
        description="The ways between states, by the trigger that asks for them.",
        json_schema_extra={"propertyNames": {"not": {"const": CREATE}}},
    )
    lanes: dict[Name, LaneModel] = Field(default={}, description="Queues that let so many run at once, by name.")

    def each_state(self) -> Iterator[tuple[PathTuple, str, StateModel]]:
        """Every state with its path and name."""
        for name, state in self.states.items():
            yield ("states", name), name, state or StateModel()

    def each_transition(self) -> Iterator[tuple[PathTuple, str, TransitionModel]]:
        """Every transition with its path and trigger, candidates of one trigger in the order they are tried."""
        for trigger, spec in self.transitions.items():
            for i, transition in enumerate(spec if isinstance(spec, list) else [spec]):
                yield ("transitions", trigger, i), trigger, transition
