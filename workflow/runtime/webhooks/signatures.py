"""Is a delivery signed with one of these secrets, and signed lately? Pure: no clock, no I/O, and nothing is raised.

HMAC-SHA256 over the bytes as they came, compared in constant time with every secret and every signature given,
also after one has fitted. What a header holds is compared as it is written: no other case, padding or blank.

GitHub: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
Stripe: https://docs.stripe.com/webhooks#verify-manually
Standard Webhooks: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from workflow.definition.webhooks.webhook import BASE64, GITHUB, HEX, HMAC, STANDARD, TIMESTAMPED, Signature

LONGEST_HEADER = 8192
"""Characters; API Gateway takes 10,240 bytes of request line and headers in all.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html"""

_SECONDS = re.compile(r"[0-9]{1,15}")
_PREFIX_OF_SECRETS = b"whsec_"
_GITHUB = Signature(GITHUB, (), "x-hub-signature-256", prefix="sha256=")


class _Signed(NamedTuple):
    """What was signed, and the signatures that came with it, in the encoding that is expected."""

    content: bytes
    given: Sequence[str]
    encoding: str = HEX


def fits(
    signature: Signature, secrets: Iterable[bytes], headers: Mapping[str, str], body: bytes, now: datetime
) -> bool:
    """Whether the body came with a signature that one of the secrets makes, at a time not too far from `now`."""
    read = _READERS.get(signature.scheme)
    signed = read(signature, headers, body, now.timestamp()) if read else None
    if signed is None:
        return False
    found = False
    for key in [key_of(signature, secret) for secret in secrets]:
        # Anybody can sign with nothing: a key that is empty, or that could not be read, fits nothing.
        if key:
            found |= _is_made_by(key, signed)
    return found


def key_of(signature: Signature, secret: bytes) -> bytes:
    """The bytes that sign; empty where the secret cannot be one of its scheme.

    Standard Webhooks writes secrets in base64, behind `whsec_`; all others are taken as they are.
    """
    if signature.scheme != STANDARD:
        return secret
    try:
        return base64.b64decode(secret.strip().removeprefix(_PREFIX_OF_SECRETS), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _is_made_by(key: bytes, signed: _Signed) -> bool:
    digest = hmac.new(key, signed.content, hashlib.sha256)
    made = digest.hexdigest().encode() if signed.encoding == HEX else base64.b64encode(digest.digest())
    found = False
    for given in signed.given:
        found |= hmac.compare_digest(made, given.encode())
    return found


def _read_plain(signature: Signature, headers: Mapping[str, str], body: bytes, _: float) -> _Signed | None:
    given = _find(headers, signature.header)
    if given is None or not given.startswith(signature.prefix):
        return None
    return _Signed(body, [given.removeprefix(signature.prefix)], signature.encoding)


def _read_github(_: Signature, headers: Mapping[str, str], body: bytes, now: float) -> _Signed | None:
    """`X-Hub-Signature-256: sha256=<hex>`, over the body."""
    return _read_plain(_GITHUB, headers, body, now)


def _read_timestamped(signature: Signature, headers: Mapping[str, str], body: bytes, now: float) -> _Signed | None:
    """`t=<seconds>,v1=<hex>,v1=<hex>`, over `<seconds>.<body>`; other versions than v1 are passed over."""
    header = _find(headers, signature.header)
    if header is None:
        return None
    parts = [part.partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    if len(times) != 1 or not _is_lately(times[0], now, signature.tolerance_seconds):
        return None
    return _Signed(b"%b.%b" % (times[0].encode(), body), [value for name, _, value in parts if name == "v1"])


def _read_standard(signature: Signature, headers: Mapping[str, str], body: bytes, now: float) -> _Signed | None:
    """`webhook-signature: v1,<base64> v1,<base64>`, over `<webhook-id>.<webhook-timestamp>.<body>`."""
    own_id, time, header = (_find(headers, f"webhook-{name}") for name in ("id", "timestamp", "signature"))
    # A dot in the id would let one signed text be read as another id, time and body.
    if not own_id or time is None or header is None or "." in own_id:
        return None
    if not _is_lately(time, now, signature.tolerance_seconds):
        return None
    parts = [part.partition(",") for part in header.split(" ")]
    content = b"%b.%b.%b" % (own_id.encode(), time.encode(), body)
    return _Signed(content, [value for version, _, value in parts if version == "v1"], BASE64)


_READERS = {GITHUB: _read_github, TIMESTAMPED: _read_timestamped, STANDARD: _read_standard, HMAC: _read_plain}


def _find(headers: Mapping[str, str], name: str) -> str | None:
    """The header's value; None where there is none, or one that no sender writes."""
    value = headers.get(name)
    return value if isinstance(value, str) and value.isascii() and len(value) <= LONGEST_HEADER else None


def _is_lately(written: str, now: float, tolerance_seconds: int) -> bool:
    """Whether the time, whole seconds since 1970, is near enough to ours, before or after."""
    return _SECONDS.fullmatch(written) is not None and abs(now - int(written)) <= tolerance_seconds
