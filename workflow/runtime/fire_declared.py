"""Firing what a definition declares to fire: a trigger on another entity, or on several. Imported when one does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from workflow.definition.definition import CREATE, SKIP, Fire
from workflow.definition.expressions import Expression, ExpressionError, Seen
from workflow.definition.values import UnfitValueError, Value
from workflow.errors import CreateError, EntityNotFoundError, FireError, PayloadError, Refused, TransitionError
from workflow.runtime.declared import Note
from workflow.runtime.effect import Effect

MOST_FIRED = 200
"""More entities than this are no business of one effect: an invocation of a Lambda has an end."""

_REFUSALS = (TransitionError, EntityNotFoundError, CreateError)
"""What says how it stands with the other entity; everything else is a fault, of the definition or of the table."""

_LONGEST_NOTE = 500

_expression = lru_cache(maxsize=1024)(Expression)


def fire_declared(declared: Fire, effect: Effect) -> Note | None:
    """Fires the trigger once on each entity that `id` names, however often the effect is repeated.

    A refusal keeps it from none of the others. Returns what is to be noted: that there was nobody to fire on, or, with
    `on_refused: skip`, who refused. Raises that one refusal, a FireError for several, PayloadError for what `id` or
    `payload` give and no trigger takes, and what firing raises.
    """
    seen = _seen(declared, effect)
    ids = _ids(declared, _evaluated(effect, "id", declared.id, seen), effect)
    if not ids:
        return Note(f"nothing to fire: {declared.id} gives no id")
    given = {name: _evaluated(effect, f"payload.{name}", text, seen) for name, text in declared.payload.items()}
    payload = {name: value for name, value in given.items() if value is not None}
    refusals = [refusal for id in ids if (refusal := _refusal(declared, effect, id, payload))]
    if refusals and declared.on_refused != SKIP:
        # Where in the framework it was refused helps nobody.
        raise refusals[0].with_traceback(None) if len(refusals) == 1 else FireError(_told(refusals, len(ids)))
    return Note(_told(refusals, len(ids))) if refusals else None


def _seen(declared: Fire, effect: Effect) -> Seen:
    entity = effect.entity
    seen = {
        "data": entity.data,
        "entity": {"kind": entity.kind, "id": entity.id, "state": entity.state, "version": entity.version},
    }
    # The event may cost a read.
    if any("payload" in _expression(text).roots() for text in (declared.id, *declared.payload.values())):
        seen["payload"] = effect.event.payload
    return seen


def _evaluated(effect: Effect, what: str, text: str, seen: Seen) -> Value:
    try:
        return _expression(text).evaluate(seen)
    except (ExpressionError, UnfitValueError) as error:
        raise PayloadError(f"{effect.key}: {what}: {error}") from None


def _ids(declared: Fire, found: Value, effect: Effect) -> Sequence[str]:
    """Each id once, in the order given."""
    given = found if isinstance(found, list) else [] if found is None else [found]
    if len(given) > MOST_FIRED:
        raise PayloadError(
            f"{effect.key}: {declared.id} gives {len(given)} ids; one effect fires on at most {MOST_FIRED}"
        )
    ids = dict.fromkeys(_as_text(one) for one in given)
    if "" in ids:
        raise PayloadError(f"{effect.key}: {declared.id} gives what is no id: an id is text, or a whole number")
    return list(ids)


def _as_text(value: Value) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""


def _refusal(declared: Fire, effect: Effect, id: str, payload: dict[str, Value]) -> Refused | None:
    try:
        if declared.trigger == CREATE:
            effect.create(declared.kind, id, payload)
        else:
            effect.fire(declared.trigger, payload, kind=declared.kind, id=id)
    except _REFUSALS as refusal:
        return refusal
    return None


def _told(refusals: Sequence[Refused], asked: int) -> str:
    told = f"{len(refusals)} of {asked} refused: " if asked > 1 else "refused: "
    text = told + " | ".join(map(str, refusals))
    return text if len(text) <= _LONGEST_NOTE else f"{text[:_LONGEST_NOTE]} ..."
