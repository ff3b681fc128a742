"""From the checked model to the frozen definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from workflow.definition import durations
from workflow.definition.definition import (
    Definition,
    Field,
    Fire,
    Guard,
    HookUse,
    Lane,
    Retry,
    State,
    Timer,
    Transition,
)
from workflow.definition.fields import fit
from workflow.definition.item_model import (
    FireModel,
    HookItem,
    PublishModel,
    RetryModel,
    RunModel,
    UndoModel,
    hook_name,
)
from workflow.definition.lane_model import LaneModel
from workflow.definition.model import (
    DefinitionModel,
    FieldModel,
    GuardFunctionModel,
    StateModel,
    TransitionModel,
)
from workflow.definition.values import Value


def build(model: DefinitionModel) -> Definition:
    """The frozen definition of a model that the checks let pass."""
    data = {name: build_field(name, spec) for name, spec in model.data.items()}
    transitions = [
        built
        for _, trigger, transition in model.each_transition()
        for built in _build_transitions(trigger, transition, data)
    ]
    return Definition(
        kind=model.kind,
        version=model.version,
        initial=model.initial,
        data=data,
        states={name: _build_state(name, state) for _, name, state in model.each_state()},
        transitions=tuple(transitions),
        lanes={name: _build_lane(name, lane) for name, lane in model.lanes.items()},
    )


def build_field(name: str, spec: str | FieldModel) -> Field:
    """The field, its default and choices fitted to its type; raises UnfitValueError where one does not fit."""
    if isinstance(spec, str):
        return Field(name, spec)
    bare = Field(name, spec.type, optional=spec.optional, sensitive=spec.sensitive)
    choices = tuple(fit(bare, choice, f"choices[{i}]") for i, choice in enumerate(spec.choices or ()))
    field = replace(bare, choices=choices)
    return replace(field, default=_build_default(field, spec))


def _build_default(field: Field, spec: FieldModel) -> Value:
    return fit(field, spec.default, "default") if "default" in spec.model_fields_set else None


def _build_state(name: str, state: StateModel) -> State:
    return State(
        name=name,
        final=state.final,
        on_enter=_build_uses(state.on_enter),
        on_exit=_build_uses(state.on_exit),
        timers=tuple(Timer(durations.whole_seconds(text), trigger) for text, trigger in state.after.items()),
    )


def _build_lane(name: str, lane: LaneModel) -> Lane:
    limit = lane.limit
    return Lane(
        name=name,
        waiting=lane.waiting,
        running=lane.running,
        trigger=lane.trigger,
        by=lane.by or "",
        limit=limit if isinstance(limit, int) else 1,
        limit_function="" if isinstance(limit, int) else limit.function,
        first=lane.first or "",
        ageing_seconds=durations.whole_seconds(lane.ageing) if lane.ageing else 0,
    )


def _build_transitions(trigger: str, model: TransitionModel, data: Mapping[str, Field]) -> list[Transition]:
    requires = _build_requires(model, data)
    sets = dict.fromkeys(model.sets) if isinstance(model.sets, list) else dict(model.sets)
    guard, effects = _build_guard(model.guard), _build_uses(model.effects)
    return [
        Transition(trigger, source, model.to, requires, sets, guard, effects, model.compensate)
        for source in model.sources
    ]


def _build_requires(model: TransitionModel, data: Mapping[str, Field]) -> dict[str, Field]:
    if isinstance(model.requires, list):
        return {name: _required(name, data) for name in model.requires}
    return {name: build_field(name, spec) for name, spec in model.requires.items()}


def _required(name: str, data: Mapping[str, Field]) -> Field:
    """A field that is asked for by name alone must be there, also where the data could do without it."""
    return replace(data[name], optional=False, default=None) if name in data else Field(name, "any")


def _build_guard(guard: str | GuardFunctionModel | None) -> Guard | None:
    if guard is None:
        return None
    return Guard(expression=guard) if isinstance(guard, str) else Guard(function=guard.function)


def _build_uses(items: list[HookItem]) -> tuple[HookUse, ...]:
    return tuple(_build_use(item) for item in items)


def _build_use(item: HookItem) -> HookUse:
    if isinstance(item, str):
        return HookUse(item)
    use = HookUse(hook_name(item), _build_retry(item.retry), dict(item.catch))
    if isinstance(item, PublishModel):
        return replace(use, publish=item.publish.model_dump(exclude_none=True))
    if isinstance(item, FireModel):
        return replace(use, fire=Fire(**item.fire.model_dump()))
    return replace(use, then=item.then or "", on_unknown=item.on_unknown, undo=_build_undo(item))


def _build_undo(item: RunModel) -> HookUse | None:
    undo = item.undo
    if isinstance(undo, UndoModel):
        return HookUse(undo.run, _build_retry(undo.retry), on_unknown=undo.on_unknown)
    return HookUse(undo) if undo else None


def _build_retry(retry: RetryModel | None) -> Retry | None:
    if retry is None:
        return None
    return Retry(
        attempts=retry.attempts,
        first_seconds=float(durations.seconds(retry.first)),
        factor=float(retry.factor),
        ceiling_seconds=float(durations.seconds(retry.ceiling)),
    )
