"""Fields: do defaults and choices fit, and does everything that names a field name a declared one?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from workflow.definition import slips
from workflow.definition.definition import Field
from workflow.definition.document import PathTuple
from workflow.definition.expressions import ROOTS, Expression, ExpressionError
from workflow.definition.fields import fit
from workflow.definition.findings import Finding
from workflow.definition.model import DefinitionModel, FieldModel, TransitionModel
from workflow.definition.suggestions import find_closest, ways_out
from workflow.definition.values import UnfitValueError, Value

_ENTITY = ("kind", "id", "state", "version")
_EXAMPLE = "write JMESPath such as payload.amount >= data.total; numbers stand in backticks: `5`"


def unfit_values(model: DefinitionModel) -> Iterator[Finding]:
    """Defaults and choices that do not fit their field, and defaults where there can be none."""
    yield from _unfit_in(("data",), model.data)
    for path, _, transition in model.each_transition():
        if not isinstance(transition.requires, list):
            yield from _unfit_in((*path, "requires"), transition.requires)


def _unfit_in(path: PathTuple, fields: Mapping[str, str | FieldModel]) -> Iterator[Finding]:
    for name, spec in fields.items():
        if isinstance(spec, FieldModel):
            yield from _unfit_in_field((*path, name), name, spec)


def _unfit_in_field(path: PathTuple, name: str, spec: FieldModel) -> Iterator[Finding]:
    bare = Field(name, spec.type, sensitive=spec.sensitive)
    unfit = [_misfit(bare, choice, (*path, "choices", i)) for i, choice in enumerate(spec.choices or ())]
    yield from filter(None, unfit)
    if "default" not in spec.model_fields_set:
        return
    where = (*path, "default")
    if spec.sensitive:
        message = f"{name!r} is sensitive, but its default stands here for all to read"
        yield Finding(where, message, "remove the default, or 'sensitive: true'")
        return
    choices = () if any(unfit) else tuple(fit(bare, choice, name) for choice in spec.choices or ())
    found = _misfit(Field(name, spec.type, spec.optional, spec.sensitive, choices=choices), spec.default, where)
    yield from filter(None, [found])


def _misfit(field: Field, value: Value, path: PathTuple) -> Finding | None:
    try:
        fit(field, value, f"{field.name}: {'default' if path[-1] == 'default' else 'choice'}")
    except UnfitValueError as error:
        message, _, way_out = str(error).partition("; ")
        return Finding(path, message, way_out or f"give a value that fits the type {field.type}")
    return None


def undeclared_fields(model: DefinitionModel) -> Iterator[Finding]:
    """Fields that are set, but that the data does not declare."""
    for path, _, transition in model.each_transition():
        for name in transition.sets:
            if name not in model.data:
                message = f"sets {name!r}, which the data does not declare"
                yield Finding((*path, "sets", name), message, ways_out(name, model.data, "declared"), at_key=True)


def repeated_names(model: DefinitionModel) -> Iterator[Finding]:
    """Names given twice in one list."""
    for path, _, transition in model.each_transition():
        for key, names in (("from", transition.from_), ("requires", transition.requires), ("sets", transition.sets)):
            if isinstance(names, list):
                yield from _repeated((*path, key), names)


def _repeated(path: PathTuple, names: Sequence[str]) -> Iterator[Finding]:
    for i, name in enumerate(names):
        if name in names[:i]:
            yield Finding((*path, i), f"{path[-1]}: names {name!r} twice", "name it once")


def wrong_expressions(model: DefinitionModel, declared: Collection[str] | None) -> Iterator[Finding]:
    """Guards and mappings that are no JMESPath, or start from a name that is not there; `declared` None: any may be."""
    for path, _, transition in model.each_transition():
        for where, text in expressions_of(path, transition):
            yield from wrong_expression(where, text, declared)


def wrong_expression(where: PathTuple, text: str, declared: Collection[str] | None) -> Iterator[Finding]:
    """What is wrong with one expression over payload, data and entity."""
    try:
        expression = Expression(text)
    except ExpressionError as error:
        yield Finding(where, str(error), error.way_out or _EXAMPLE)
        return
    for names in sorted(expression.paths()):
        yield from wrong_names(where, names, declared, expression.text)
    yield from _names_of_elements(where, expression)


def _names_of_elements(where: PathTuple, expression: Expression) -> Iterator[Finding]:
    for name in sorted(expression.element_names() & set(ROOTS)):
        message = f"inside a filter or after &, names start from the element, not from the root: {name!r}"
        way_out = f"compare outside of it, or register a guard in Python; '@.{name}' is the element's own"
        yield Finding(where, message, way_out)


def expressions_of(path: PathTuple, transition: TransitionModel) -> Iterator[tuple[PathTuple, str]]:
    """The guard and the mappings of a transition, each with its place."""
    if isinstance(transition.guard, str):
        yield (*path, "guard"), transition.guard
    if not isinstance(transition.sets, list):
        for name, text in transition.sets.items():
            yield (*path, "sets", name), text


def wrong_names(
    where: PathTuple,
    names: tuple[str, ...],
    declared: Collection[str] | None,
    text: str,
    roots: Sequence[str] = ROOTS,
) -> Iterator[Finding]:
    """What is wrong with one dotted name of an expression: its root is not there, or what it names under it."""
    root, *rest = names
    if root not in roots:
        way_out = _root_meant(where, root, declared or (), text, roots)
        yield Finding(where, f"the expression starts from {root!r}", way_out)
    elif root == "data" and rest and declared is not None and rest[0] not in declared:
        message = f"the expression names data.{rest[0]}, which the data does not declare"
        yield Finding(where, message, ways_out(rest[0], declared, "declared"))
    elif root == "entity" and rest and rest[0] not in _ENTITY:
        message = f"the expression names entity.{rest[0]}"
        yield Finding(where, message, ways_out(rest[0], _ENTITY, "an entity has"))


def _root_meant(where: PathTuple, root: str, declared: Collection[str], text: str, roots: Sequence[str]) -> str:
    literal = slips.find_literal(root, text)
    if literal:
        return literal
    if root in declared:
        return "write " + " or ".join(f"{name}.{root}" for name in ("data", "payload") if name in roots)
    if text == root and roots is ROOTS and where[-1] != "guard" and not find_closest(root, ROOTS):
        # In YAML the outer quotes would go; the inner ones are JMESPath's.
        return f"write \"'{root}'\" for the text, or payload.{root}"
    return ways_out(root, roots, "it may start from")
