"""A webhook as the rest of the framework uses it: frozen, checked, and free of YAML and pydantic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

GITHUB, TIMESTAMPED, STANDARD, HMAC = SCHEMES = ("github", "timestamped", "standard-webhooks", "hmac")
"""How a sender signs; all of them with HMAC-SHA256."""

HEX, BASE64 = ENCODINGS = ("hex", "base64")
"""How the scheme `hmac` writes a signature."""

ROOTS = ("body", "headers")
"""The names an expression of a webhook may start from: the JSON body, and the headers by their lower-case names."""

MOST_BYTES = 1024 * 1024
TOLERANCE_SECONDS = 300

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Signature:
    """How deliveries are signed.

    Every one of `secrets`, names such as `ssm:/ci/github`, is active. `header` is the one that holds the signature, in
    lower case; `encoding` and `prefix` are for the scheme `hmac`. A signed time may be `tolerance_seconds` from ours in
    both directions.
    """

    scheme: str
    secrets: tuple[str, ...]
    header: str
    encoding: str = HEX
    prefix: str = ""
    tolerance_seconds: int = TOLERANCE_SECONDS


@dataclass(frozen=True, slots=True)
class From:
    """A name that the delivery gives, by this JMESPath."""

    expression: str


@dataclass(frozen=True, slots=True)
class Accept:
    """What a delivery becomes for which `when` holds ('' holds always), unless `ignore` does ('' never does).

    `kind` and `trigger` are names, `id` and the values of `payload` JMESPath; the trigger `create` creates the entity.
    """

    kind: str | From
    id: str
    trigger: str | From
    when: str = ""
    ignore: str = ""
    payload: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True)
class Webhook:
    """One source of deliveries: how they are signed, and what they become; the first of `accepts` that fits is taken.

    `request_id` and `by` are JMESPath; who asks is kept as `<name>:<by>`, without `by` ('') as `webhook:<name>`.
    """

    name: str
    signature: Signature
    request_id: str
    accepts: tuple[Accept, ...]
    by: str = ""
    most_bytes: int = MOST_BYTES


class Webhooks:
    """The loaded webhooks, by name."""

    def __init__(self, webhooks: tuple[Webhook, ...] = ()) -> None:
        self._webhooks = {webhook.name: webhook for webhook in sorted(webhooks, key=lambda webhook: webhook.name)}

    def __iter__(self) -> Iterator[Webhook]:
        return iter(self._webhooks.values())

    def find(self, name: str) -> Webhook | None:
        """The webhook of that source; None where there is none."""
        return self._webhooks.get(name)
