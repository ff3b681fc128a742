"""What may stand in a list of hooks: one to run, an event to publish, a trigger to fire on another entity."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field, StrictInt, model_validator

from workflow.definition import durations
from workflow.definition.shapes import (
    FIRE,
    GIVEN,
    MAP,
    PUBLISH,
    TEXT,
    Closed,
    Duration,
    ErrorName,
    ExpressionText,
    Factor,
    Name,
    OnRefused,
    OnUnknown,
    by_shape,
    by_shape_of_map,
    judged,
)
from workflow.definition.target_names import BucketName, BusName, DetailType, QueueName, TopicName

TARGETS = ("eventbridge", "sns", "sqs")
"""Where events can be published to."""


class RetryModel(Closed):
    """How often and how fast a hook that failed is tried again."""

    attempts: StrictInt = Field(default=8, ge=1, le=1000, description="How many times in all the hook is tried.")
    first: Duration = Field(default="0.2s", description="The wait before the second try.")
    factor: Factor = Field(default=4, description="How much longer each wait is than the one before.")
    ceiling: Duration = Field(default="10m", description="The longest wait.")

    @model_validator(mode="after")
    def _ceiling_is_above_first(self) -> RetryModel:
        if durations.seconds(self.ceiling) < durations.seconds(self.first):
            message = f"the ceiling {self.ceiling} is shorter than the first wait {self.first}"
            raise judged(message, "raise one, or lower the other")
        return self


RetrySpec: TypeAlias = Annotated[
    RetryModel | None, GIVEN, Field(description="How it is retried; without it, 8 times from 0.2s to 10m.")
]
CatchSpec: TypeAlias = Annotated[
    dict[ErrorName, Name],
    Field(
        description="The trigger to fire for an error, by the name of its class or of one it derives from; '*', "
        "which comes last, stands for all others."
    ),
]


OnUnknownSpec: TypeAlias = Annotated[
    OnUnknown,
    Field(
        description="What to do when a run was cut off and nobody knows whether it happened: run it again (retry), "
        "put the entity aside (park), or ask the hook's probe (verify)."
    ),
]


class UndoModel(Closed):
    """A hook that takes back what another one did."""

    run: Name = Field(description="The registered name of the hook.")
    retry: RetrySpec = None
    on_unknown: OnUnknownSpec = "retry"


UndoSpec: TypeAlias = Annotated[
    Annotated[Name, TEXT] | Annotated[UndoModel, MAP], by_shape_of_map("the name of a hook, or a map with run")
]


class RunModel(Closed):
    """A hook to run, with how its failures are met."""

    run: Name = Field(description="The registered name of the hook.")
    retry: RetrySpec = None
    catch: CatchSpec = Field(default={})
    then: Annotated[Name | None, GIVEN] = Field(
        default=None, description="The trigger to fire when the hook is done, in the write that records it as done."
    )
    on_unknown: OnUnknownSpec = "retry"
    undo: Annotated[UndoSpec | None, GIVEN] = Field(
        default=None, description="The hook that takes back what this one did, for transitions that compensate."
    )


class PublishTargetModel(Closed):
    """Where an event is published to: one of eventbridge, sns and sqs."""

    eventbridge: Annotated[BusName | None, GIVEN] = Field(default=None, description="The name of an EventBridge bus.")
    sns: Annotated[TopicName | None, GIVEN] = Field(default=None, description="The name of an SNS topic.")
    sqs: Annotated[QueueName | None, GIVEN] = Field(default=None, description="The name of an SQS queue.")
    detail_type: Annotated[DetailType | None, GIVEN] = Field(
        default=None, description="What the published message is called: OrderPaid."
    )
    overflow: Annotated[BucketName | None, GIVEN] = Field(
        default=None, description="The S3 bucket that takes what is too large for a message, which then points there."
    )

    @model_validator(mode="after")
    def _one_target(self) -> PublishTargetModel:
        targets = [name for name in TARGETS if getattr(self, name) is not None]
        if len(targets) != 1:
            given = " and ".join(targets) or "none"
            raise judged(f"expected one target to publish to, got {given}", "give one of eventbridge, sns, sqs")
        return self


class PublishModel(Closed):
    """An event to publish."""

    publish: PublishTargetModel = Field(description="Where to, and as what.")
    retry: RetrySpec = None
    catch: CatchSpec = Field(default={})


class FireTargetModel(Closed):
    """A trigger, and the entities it is fired on."""

    kind: Name = Field(description="The kind of the other entity.")
    id: ExpressionText = Field(description="JMESPath for its id, or for a list of ids: one trigger each.")
    trigger: Name = Field(description="The trigger to fire; `create` makes a new entity, its payload the data.")
    payload: dict[Name, ExpressionText] = Field(default={}, description="The payload's fields, each by JMESPath.")
    on_refused: OnRefused = Field(
        default="park",
        description="What to do when no transition of the other entity takes it: put this entity aside (park), or "
        "note it in the ledger and go on (skip).",
    )


class FireModel(Closed):
    """A trigger to fire on another entity."""

    fire: FireTargetModel = Field(description="On what, and with what.")
    retry: RetrySpec = None
    catch: CatchSpec = Field(default={})


HookItem: TypeAlias = Annotated[
    Annotated[Name, TEXT] | Annotated[RunModel, MAP] | Annotated[PublishModel, PUBLISH] | Annotated[FireModel, FIRE],
    by_shape("the name of a hook, or a map with run, publish or fire"),
]
HookList: TypeAlias = list[HookItem]


def undo_hook(item: HookItem) -> str:
    """The registered name of the hook that takes back what the item does; '' for none."""
    if not isinstance(item, RunModel) or item.undo is None:
        return ""
    return item.undo if isinstance(item.undo, str) else item.undo.run


def hook_name(item: HookItem) -> str:
    """The name of the effect that the item makes owed: a registered hook's, or what is published or fired where."""
    if isinstance(item, str):
        return item
    if isinstance(item, RunModel):
        return item.run
    if isinstance(item, FireModel):
        return f"fire:{item.fire.kind}.{item.fire.trigger}"
    target = item.publish
    where = next(f"{name}:{given}" for name in TARGETS if (given := getattr(target, name)) is not None)
    return f"publish:{where}" + (f":{target.detail_type}" if target.detail_type else "")
