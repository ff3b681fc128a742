"""A company that sells travel over HTTP: payments and bookings, each known by the key it was asked for under.

POST /PARTS makes one (`Idempotency-Key`: the same key again gives the same answer), DELETE /PARTS/KEY takes it back.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import urllib3

from workflow.errors import Refused

_DENIED = (402, 409, 410)
"""The card is declined, it is sold out, it is not sold any more: it has not been done, and never will be."""

_TIMEOUT = urllib3.Timeout(connect=3, read=10)
_http: list[urllib3.PoolManager] = []
_lock = threading.Lock()


class TravelDeniedError(Refused):
    """What was asked for cannot be had; nothing was charged or booked for it."""


class TravelRefusedError(Refused):
    """The company does not understand us: asking again changes nothing until a person does."""


class TravelDownError(Exception):
    """The company does not answer, or not now; nobody knows whether it has done what it was asked for."""


def buy(part: str, wanted: Mapping[str, object], *, key: str) -> str:
    """The number of the payment or booking, the same however often it is asked for with the same key.

    Raises TravelDeniedError, TravelRefusedError, or TravelDownError for what may succeed later.
    """
    answer = _call("POST", f"/{part}", wanted, {"Idempotency-Key": quote(key, safe="#")})
    number = answer.get("number") if isinstance(answer, dict) else None
    if not isinstance(number, str) or not number:
        raise TravelRefusedError(f"POST /{part}: it says yes, and no number")
    return number


def give_back(part: str, key: str) -> None:
    """Takes back what was bought under the key; a second time changes nothing. Raises as `buy` does."""
    _call("DELETE", f"/{part}/{quote(key, safe='')}")


def _call(
    method: str, path: str, body: Mapping[str, object] | None = None, headers: Mapping[str, str] | None = None
) -> Any:
    url = os.environ.get("TRAVEL_URL", "").rstrip("/")
    if not url:
        raise LookupError("TRAVEL_URL is not set; give the address of the company that sells travel")
    sent = None if body is None else json.dumps(body, default=str).encode()
    given = {"Content-Type": "application/json", "User-Agent": "stream-workflow", **(headers or {})}
    try:
        answer = _pool().request(method, url + path, body=sent, headers=given)
        said = answer.json() if answer.data else {}
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise TravelDownError(f"{method} {path}: {type(error).__name__}") from error
    if answer.status >= 300:
        _refuse(f"{method} {path}: {answer.status} {_reason(said)}".rstrip(), answer.status)
    return said


def _refuse(what: str, status: int) -> None:
    if status in _DENIED:
        raise TravelDeniedError(what)
    if status >= 500 or status in (408, 425, 429):
        raise TravelDownError(what)
    raise TravelRefusedError(what)


def _reason(said: object) -> str:
    reason = said.get("reason") if isinstance(said, dict) else None
    return reason[:200] if isinstance(reason, str) else ""


def _pool() -> urllib3.PoolManager:
    # No retries of its own: the effect is what is tried again, under the same key.
    with _lock:
        if not _http:
            _http.append(urllib3.PoolManager(timeout=_TIMEOUT, retries=False, maxsize=4))
        return _http[0]
