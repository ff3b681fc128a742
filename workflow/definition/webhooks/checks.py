"""What goes beyond the shape of a webhook: does it fit its scheme, and the definitions that it fires on?

Each check looks at the data as it was read, and passes over what has no right shape: that is reported already.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from workflow.definition.definition import CREATE, Definition, Definitions, Transition
from workflow.definition.document import PathTuple
from workflow.definition.expressions import Expression, ExpressionError
from workflow.definition.findings import Finding
from workflow.definition.shapes import NAME_PATTERN
from workflow.definition.suggestions import find_closest, ways_out
from workflow.definition.values import Value
from workflow.definition.webhooks.model import KEYS_OF_SCHEME
from workflow.definition.webhooks.reading import Reading
from workflow.definition.webhooks.webhook import HMAC


def check(reading: Reading, definitions: Definitions | None) -> Iterator[Finding]:
    """The problems of one webhook beyond those of its reading; without definitions, those that need none to be seen."""
    data = reading.data
    if not isinstance(data, dict):
        return
    yield from _signature(data.get("signature"))
    accepts = data.get("accept")
    if isinstance(accepts, list):
        yield from _unreached(accepts)
        for i, accept in enumerate(accepts):
            if isinstance(accept, dict) and definitions is not None:
                yield from _accept(("accept", i), accept, definitions)


def check_together(readings: Sequence[Reading]) -> Iterator[tuple[Reading, Finding]]:
    """The sources that two files declare."""
    first: dict[str, str] = {}
    for reading in readings:
        name = reading.data.get("webhook") if isinstance(reading.data, dict) else None
        if not isinstance(name, str):
            continue
        if name in first:
            message = f"the webhook {name[:64]!r} is declared in {first[name]} already"
            yield reading, Finding(("webhook",), message, "give it another name, or remove one of the two files")
        first.setdefault(name, reading.document.file)


def _signature(signature: Value) -> Iterator[Finding]:
    scheme = signature.get("scheme") if isinstance(signature, dict) else None
    if not isinstance(scheme, str) or scheme not in KEYS_OF_SCHEME:
        return
    known = KEYS_OF_SCHEME[scheme]
    for key in signature:
        if key not in known:
            others = " and ".join(other for other, keys in KEYS_OF_SCHEME.items() if key in keys)
            message = f"the scheme {scheme} has no {key!r}"
            yield Finding(("signature", key), message, f"remove it; it belongs to {others}", at_key=True)
    if scheme == HMAC and "header" not in signature:
        message = "header: is missing, and the scheme hmac has none of its own"
        yield Finding(("signature",), message, "add it, such as 'header: x-signature'", at_key=True)


def _unreached(accepts: list[Value]) -> Iterator[Finding]:
    for i, accept in enumerate(accepts[:-1]):
        if isinstance(accept, dict) and "when" not in accept:
            message = "this takes every delivery, so that what follows is never reached"
            yield Finding(("accept", i), message, "add a 'when', or move it to the end")


def _accept(path: PathTuple, accept: Mapping[str, Value], definitions: Definitions) -> Iterator[Finding]:
    kind, trigger = accept.get("kind"), accept.get("trigger")
    chosen = _definitions(kind, definitions)
    if not chosen:
        if isinstance(kind, str) and _is_name(kind):
            message = f"there is no definition of kind {kind[:64]!r}"
            yield Finding((*path, "kind"), message, ways_out(kind, definitions.kinds, "loaded"))
        return
    if isinstance(trigger, str):
        triggers = {CREATE} | {transition.trigger for one in chosen for transition in one.transitions}
        if trigger not in triggers:
            if _is_name(trigger):
                message = f"there is no trigger {trigger!r}{_of(chosen)}"
                yield Finding((*path, "trigger"), message, ways_out(trigger, sorted(triggers), "triggers"))
            return
    payload = accept.get("payload", {})
    if isinstance(payload, dict) and isinstance(trigger, str | dict):
        yield from _payload(path, trigger, payload, chosen)


def _definitions(kind: Value, definitions: Definitions) -> list[Definition]:
    """The definitions in force that the delivery may mean; none where the kind is not known."""
    names = [kind] if isinstance(kind, str) else definitions.kinds if isinstance(kind, dict) else ()
    return [found for name in names if (found := definitions.find(name))]


def _is_name(text: str) -> bool:
    """Whether it could be the name of something; where not, that is reported already."""
    return re.fullmatch(NAME_PATTERN, text) is not None


def _of(chosen: Sequence[Definition]) -> str:
    return f" of {chosen[0].kind!r}" if len(chosen) == 1 else " of any kind"


def _payload(
    path: PathTuple, trigger: Value, payload: Mapping[str, Value], chosen: Sequence[Definition]
) -> Iterator[Finding]:
    known = sorted({name for one in chosen for name in _known(one, trigger)})
    unknown = [name for name in payload if name not in known]
    for name in unknown:
        message = f"{name[:64]!r} is nothing that {_named_trigger(trigger, chosen)} knows"
        yield Finding((*path, "payload", name), message, ways_out(name, known, "known"), at_key=True)
    if len(chosen) > 1 or not isinstance(trigger, str):
        return
    meant = {find_closest(name, known) for name in unknown}
    for name in _needed(chosen[0], trigger):
        if name not in payload and name not in meant:
            message = f"the payload lacks {name!r}, without which {trigger!r} is always refused"
            where = (*path, "payload") if payload else (*path, "trigger")
            yield Finding(where, message, f"add '{name}: body...' to the payload", at_key=bool(payload))


def _named_trigger(trigger: Value, chosen: Sequence[Definition]) -> str:
    return (repr(trigger) if isinstance(trigger, str) else "any trigger") + _of(chosen)


def _known(definition: Definition, trigger: Value) -> Iterator[str]:
    """The names that the payload of the trigger may have; of any trigger where the delivery says which."""
    if trigger == CREATE or not isinstance(trigger, str):
        yield from definition.data
    for transition in definition.transitions:
        if transition.trigger == trigger or not isinstance(trigger, str):
            yield from transition.requires
            yield from transition.sets
            yield from _named(transition)


def _named(transition: Transition) -> Iterator[str]:
    """The payload's names in the transition's own expressions."""
    guard = transition.guard.expression if transition.guard else ""
    for text in filter(None, [guard, *transition.sets.values()]):
        try:
            paths = Expression(text).paths()
        except ExpressionError:
            continue
        yield from (path[1] for path in paths if path[0] == "payload" and len(path) > 1)


def _needed(definition: Definition, trigger: str) -> Iterable[str]:
    """The names without which the trigger is refused, in whatever state."""
    if trigger == CREATE:
        return [field.name for field in definition.data.values() if not field.optional and field.default is None]
    needed = [
        {field.name for field in transition.requires.values() if not field.optional}
        for transition in definition.transitions
        if transition.trigger == trigger
    ]
    return sorted(set.intersection(*needed)) if needed else ()
