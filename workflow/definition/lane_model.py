"""The shape of a lane in a definition file."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field, StrictInt, model_validator

from workflow.definition.definition import MOST_RUNNING
from workflow.definition.shapes import (
    GIVEN,
    MAP,
    NUMBER,
    Closed,
    ExpressionText,
    Name,
    WholeDuration,
    by_shape_of_number,
    judged,
)


class LimitFunctionModel(Closed):
    """A limit that a function says, by the lane's key."""

    function: Name = Field(description="The registered name of the function.")


LimitSpec: TypeAlias = Annotated[
    Annotated[Annotated[StrictInt, Field(ge=1, le=MOST_RUNNING)], NUMBER] | Annotated[LimitFunctionModel, MAP],
    by_shape_of_number("a whole number or a map with function"),
]


class LaneModel(Closed):
    """A queue for each key: so many may be in the running state at once, the best of the waiting is next."""

    by: Annotated[ExpressionText | None, GIVEN] = Field(
        default=None, description="JMESPath for the key that has a queue of its own; without it there is one for all."
    )
    waiting: Name = Field(description="The state in which entities wait.")
    running: Name = Field(description="The state in which at most `limit` of one key are at once.")
    limit: LimitSpec = Field(default=1, description="How many: a number, or a registered function that says it by key.")
    first: Annotated[ExpressionText | None, GIVEN] = Field(
        default=None, description="JMESPath for a number: the highest goes first, then the oldest."
    )
    ageing: Annotated[WholeDuration | None, GIVEN] = Field(
        default=None, description="So long a wait is worth one point of `first`, so that nothing waits for ever."
    )
    trigger: Name = Field(description="What is fired on the one that is next; it leads from waiting to running.")

    @model_validator(mode="after")
    def _ageing_needs_first(self) -> LaneModel:
        if self.ageing is not None and self.first is None:
            raise judged("ageing is given and first is not", "add first, or remove ageing: the oldest is first anyway")
        return self
