"""What this project sees of GitHub, on this machine: it delivers signed webhooks, and takes commits' statuses."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import urllib3

_PATH = re.compile(r"/repos/(?P<name>[^/]+/[^/]+)/(?:statuses/(?P<to>[0-9a-f]+)|commits/(?P<of>[0-9a-f]+)/statuses)")
_TIMEOUT_SECONDS = 30


class Reply(NamedTuple):
    """What a webhook answered."""

    status: int
    content: Mapping[str, Any]


class GitHub:
    """GitHub's two calls for statuses, at `url`, for whoever has the token; and its way to deliver."""

    def __init__(self, token: str) -> None:
        self.token, self.url = token, ""
        self._statuses: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def statuses(self, repository: str, commit: str) -> list[tuple[str, str]]:
        """State and description of a commit's statuses, oldest first, without the mark of the effect."""
        with self._lock:
            found = list(reversed(self._statuses.get((repository, commit), [])))
        return [(status["state"], status["description"].rpartition(" [")[0]) for status in found]

    def answer(self, method: str, path: str, token: str, body: bytes) -> tuple[int, object]:
        """Status and content of the answer to one call."""
        parts = urlsplit(path)
        found = _PATH.fullmatch(parts.path)
        if token != f"Bearer {self.token}":
            return 401, {"message": "Bad credentials"}
        with self._lock:
            if found and found["to"] and method == "POST":
                # https://docs.github.com/en/rest/commits/statuses#create-a-commit-status
                self._statuses.setdefault((found["name"], found["to"]), []).insert(0, json.loads(body))
                return 201, {}
            if found and found["of"] and method == "GET":
                # https://docs.github.com/en/rest/commits/statuses#list-commit-statuses-for-a-reference
                asked = parse_qs(parts.query)
                of_it = self._statuses.get((found["name"], found["of"]), [])
                size, page = int(asked["per_page"][0]), int(asked["page"][0])
                return 200, of_it[size * (page - 1) : size * page]
        return 404, {"message": "Not Found"}


def delivery_id() -> str:
    """A new X-GitHub-Delivery."""
    return str(uuid.uuid4())


def push_body(repository: str, branch: str, commit: str, sender: str) -> dict[str, Any]:
    """What GitHub says of a push, as far as anybody here reads it.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
    """
    return {
        "ref": f"refs/heads/{branch}",
        "after": commit,
        "deleted": False,
        "repository": {"full_name": repository},
        "sender": {"login": sender},
    }


def deliver(
    url: str,
    secret: bytes,
    content: object,
    *,
    delivery: str = "",
    told: str = "push",
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Reply:
    """Posts the content as GitHub does, signed with the secret; `headers` take the place of those it sends.

    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    """
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    sent = {
        "Content-Type": "application/json",
        "X-GitHub-Event": told,
        "X-GitHub-Delivery": delivery or delivery_id(),
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest(),
    }
    # GitHub does not repeat a delivery by itself.
    answer = urllib3.request(
        "POST", url, body=body, headers=sent | dict(headers), retries=False, timeout=_TIMEOUT_SECONDS
    )
    return Reply(answer.status, json.loads(answer.data) if answer.data else {})


@contextmanager
def serve_github(token: str) -> Iterator[GitHub]:
    """GitHub on this machine, for as long as the block lasts."""
    github = GitHub(token)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, content = github.answer(self.command, self.path, self.headers.get("authorization", ""), body)
            said = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    github.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield github
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
