"""Telling the application how a build ended: a signed webhook, until it is taken.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import NamedTuple

from handlers.builds.port import key_of, name_of

_TIMEOUT_SECONDS = 15
_LONGEST_PAUSE_SECONDS = 20
_PATIENCE_SECONDS = 900
# 401 too: clocks go wrong and secrets change, and both are put right again.
_COMES_AGAIN = frozenset({401, 408, 425, 429})


class Report(NamedTuple):
    """How one attempt of a job ended."""

    job: str
    attempt: int
    exit_code: int
    log_url: str

    @property
    def id(self) -> str:
        """The same for every repetition of the report."""
        return f"build-{name_of(key_of(self.job, self.attempt))}"

    def body(self) -> bytes:
        """What is posted."""
        kind = "build.passed" if self.exit_code == 0 else "build.failed"
        return json.dumps({"type": kind, "data": self._asdict()}).encode()


def send(report: Report, url: str, secret: str, *, note: Callable[[str], None] = print) -> bool:
    """Posts the report until it is answered for good, with growing pauses and for a quarter of an hour; whether it was
    taken. `note` is told each answer."""
    deadline, pause = time.monotonic() + _PATIENCE_SECONDS, 0.2
    while True:
        status = _post(report, url, secret)
        note(f"reported {report.id} (exit code {report.exit_code}): {status or 'no answer'}")
        if status and status < 500 and status not in _COMES_AGAIN:
            return status < 300
        if time.monotonic() + pause > deadline:
            return False
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _post(report: Report, url: str, secret: str) -> int:
    body = report.body()
    headers = {"Content-Type": "application/json"} | signed(report.id, int(time.time()), body, secret)
    try:
        with _OPENER.open(urllib.request.Request(url, body, headers), timeout=_TIMEOUT_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except (OSError, http.client.HTTPException):
        return 0


def signed(id: str, timestamp_seconds: int, body: bytes, secret: str) -> dict[str, str]:
    """The three headers that prove who sent the body, and when."""
    content = b"%s.%d.%s" % (id.encode(), timestamp_seconds, body)
    signature = base64.b64encode(hmac.digest(_key(secret), content, hashlib.sha256)).decode()
    return {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp_seconds),
        "webhook-signature": f"v1,{signature}",
    }


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.strip().removeprefix("whsec_"))


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        # A report is for the address that was given, and for nobody whom that one names.
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)
