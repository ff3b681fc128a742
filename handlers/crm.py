"""Contacts in a CRM, many in one call, as HubSpot takes them.

https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/batch/post-crm-v3-objects-contacts-batch-upsert
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import urllib3

from handlers.parameters import find_secret
from workflow.errors import Refused

log = logging.getLogger(__name__)

AT_ONCE = 100
"""As many records as one call takes."""

ID_PROPERTY = "contact_id"
"""The property of the CRM, marked as unique there, by which a contact is known."""

_PATH = "/crm/v3/objects/contacts/batch/upsert"
_TIMEOUT = urllib3.Timeout(connect=3, read=10)
_REFUSED = (400, 409, 413, 422)
_LONGEST_SAID = 200
_http: list[urllib3.PoolManager] = []
_lock = threading.Lock()


class Record(NamedTuple):
    """What the CRM is to know of one contact."""

    id: str
    properties: Mapping[str, str]


class CrmRefusedError(Refused):
    """The CRM refused a record, or a call, for good: asking again changes nothing until a person does."""


class CrmNotReachedError(Exception):
    """The CRM did not take a call now, or nobody knows whether it did; another try may do."""


def upsert(records: Sequence[Record]) -> dict[str, CrmRefusedError]:
    """Writes up to a hundred records in one call, and returns by id why one was refused; does nothing where CRM_URL is
    not set.

    Raises CrmRefusedError if the call was refused as a whole, as one bad record may bring about, and CrmNotReachedError
    for what says nothing of any record.
    """
    url = os.environ.get("CRM_URL", "").rstrip("/")
    if not url:
        log.debug("CRM_URL is not set: %d contacts are not brought to the CRM", len(records))
        return {}
    inputs = [{"idProperty": ID_PROPERTY, "id": one.id, "properties": dict(one.properties)} for one in records]
    return _refused({one.id for one in records}, _call(f"{url}{_PATH}", {"inputs": inputs}))


def _call(url: str, body: Mapping[str, object]) -> Any:
    try:
        answer = _pool().request("POST", url, body=json.dumps(body).encode(), headers=_headers())
    except urllib3.exceptions.HTTPError as error:
        raise CrmNotReachedError(f"POST {url}: {type(error).__name__}") from error
    if answer.status in _REFUSED:
        raise CrmRefusedError(f"POST {url}: {answer.status} {_said(answer)}")
    if answer.status not in (200, 201, 207):
        # A token that is wrong as well: no record is to blame, and a person will put it right.
        raise CrmNotReachedError(f"POST {url}: {answer.status} {_said(answer)}")
    try:
        return answer.json()
    except ValueError as error:
        raise CrmNotReachedError(f"POST {url}: its answer is no JSON") from error


def _headers() -> dict[str, str]:
    headers = {"Content-Type": "application/json", "User-Agent": "stream-workflow"}
    # Files end with a line, and so do the secrets that are put from files.
    if token := (find_secret("CRM_TOKEN") or "").strip():
        if not token.isascii() or not token.isprintable():
            # The HTTP library would say so too, and quote it.
            raise CrmNotReachedError("CRM_TOKEN is no token: it holds a character that no header takes")
        headers["Authorization"] = f"Bearer {token}"
    return headers


def _refused(asked: set[str], answer: Any) -> dict[str, CrmRefusedError]:
    """Why each record was refused that was; raises CrmNotReachedError unless the answer speaks of every one."""
    try:
        # https://developers.hubspot.com/docs/guides/api/other-resources/error-handling#multi-status-errors
        refused = {
            str(entity): CrmRefusedError(f"{error['category']}: {str(error['message'])[:_LONGEST_SAID]}")
            for error in answer.get("errors", ())
            for entity in error["context"]["ids"]
        }
        taken = {str(result["properties"][ID_PROPERTY]) for result in answer["results"]}
    except (AttributeError, KeyError, TypeError) as error:
        raise CrmNotReachedError(f"nobody can read what the CRM answered: {type(error).__name__}") from error
    if missing := asked - taken - set(refused):
        raise CrmNotReachedError(f"the CRM's answer says nothing of {len(missing)} of {len(asked)} records")
    return refused


def _said(answer: urllib3.BaseHTTPResponse) -> str:
    try:
        return str(answer.json()["message"])[:_LONGEST_SAID]
    except (ValueError, TypeError, KeyError):
        return ""


def _pool() -> urllib3.PoolManager:
    # Neither retries nor redirects: the effect is what is tried again, and the token is for this address alone.
    with _lock:
        if not _http:
            _http.append(urllib3.PoolManager(timeout=_TIMEOUT, retries=False, maxsize=4))
        return _http[0]
