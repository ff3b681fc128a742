"""Commit statuses on GitHub.

https://docs.github.com/en/rest/commits/statuses
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

import urllib3

from handlers.parameters import find_secret
from workflow.errors import Refused

log = logging.getLogger(__name__)

CONTEXT = "workflow"

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/(?!\.\.?$)[A-Za-z0-9._-]+")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_PAGE, _PAGES = 100, 10
# A commit takes 1000 statuses of one context, so ten pages are all there can be.
_LONGEST_DESCRIPTION = 140
_TIMEOUT = urllib3.Timeout(connect=3, read=10)
_http: list[urllib3.PoolManager] = []
_lock = threading.Lock()


class StatusRefusedError(Refused):
    """GitHub refused a status for good: asking again changes nothing until a person does."""


class StatusNotPostedError(Exception):
    """GitHub did not take a status now, or did not answer; another try may do."""


class Status(NamedTuple):
    """A commit's status: `state` is GitHub's word, pending, success, failure or error."""

    state: str
    description: str
    target_url: str = ""


def post_status(repository: str, commit: str, status: Status, *, key: str) -> None:
    """Posts the status once however often it is called with the same key; does nothing where GITHUB_API_URL is not set.

    Raises StatusRefusedError, or StatusNotPostedError for what may succeed later.
    """
    api_url = os.environ.get("GITHUB_API_URL", "").rstrip("/")
    if not api_url:
        log.debug("GITHUB_API_URL is not set: no status for %s", key)
        return
    if not _REPOSITORY.fullmatch(repository) or not _COMMIT.fullmatch(commit):
        raise StatusRefusedError(f"{repository}@{commit} is no commit that GitHub can have")
    description = _marked(status.description, key)
    statuses = f"{api_url}/repos/{repository}/commits/{commit}/statuses"
    if any(found.get("description") == description for found in _all(statuses)):
        return
    body = {"state": status.state, "context": CONTEXT, "description": description}
    # GitHub takes only links that a browser follows.
    if status.target_url.startswith(("https://", "http://")):
        body["target_url"] = status.target_url
    _call("POST", f"{api_url}/repos/{repository}/statuses/{commit}", body)


def _marked(description: str, key: str) -> str:
    # The key itself may be longer than all that a description takes.
    mark = f" [{hashlib.sha256(key.encode()).hexdigest()[:12]}]"
    return description[: _LONGEST_DESCRIPTION - len(mark)] + mark


def _all(url: str) -> Iterator[dict[str, Any]]:
    for page in range(1, _PAGES + 1):
        found = _call("GET", f"{url}?per_page={_PAGE}&page={page}")
        yield from found
        if len(found) < _PAGE:
            return


def _call(method: str, url: str, body: dict[str, str] | None = None) -> Any:
    headers = {
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
        "User-Agent": "stream-workflow",
    }
    # Files end with a line, and so do the secrets that are put from files.
    if token := (find_secret("GITHUB_TOKEN") or "").strip():
        if not token.isascii() or not token.isprintable():
            # The HTTP library would say so too, and quote it.
            raise StatusRefusedError("GITHUB_TOKEN is no token: it holds a character that no header takes")
        headers["Authorization"] = f"Bearer {token}"
    sent = None if body is None else json.dumps(body).encode()
    try:
        answer = _pool().request(method, url, body=sent, headers=headers)
    except urllib3.exceptions.HTTPError as error:
        raise StatusNotPostedError(f"{method} {url}: {type(error).__name__}") from error
    if answer.status >= 300:
        _refuse(f"{method} {url}: {answer.status} {_said(answer)}", answer)
    return answer.json()


def _refuse(what: str, answer: urllib3.BaseHTTPResponse) -> None:
    # https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api: the limits answer 403 too.
    slow_down = "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"
    if answer.status >= 500 or answer.status in (408, 429) or (answer.status == 403 and slow_down):
        raise StatusNotPostedError(what)
    raise StatusRefusedError(what)


def _said(answer: urllib3.BaseHTTPResponse) -> str:
    try:
        return str(answer.json()["message"])[:200]
    except (ValueError, TypeError, KeyError):
        return ""


def _pool() -> urllib3.PoolManager:
    # Neither retries nor redirects: the effect is what is tried again, and the token is for this address alone.
    with _lock:
        if not _http:
            _http.append(urllib3.PoolManager(timeout=_TIMEOUT, retries=False, maxsize=4))
        return _http[0]
