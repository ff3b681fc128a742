"""What a delivery asks for: from its body and headers, by the expressions of its webhook, compiled once."""

from __future__ import annotations

from workflow.definition.expressions import Expression, ExpressionError, Seen
from workflow.definition.values import UnfitValueError, Value
from workflow.definition.webhooks.webhook import Accept, From, Webhook
from workflow.errors import PayloadError
from workflow.runtime.ask import Ask, request_id_for

UNDECLARED, IGNORED = "undeclared", "ignored"

_LONGEST_NAME = 64


class MappingError(ValueError):
    """A delivery from which it cannot be told what is asked for; what it says quotes no value."""


class AskMapping:
    """The expressions of one webhook; safe from several threads."""

    def __init__(self, webhook: Webhook) -> None:
        self._source = webhook.name
        self._request_id = Expression(webhook.request_id)
        self._by = _compiled(webhook.by)
        self._accepts = [_Accept(accept) for accept in webhook.accepts]

    def read(self, seen: Seen) -> Ask | str:
        """What the delivery asks for, or UNDECLARED or IGNORED; raises MappingError, or PayloadError where the
        payload is what does not fit."""
        accept = next((accept for accept in self._accepts if accept.when is None or _holds(accept.when, seen)), None)
        if accept is None:
            return UNDECLARED
        if accept.ignore is not None and _holds(accept.ignore, seen):
            return IGNORED
        request_id = _read_id("request id", self._request_id, seen)
        return Ask(
            kind=_read_name("kind", accept.kind, seen),
            entity_id=_read_id("id", accept.id, seen),
            trigger=_read_name("trigger", accept.trigger, seen),
            payload=_read_payload(self._source, accept.payload, seen),
            request_id=request_id_for(f"{self._source}:{request_id}"),
            by=self._read_by(seen),
        )

    def _read_by(self, seen: Seen) -> str:
        value = None if self._by is None else _evaluated("asker", self._by, seen)
        if value is None:
            return f"webhook:{self._source}"
        # A sender names people as it knows them, and must not sound like somebody else: a person at a shell, a timer.
        return f"{self._source}:{_as_text('asker', self._by, value)}"


class _Accept:
    def __init__(self, accept: Accept) -> None:
        self.when, self.ignore = _compiled(accept.when), _compiled(accept.ignore)
        self.kind, self.trigger = _compiled_name(accept.kind), _compiled_name(accept.trigger)
        self.id = Expression(accept.id)
        self.payload = {name: Expression(text) for name, text in accept.payload.items()}


def _compiled(text: str) -> Expression | None:
    return Expression(text) if text else None


def _compiled_name(name: str | From) -> str | Expression:
    return Expression(name.expression) if isinstance(name, From) else name


def _holds(expression: Expression, seen: Seen) -> bool:
    try:
        return expression.holds(seen)
    except ExpressionError as error:
        raise MappingError(str(error)) from None


def _evaluated(what: str, expression: Expression, seen: Seen) -> Value:
    try:
        return expression.evaluate(seen)
    except (ExpressionError, UnfitValueError) as error:
        raise MappingError(f"the {what}: {error}") from None


def _read_id(what: str, expression: Expression, seen: Seen) -> str:
    return _as_text(what, expression, _evaluated(what, expression, seen))


def _as_text(what: str, expression: Expression | None, value: Value) -> str:
    """The text or whole number that was found, as text."""
    told = f"the {what}, {expression.text if expression else ''},"
    if value is None or value == "":
        raise MappingError(f"{told} is not in the delivery")
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise MappingError(f"{told} is neither text nor a whole number")


def _read_name(what: str, name: str | Expression, seen: Seen) -> str:
    if isinstance(name, str):
        return name
    value = _evaluated(what, name, seen)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NAME:
        raise MappingError(f"the {what}, {name.text}, is no name in the delivery")
    return value


def _read_payload(source: str, payload: dict[str, Expression], seen: Seen) -> dict[str, Value]:
    """The values by name, without those that are null; raises PayloadError with everything that does not fit."""
    values: dict[str, Value] = {}
    problems: list[str] = []
    for name, expression in payload.items():
        try:
            values[name] = expression.evaluate(seen)
        except (ExpressionError, UnfitValueError) as error:
            problems.append(f"payload.{name}: {error}")
    if problems:
        raise PayloadError(f"webhook {source}: {'; '.join(problems)}")
    return {name: value for name, value in values.items() if value is not None}
