"""What of payloads and changes may leave the table, for readers who may not see sensitive values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from workflow.definition.definition import Definition
from workflow.definition.values import Value
from workflow.engine.events import Event
from workflow.runtime.redact import quotable, redact


class Secrets:
    """Every text by which the sensitive values of one history may be quoted."""

    def __init__(self, values: Iterable[Value]) -> None:
        # The same value stands in many events; by its text, for a map cannot be looked up.
        unique = {repr(value): value for value in values if value is not None}
        self._texts = frozenset(text for value in unique.values() for text in quotable(value))
        self._folded = [text.casefold() for text in self._texts]

    def hidden_in(self, text: str) -> str:
        """The text, what is secret of it hidden."""
        if not self._texts:
            return text
        folded = text.casefold()
        # Looked for first: the pattern that hides costs a hundred times as much, and is hardly ever needed.
        return redact(text, self._texts) if any(secret in folded for secret in self._folded) else text


class Openly:
    """The fields of one kind that a loaded version of its definition declares and none calls sensitive. Whatever else a
    payload may hold, nobody has said that it may be shown."""

    def __init__(self, definitions: Iterable[Definition], kind: str) -> None:
        self._versions = [definition for definition in definitions if definition.kind == kind]

    @property
    def is_known(self) -> bool:
        """Whether any definition of the kind is loaded; if none is, nothing may be shown."""
        return bool(self._versions)

    @cached_property
    def _sensitive(self) -> frozenset[str]:
        return frozenset[str]().union(*(definition.sensitive for definition in self._versions))

    @cached_property
    def _shown(self) -> frozenset[str]:
        required = (way.requires for definition in self._versions for way in definition.transitions)
        declared = (definition.data for definition in self._versions)
        return frozenset[str]().union(*required, *declared) - self._sensitive

    def secrets(self, events: Iterable[Event]) -> Secrets:
        """What is secret in one history."""
        values = (values for event in events for values in (event.payload, event.changes))
        return Secrets(held.get(name) for held in values for name in self._sensitive)

    def values(self, values: Mapping[str, Value], secrets: Secrets) -> dict[str, Value]:
        """The fields that may be shown, what is secret of them hidden."""
        return {name: self._value(value, secrets) for name, value in values.items() if name in self._shown}

    def _value(self, value: Value, secrets: Secrets) -> Value:
        if isinstance(value, str):
            return secrets.hidden_in(value)
        if isinstance(value, list):
            return [self._value(item, secrets) for item in value]
        if isinstance(value, Mapping):
            inner = {secrets.hidden_in(name): item for name, item in value.items() if name not in self._sensitive}
            return {name: self._value(item, secrets) for name, item in inner.items()}
        return value
