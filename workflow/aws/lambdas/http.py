"""What API Gateway's HTTP APIs hand over, payload format 2.0, as the functions behind them take it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

LONGEST_CALLER = 900
"""As many characters of an ARN as are kept of who asked; IAM's own are shorter."""


def method_of(request: Mapping[str, Any]) -> str:
    """The method, '' of what comes from elsewhere."""
    return str(_context(request).get("http", {}).get("method", ""))


def headers_of(request: Mapping[str, Any]) -> dict[str, str]:
    """The headers by lower-case names."""
    return {name.lower(): value for name, value in (request.get("headers") or {}).items()}


def body_of(request: Mapping[str, Any]) -> bytes:
    """The bytes as they were sent; raises ValueError if they are not the base64 that they are said to be."""
    text = request.get("body") or ""
    if request.get("isBase64Encoded"):
        return base64.b64decode(text, validate=True)
    # A half of a pair is in no request that came as text; whatever it was, no signature may fit it.
    return str(text).encode("utf-8", "surrogatepass")


def caller_of(request: Mapping[str, Any]) -> str:
    """The ARN of who signed the request with AWS credentials, as a route with AWS_IAM tells it, else ''."""
    signed = (_context(request).get("authorizer") or {}).get("iam") or {}
    return str(signed.get("userArn") or "")[:LONGEST_CALLER]


def _context(request: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = request.get("requestContext") or {}
    return found
