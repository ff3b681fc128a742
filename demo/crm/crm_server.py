"""A CRM on this machine that takes contacts as HubSpot does, a hundred in a call, and fails when it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from handlers.crm import AT_ONCE, ID_PROPERTY

PATH = "/crm/v3/objects/contacts/batch/upsert"


@dataclass
class CrmServer:
    """Takes contacts until told otherwise: `slow_seconds` before each answer; every call answered 503 (`is_down`); the
    next ones told to come later (`busy`), or taken without an answer (`cuts`). It refuses single records whose email is
    in `refuses`, and a whole call with one whose email is in `chokes_on`.

    `calls` says of each call how many records it had and what it was answered; `writes` has the properties that were
    written, in order, by contact.
    """

    token: str = ""
    slow_seconds: float = 0.0
    is_down: bool = False
    busy: int = 0
    cuts: int = 0
    refuses: set[str] = field(default_factory=set)
    chokes_on: set[str] = field(default_factory=set)
    calls: list[tuple[int, int]] = field(default_factory=list)
    writes: dict[str, list[dict[str, str]]] = field(default_factory=lambda: defaultdict(list))
    url: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def versions(self, contact: str) -> list[int]:
        """The versions of a contact that were written, in order."""
        return [int(written["source_version"]) for written in self.writes[contact]]

    def answer(self, path: str, token: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and content; status 0 means that it hangs up."""
        time.sleep(self.slow_seconds)
        inputs = json.loads(body)["inputs"]
        with self._lock:
            status, content = self._answer(path, token, inputs)
            self.calls.append((len(inputs), status))
        return status, content

    def _answer(self, path: str, token: str, inputs: Sequence[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
        if path != PATH:
            return 404, {"status": "error", "message": "no such resource"}
        if token != (f"Bearer {self.token}" if self.token else ""):
            return 401, {"status": "error", "category": "INVALID_AUTHENTICATION", "message": "no valid token"}
        if self.is_down:
            return 503, {"status": "error", "message": "we are working on it"}
        if self.busy:
            self.busy -= 1
            return 429, {"status": "error", "category": "RATE_LIMITS", "message": "ten calls a second"}
        if len(inputs) > AT_ONCE:
            return 400, {"status": "error", "category": "VALIDATION_ERROR", "message": f"at most {AT_ONCE} inputs"}
        emails = {one["properties"]["email"] for one in inputs}
        if emails & self.chokes_on:
            return 400, {"status": "error", "category": "VALIDATION_ERROR", "message": "Invalid input JSON"}
        return self._write(inputs)

    def _write(self, inputs: Sequence[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
        taken = [one for one in inputs if one["properties"]["email"] not in self.refuses]
        refused = [one["id"] for one in inputs if one["properties"]["email"] in self.refuses]
        for one in taken:
            self.writes[one["id"]].append(one["properties"])
        content: dict[str, Any] = {
            "status": "COMPLETE",
            "results": [{"properties": {ID_PROPERTY: one["id"], **one["properties"]}} for one in taken],
        }
        if refused:
            error = {"status": "error", "category": "VALIDATION_ERROR", "message": "Property values were not valid"}
            content |= {"numErrors": 1, "errors": [{**error, "context": {"ids": refused}}]}
        if self.cuts:
            self.cuts -= 1
            return 0, {}
        return (207 if refused else 200), content


@contextmanager
def crm_server(token: str = "") -> Iterator[CrmServer]:
    """A CRM that listens as long as the block lasts."""
    crm = CrmServer(token)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, content = crm.answer(self.path, self.headers.get("authorization", ""), body)
            if not status:
                self.close_connection = True
                return
            sent = json.dumps(content).encode()
            self.send_response(status)
            for name, value in _headers(status, sent).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    crm.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield crm
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _headers(status: int, sent: bytes) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Content-Length": str(len(sent))}
    return {**headers, "Retry-After": "1"} if status == 429 else headers
