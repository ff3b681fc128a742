"""What goes beyond the shape of an archive's map: does it fit the definition of its kind?

Each check looks at the data as it was read, and passes over what has no right shape: that is reported already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from workflow.definition.archives.archive_map import AT, STEP
from workflow.definition.archives.reading import Reading
from workflow.definition.definition import CREATE, Definition, Definitions, Transition
from workflow.definition.document import PathTuple
from workflow.definition.expressions import Expression, ExpressionError
from workflow.definition.findings import Finding
from workflow.definition.shapes import NAME_PATTERN
from workflow.definition.suggestions import find_closest, ways_out
from workflow.definition.values import Value


def check(reading: Reading, definitions: Definitions) -> Iterator[Finding]:
    """The problems of a map beyond those of its reading."""
    data = reading.data
    if not isinstance(data, dict):
        return
    yield from _roots(data)
    kind = data.get("kind")
    definition = definitions.find(kind) if isinstance(kind, str) else None
    if definition is None:
        if isinstance(kind, str) and _is_name(kind):
            message = f"there is no definition of kind {kind[:64]!r}"
            yield Finding(("kind",), message, ways_out(kind, definitions.kinds, "loaded"))
        return
    yield from _creation(data.get("data", {}), definition)
    yield from _names(("state",), data.get("state"), "state", sorted(definition.states))
    triggers = sorted({transition.trigger for transition in definition.transitions})
    for path, step in _steps(data):
        yield from _names((*path, "trigger"), step.get("trigger"), "trigger", triggers)
        trigger, payload = step.get("trigger"), step.get("payload", {})
        if isinstance(payload, dict):
            yield from _payload(path, trigger, payload, definition)


def _steps(data: Mapping[str, Value]) -> Iterator[tuple[PathTuple, Mapping[str, Value]]]:
    steps = data.get("steps")
    for i, step in enumerate(steps if isinstance(steps, list) else []):
        if isinstance(step, dict):
            yield ("steps", i), step


def _roots(data: Mapping[str, Value]) -> Iterator[Finding]:
    """Names that there are only in a step, or only once its moment is known."""
    whole: dict[PathTuple, Value] = {("id",): data.get("id"), ("created",): data.get("created")}
    whole["state", "from"] = _from(data.get("state"))
    for path, text in whole.items():
        yield from _without(path, text, {STEP: "only a step with `each` has it", AT: "only steps and data have it"})
    for path, text in _of_map(("data",), data.get("data")):
        yield from _without(path, text, {STEP: "only a step with `each` has it"})
    for path, step in _steps(data):
        lacks = {} if "each" in step else {STEP: "add `each`, the list that it is an element of"}
        for name in ("when", "at"):
            early = {AT: "it is the moment, which this says"} if name == "at" else {AT: "compare with line or step"}
            yield from _without((*path, name), step.get(name), lacks | early)
        yield from _without((*path, "each"), step.get("each"), {STEP: "it is an element of this", AT: "use line"})
        yield from _without((*path, "trigger", "from"), _from(step.get("trigger")), lacks | {AT: "use line or step"})
        for inner, text in _of_map((*path, "payload"), step.get("payload")):
            yield from _without(inner, text, lacks)


def _from(name: Value) -> Value:
    return name.get("from") if isinstance(name, dict) else None


def _of_map(path: PathTuple, mapped: Value) -> Iterator[tuple[PathTuple, Value]]:
    for name, text in mapped.items() if isinstance(mapped, dict) else ():
        yield (*path, name), text


def _without(path: PathTuple, text: Value, forbidden: Mapping[str, str]) -> Iterator[Finding]:
    expression = _find_expression(text)
    for root in sorted(expression.roots() & set(forbidden)) if expression else ():
        yield Finding(path, f"there is no {root!r} here", forbidden[root])


def _find_expression(text: Value) -> Expression | None:
    try:
        return Expression(text) if isinstance(text, str) else None
    except ExpressionError:
        return None


def _is_name(text: str) -> bool:
    """Whether it could be the name of something; where not, that is reported already."""
    return re.fullmatch(NAME_PATTERN, text) is not None


def _names(path: PathTuple, given: Value, what: str, known: list[str]) -> Iterator[Finding]:
    """The names of states or triggers that the definition does not have."""
    found: dict[PathTuple, Value] = {path: given}
    if isinstance(given, dict) and isinstance(given.get("words"), dict):
        found = {(*path, "words", word): name for word, name in given["words"].items()}
    for where, name in found.items():
        if isinstance(name, str) and _is_name(name) and name not in known:
            yield Finding(where, f"there is no {what} {name!r}", ways_out(name, known, f"{what}s"))


def _creation(data: Value, definition: Definition) -> Iterator[Finding]:
    if not isinstance(data, dict):
        return
    needed = [one.name for one in definition.data.values() if not one.optional and one.default is None]
    yield from _compare(("data",), data, list(definition.data), needed, f"{definition.kind} is created with")


def _payload(
    path: PathTuple, trigger: Value, payload: Mapping[str, Value], definition: Definition
) -> Iterator[Finding]:
    asked = _asked(trigger, definition)
    if not asked:
        return
    known = sorted({name for transition in asked for name in _known(transition)})
    needed = set.intersection(*({f.name for f in one.requires.values() if not f.optional} for one in asked))
    named = f"{trigger!r} knows" if isinstance(trigger, str) else "any of its triggers knows"
    yield from _compare((*path, "payload"), payload, known, sorted(needed), named)


def _asked(trigger: Value, definition: Definition) -> list[Transition]:
    """The transitions that a step may mean."""
    if isinstance(trigger, str):
        names = {trigger}
    else:
        words = trigger.get("words") if isinstance(trigger, dict) else None
        names = set(filter(lambda name: isinstance(name, str), words.values())) if isinstance(words, dict) else set()
        names = names or {transition.trigger for transition in definition.transitions}
    return [transition for transition in definition.transitions if transition.trigger in names - {CREATE}]


def _known(transition: Transition) -> Iterator[str]:
    """The names that the payload of the transition may have: also those in its own expressions."""
    yield from transition.requires
    yield from transition.sets
    guard = transition.guard.expression if transition.guard else ""
    for text in filter(None, [guard, *transition.sets.values()]):
        expression = _find_expression(text)
        for path in expression.paths() if expression else ():
            if path[0] == "payload" and len(path) > 1:
                yield path[1]


def _compare(
    path: PathTuple, given: Mapping[str, Value], known: list[str], needed: list[str], named: str
) -> Iterator[Finding]:
    unknown = [name for name in given if name not in known]
    for name in unknown:
        message = f"{name[:64]!r} is nothing that {named}"
        yield Finding((*path, name), message, ways_out(name, known, "known"), at_key=True)
    meant = {find_closest(name, known) for name in unknown}
    for name in needed:
        if name not in given and name not in meant:
            message = f"{path[-1]} lacks {name!r}, without which every line is put aside"
            yield Finding(path, message, f"add '{name}: line...' to it", at_key=True)
