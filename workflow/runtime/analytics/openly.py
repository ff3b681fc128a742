"""Openly: what of payloads and changes may leave the table, for eyes that may not see everything."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property

from workflow.definition.definition import Definition
from workflow.definition.values import Value
from workflow.engine.events import Event
from workflow.runtime.redact import quotable, redact


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

    def secrets(self, events: Iterable[Event]) -> frozenset[str]:
        """Every text by which the sensitive values of one history may be quoted elsewhere."""
        values = (values for event in events for values in (event.payload, event.changes))
        return frozenset(text for held in values for name in self._sensitive for text in quotable(held.get(name)))

    def text(self, text: str, secrets: Collection[str]) -> str:
        """The text, what is secret of it hidden."""
        folded = text.casefold()
        # Looked for first: the pattern that hides costs a hundred times as much, and is hardly ever needed.
        return redact(text, secrets) if any(secret.casefold() in folded for secret in secrets) else text

    def values(self, values: Mapping[str, Value], secrets: Collection[str]) -> dict[str, Value]:
        """The fields that may be shown, what is secret of them hidden."""
        return {name: self._value(value, secrets) for name, value in values.items() if name in self._shown}

    def _value(self, value: Value, secrets: Collection[str]) -> Value:
        if isinstance(value, str):
            return self.text(value, secrets)
        if isinstance(value, list):
            return [self._value(item, secrets) for item in value]
        if isinstance(value, Mapping):
            inner = {self.text(name, secrets): item for name, item in value.items() if name not in self._sensitive}
            return {name: self._value(item, secrets) for name, item in inner.items()}
        return value
