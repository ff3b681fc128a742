"""The shape of a webhook file, closed: what is not named here is refused. The published schema derives from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainValidator,
    StrictInt,
    StrictStr,
    StringConstraints,
    WithJsonSchema,
)

from workflow.definition import durations, slips
from workflow.definition.expressions import Expression, ExpressionError
from workflow.definition.shapes import (
    GIVEN,
    MAP,
    TEXT,
    Closed,
    Duration,
    ExpressionText,
    Name,
    Text,
    by_shape_of_map,
    judged,
)
from workflow.definition.suggestions import ways_out
from workflow.definition.webhooks.webhook import BASE64, ENCODINGS, GITHUB, HEX, HMAC, ROOTS, SCHEMES, STANDARD
from workflow.definition.webhooks.webhook import MOST_BYTES as DEFAULT_MOST_BYTES
from workflow.definition.webhooks.webhook import TIMESTAMPED as TIMED

MAX_BYTES = 6 * 1024 * 1024
"""A Lambda function is given no larger request.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

MAX_SECRETS = 8

LONGEST_TOLERANCE_SECONDS = 86_400

KEYS_OF_SCHEME: Mapping[str, tuple[str, ...]] = {
    GITHUB: ("scheme", "secrets"),
    TIMED: ("scheme", "secrets", "header", "tolerance"),
    STANDARD: ("scheme", "secrets", "tolerance"),
    HMAC: ("scheme", "secrets", "header", "encoding", "prefix"),
}
"""The keys of a signature that each scheme knows."""

_SECRET_PATTERN = r"^(ssm|secretsmanager):[A-Za-z0-9/_+=.@:-]{1,1011}$"
_HEADER_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9-]{0,63}$"


def _in_reach(expression: Expression) -> None:
    """Raises where a name is none that a delivery has."""
    for path in sorted(expression.paths()):
        if path[0] not in ROOTS:
            way_out = slips.find_literal(path[0], expression.text) or ways_out(path[0], ROOTS, "it may start from")
            raise judged(f"the expression starts from {path[0][:60]!r}", way_out)
        if path[0] == "headers" and len(path) > 1 and path[1] != path[1].lower():
            message = f"headers are known by their names in lower case, not as {path[1][:60]!r}"
            raise judged(message, f'write headers."{path[1][:60].lower()}"')
    inside = sorted(expression.element_names() & set(ROOTS))
    if inside:
        message = f"inside a filter or after &, names start from the element, not from the root: {inside[0]!r}"
        raise judged(message, f"compare outside of it; '@.{inside[0]}' is the element's own")


def _compiles(text: str) -> str:
    try:
        expression = Expression(text)
    except ExpressionError as error:
        raise judged(str(error), _way_out(text, error)) from None
    _in_reach(expression)
    return text


def _way_out(text: str, error: ExpressionError) -> str:
    bare = re.search(r"headers\.([A-Za-z0-9]+(?:-[A-Za-z0-9]+)+)", text)
    if bare:
        # In a bare name with a dash, jmespath sees a subtraction.
        return f'write headers."{bare[1].lower()}", with the quotes'
    what, _, _ = error.way_out.partition("; ")
    if what.startswith("JMESPath has no"):
        return f"{what}; map the numbers as they are, and let the definition compute"
    return error.way_out or "write JMESPath such as body.repository.full_name"


Mapped: TypeAlias = Annotated[ExpressionText, AfterValidator(_compiles)]
"""JMESPath over the body and the headers of a delivery."""


def _scheme(given: object) -> str:
    if isinstance(given, str) and given in SCHEMES:
        return given
    if not isinstance(given, str):
        raise judged("expected the name of a signature scheme", f"write one of {', '.join(SCHEMES)}")
    raise judged(f"there is no signature scheme {given[:40]!r}", ways_out(given, SCHEMES, "schemes"))


def _encoding(given: object) -> str:
    if isinstance(given, str) and given in ENCODINGS:
        return given
    raise judged("expected how the signature is written", f"write one of {', '.join(ENCODINGS)}")


def _secret(given: object) -> str:
    if isinstance(given, str) and re.fullmatch(_SECRET_PATTERN, given):
        return given
    # What was written stays unsaid: it may be the secret itself.
    way_out = "write ssm:/ci/github-webhook or secretsmanager:github-webhook; never the secret itself"
    raise judged("this is not the name of a secret", way_out)


def _different(secrets: list[str]) -> list[str]:
    if len(set(secrets)) < len(secrets):
        raise judged("secrets: names one twice", "name each once")
    return secrets


def _header(given: str) -> str:
    if re.fullmatch(_HEADER_PATTERN, given):
        return given
    raise judged(f"{given[:40]!r} is not the name of a header", "write one such as x-signature")


def _tolerance(text: str) -> str:
    seconds = durations.seconds(text)
    if seconds != int(seconds) or seconds > LONGEST_TOLERANCE_SECONDS:
        message = f"the tolerance {text} is no whole number of seconds up to a day"
        raise judged(message, "write one such as 5m; the longer, the longer a delivery can be replayed")
    return text


_SCHEME_KEYS_SCHEMA: list[JsonValue] = [
    {
        "if": {"properties": {"scheme": {"const": scheme}}, "required": ["scheme"]},
        "then": {"propertyNames": {"enum": list(keys)}, **({"required": ["header"]} if scheme == HMAC else {})},
    }
    for scheme, keys in KEYS_OF_SCHEME.items()
]


class SignatureModel(Closed):
    """How deliveries are signed."""

    model_config = ConfigDict(json_schema_extra={"allOf": _SCHEME_KEYS_SCHEMA})

    scheme: Annotated[str, PlainValidator(_scheme), WithJsonSchema({"type": "string", "enum": list(SCHEMES)})] = Field(
        description="Who signs how: github, timestamped (as Stripe does), standard-webhooks, or plain hmac."
    )
    secrets: Annotated[
        list[Annotated[str, PlainValidator(_secret), WithJsonSchema({"type": "string", "pattern": _SECRET_PATTERN})]],
        Field(min_length=1, max_length=MAX_SECRETS),
        AfterValidator(_different),
    ] = Field(description="The names of the secrets, ssm:... or secretsmanager:...; each one is active.")
    header: Annotated[
        Annotated[StrictStr, AfterValidator(_header), Field(json_schema_extra={"pattern": _HEADER_PATTERN})] | None,
        GIVEN,
    ] = Field(
        default=None,
        description="The header that holds the signature; of hmac, and of timestamped if it is "
        "another than stripe-signature.",
    )
    encoding: Annotated[str, PlainValidator(_encoding), WithJsonSchema({"type": "string", "enum": [HEX, BASE64]})] = (
        Field(default=HEX, description="How the signature is written; of hmac.")
    )
    prefix: Annotated[StrictStr, StringConstraints(pattern=r"^[\x20-\x7e]{0,64}$")] = Field(
        default="", description="What stands before the signature, such as sha256=; of hmac."
    )
    tolerance: Annotated[Duration, AfterValidator(_tolerance)] = Field(
        default="5m", description="How far the signed time may be from ours, both ways; of the schemes that have one."
    )


class FromModel(Closed):
    """A name that the delivery gives."""

    from_: Mapped = Field(alias="from", description="JMESPath over body and headers that gives the name.")


NameSpec: TypeAlias = Annotated[
    Annotated[Name, TEXT] | Annotated[FromModel, MAP],
    by_shape_of_map("a name or a map such as {from: body.kind}"),
]


class AcceptModel(Closed):
    """One sort of delivery, and what it becomes."""

    description: Text = Field(default="", description="For people; it changes nothing.")
    when: Annotated[Mapped | None, GIVEN] = Field(
        default=None, description="JMESPath that holds for deliveries of this sort; without it, for all."
    )
    ignore: Annotated[Mapped | None, GIVEN] = Field(
        default=None, description="JMESPath that holds for those that are to be let pass without a trace."
    )
    kind: NameSpec = Field(description="The kind of the entity: a name, or {from: JMESPath}.")
    id: Mapped = Field(description="JMESPath that gives the entity's id, text or a whole number.")
    trigger: NameSpec = Field(description="The trigger to fire, or create: a name, or {from: JMESPath}.")
    payload: dict[Name, Mapped] = Field(
        default={}, description="The payload, or the data of what is created: names with JMESPath; null is left out."
    )


class WebhookModel(Closed):
    """One source of deliveries, posted to /webhooks/<its name>."""

    webhook: Name = Field(description="The name of the source: github is posted to /webhooks/github.")
    description: Text = Field(default="", description="For people; it changes nothing.")
    signature: SignatureModel = Field(description="Who signs how, and with which secrets.")
    request_id: Mapped = Field(
        description="JMESPath that gives the delivery's id, the same at every repetition: text or a whole number."
    )
    by: Annotated[Mapped | None, GIVEN] = Field(
        default=None,
        description="JMESPath that gives who asks, kept as <the source>:<who>; without it, webhook:<the source>.",
    )
    most_bytes: StrictInt = Field(
        default=DEFAULT_MOST_BYTES, ge=1, le=MAX_BYTES, description="A larger body is refused unread."
    )
    accept: Annotated[list[AcceptModel], Field(min_length=1)] = Field(
        description="What deliveries become: the first entry whose `when` holds is taken."
    )
