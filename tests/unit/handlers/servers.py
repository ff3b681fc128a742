"""Real servers on this machine that stand in for GitHub and for the application's own webhook."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """One request that a server got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Answered(NamedTuple):
    """What it answers; without a status it hangs up."""

    status: int
    content: object = None
    headers: Mapping[str, str] = MappingProxyType({})


@contextmanager
def serve(answer: Callable[[Asked], Answered]) -> Iterator[str]:
    """A server that answers so; nothing of it is left after the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answered = answer(Asked(self.command, self.path, headers, body))
            if not answered.status:
                self.close_connection = True
                return
            content = json.dumps(answered.content).encode()
            self.send_response(answered.status)
            for name, value in {**answered.headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class FakeGitHub:
    """GitHub's two calls for commit statuses; it keeps what was posted, newest first, as GitHub lists it."""

    def __init__(self) -> None:
        self.statuses: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[Asked] = []
        self.first: list[Answered] = []
        """What the next requests are answered, whatever they are; a status of 0 means that GitHub acts, and its answer
        is lost."""

    def answer(self, asked: Asked) -> Answered:
        self.asked.append(asked)
        if self.first:
            planned = self.first.pop(0)
            if not planned.status:
                self._act(asked)
            return planned
        return self._act(asked)

    def _act(self, asked: Asked) -> Answered:
        path, _, query = asked.path.partition("?")
        match asked.method, path.split("/")[1:]:
            case "POST", ["repos", owner, name, "statuses", sha]:
                posted = json.loads(asked.body)
                self.statuses.setdefault(f"{owner}/{name}@{sha}", []).insert(0, posted)
                return Answered(201, posted)
            case "GET", ["repos", owner, name, "commits", sha, "statuses"]:
                given = dict(pair.split("=") for pair in query.split("&"))
                size, page = int(given["per_page"]), int(given["page"])
                return Answered(200, self.statuses.get(f"{owner}/{name}@{sha}", [])[size * (page - 1) : size * page])
        return Answered(404, {"message": "Not Found"})

    def told(self, commit: str) -> list[tuple[str, str]]:
        """State and description of a commit's statuses, oldest first, without the mark of the effect."""
        found = reversed(self.statuses.get(commit, []))
        return [(status["state"], status["description"].rpartition(" [")[0]) for status in found]
