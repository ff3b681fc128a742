"""What a definition declares to fire on others: does it say something, is it there, does its payload fit?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from workflow.definition.definition import CREATE
from workflow.definition.document import PathTuple
from workflow.definition.expressions import Expression, ExpressionError
from workflow.definition.field_checks import expressions_of, wrong_expression
from workflow.definition.findings import Finding
from workflow.definition.fired_checks import required_names
from workflow.definition.hook_checks import each_item
from workflow.definition.item_model import FireModel, FireTargetModel
from workflow.definition.model import DefinitionModel, FieldModel, TransitionModel
from workflow.definition.names import Paths
from workflow.definition.suggestions import find_closest, ways_out


def wrong_fire_expressions(model: DefinitionModel, declared: Collection[str] | None) -> Iterator[Finding]:
    """Expressions of declared fires that are no JMESPath or start from what is not there, and ids that would show a
    sensitive field; `declared` None: any field may be there."""
    sensitive = _sensitive(model)
    for path, fire in _fires(model):
        yield from wrong_expression((*path, "id"), fire.id, declared)
        for names in sorted(_read(fire.id) & sensitive):
            message = f"the id of an entity would show {'.'.join(names)}, which is sensitive"
            yield Finding((*path, "id"), message, "use a field that is not, such as an id")
        for name, text in fire.payload.items():
            yield from wrong_expression((*path, "payload", name), text, declared)


class _Taken(NamedTuple):
    """What one trigger of one kind takes of a payload: every name, those it is refused without, those it keeps to
    itself."""

    known: Collection[str]
    needed: Collection[str]
    sensitive: Collection[str]


def unfit_fires(
    models: Sequence[DefinitionModel], targets: Mapping[str, DefinitionModel], kinds: Collection[str] | None
) -> Iterator[tuple[int, Finding]]:
    """Kinds and triggers that there are not, and payloads that no transition takes, with the index of the model.

    `targets` are the models that were read whole, by kind; `kinds` all that are declared, None if they are not known.
    """
    sensitive = {model.kind: _sensitive(model) for model in (*models, *targets.values())}
    taken: dict[tuple[str, str], _Taken] = {}
    for index, model in enumerate(models):
        for path, fire in _fires(model):
            key, target = (fire.kind, fire.trigger), targets.get(fire.kind)
            found = list(_unknown(path, fire, target, kinds))
            if target is not None and not found:
                # Many may fire the same.
                if key not in taken:
                    taken[key] = _taken(target, fire.trigger, sensitive[fire.kind])
                found = [*_unfit(path, fire, taken[key]), *_told_on(path, fire, taken[key], sensitive[model.kind])]
            yield from ((index, finding) for finding in found)


def _fires(model: DefinitionModel) -> Iterator[tuple[PathTuple, FireTargetModel]]:
    for path, item in each_item(model):
        if isinstance(item, FireModel):
            yield (*path, "fire"), item.fire


def _unknown(
    path: PathTuple, fire: FireTargetModel, target: DefinitionModel | None, kinds: Collection[str] | None
) -> Iterator[Finding]:
    if target is not None and fire.trigger not in (triggers := [*target.transitions, CREATE]):
        message = f"there is no trigger {fire.trigger!r} of {fire.kind!r}"
        yield Finding((*path, "trigger"), message, ways_out(fire.trigger, triggers, "triggers"))
    if target is None and kinds is not None and fire.kind not in kinds:
        message = f"there is no definition of kind {fire.kind!r}"
        yield Finding((*path, "kind"), message, ways_out(fire.kind, sorted(kinds), "loaded"))


def _unfit(path: PathTuple, fire: FireTargetModel, taken: _Taken) -> Iterator[Finding]:
    named = f"{fire.trigger!r} of {fire.kind!r}"
    unknown = [name for name in fire.payload if name not in taken.known]
    for name in unknown:
        message = f"{name!r} is nothing that {named} knows"
        yield Finding((*path, "payload", name), message, ways_out(name, taken.known, "known"), at_key=True)
    meant = {find_closest(name, taken.known) for name in unknown}
    for name in taken.needed:
        if name not in fire.payload and name not in meant:
            message = f"the payload lacks {name!r}, without which {named} is always refused"
            where = (*path, "payload") if fire.payload else (*path, "trigger")
            yield Finding(where, message, f"add '{name}: data...' to the payload", at_key=bool(fire.payload))


def _told_on(path: PathTuple, fire: FireTargetModel, taken: _Taken, sensitive: Paths) -> Iterator[Finding]:
    """What is sensitive on this side alone: over there it would go into every log."""
    for name, text in fire.payload.items():
        for names in sorted(_read(text) & sensitive) if name not in taken.sensitive else ():
            message = f"{'.'.join(names)} is sensitive here, and {name!r} of {fire.kind!r} is not"
            yield Finding((*path, "payload", name), message, f"mark {name!r} 'sensitive: true' there, or leave it out")


def _taken(target: DefinitionModel, trigger: str, sensitive: Paths) -> _Taken:
    if trigger == CREATE:
        needed = [name for name, spec in target.data.items() if not _may_be_absent(spec)]
        return _Taken(list(target.data), needed, {name for _, name in sensitive})
    spec = target.transitions[trigger]
    transitions = spec if isinstance(spec, list) else [spec]
    required = [required_names(transition) for transition in transitions]
    known = dict.fromkeys(name for transition in transitions for name in _known(transition))
    needed = [name for name in required[0] if all(name in names for names in required)]
    return _Taken(list(known), needed, {name for _, name in sensitive})


def _known(transition: TransitionModel) -> Iterator[str]:
    yield from transition.requires
    yield from transition.sets
    for _, text in expressions_of((), transition):
        yield from (names[1] for names in sorted(_read(text)) if names[0] == "payload" and len(names) > 1)


def _may_be_absent(spec: str | FieldModel) -> bool:
    return isinstance(spec, FieldModel) and (spec.optional or "default" in spec.model_fields_set)


def _sensitive(model: DefinitionModel) -> Paths:
    """What expressions must not show, as they name it: a name that is sensitive anywhere is so everywhere."""
    specs = [*model.data.items()]
    for _, _, transition in model.each_transition():
        specs += () if isinstance(transition.requires, list) else transition.requires.items()
    names = {name for name, spec in specs if isinstance(spec, FieldModel) and spec.sensitive}
    return frozenset((root, name) for root in ("data", "payload") for name in names)


def _read(text: str) -> Paths:
    try:
        return Expression(text).paths()
    except ExpressionError:
        return frozenset()
