"""A company on this machine that sells travel over HTTP, and fails when it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import unquote

LOOPBACK = "127.0.0.1"
PARTS = ("payments", "flights", "hotels", "cars")


class Done(NamedTuple):
    """Something that really changed at the company: `buys` or `gives back`, which part, under which key."""

    what: str
    part: str
    key: str

    @property
    def trip(self) -> str:
        """The id of the trip that the key is of."""
        return trip_of(self.key)


def trip_of(key: str) -> str:
    """The id of the trip that the key of an effect is of; an id may hold a `#` itself."""
    return key.partition("#")[2].rsplit("#", 2)[0]


@dataclass
class Company:
    """Answers a key always as it did first. Has everything until told otherwise: parts that are `sold_out`, parts that
    are `down`, and the next answers lost (`cuts`), each after the company has done what it was asked for."""

    sold_out: set[str] = field(default_factory=set)
    down: set[str] = field(default_factory=set)
    cuts: int = 0
    done: list[Done] = field(default_factory=list)
    calls: int = 0
    url: str = ""
    _answers: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def changed(self, trip: str) -> list[tuple[str, str]]:
        """What was done for one trip, in order: `("buys", "hotels")`."""
        return [(one.what, one.part) for one in self.done if one.trip == trip]

    def answer(self, method: str, path: str, key: str) -> tuple[int, dict[str, str]]:
        """Status and content of the answer to one call; status 0: none, the line is cut."""
        part, _, named = path.lstrip("/").partition("/")
        with self._lock:
            self.calls += 1
            status, content = self._buy(part, key) if method == "POST" else self._give_back(part, unquote(named))
            if status < 300 and self.cuts:
                self.cuts -= 1
                return 0, {}
        return status, content

    def _buy(self, part: str, key: str) -> tuple[int, dict[str, str]]:
        if part not in PARTS or not key:
            return 400, {"reason": "ask for one of " + ", ".join(PARTS) + ", under a key"}
        if part in self.down:
            return 503, {"reason": "out of order"}
        if key not in self._answers:
            self._answers[key] = self._sell(part, key)
        return self._answers[key]

    def _sell(self, part: str, key: str) -> tuple[int, dict[str, str]]:
        # Also a no is for good: a call that was long on its way must not buy what nobody waits for any more.
        if part in self.sold_out:
            return 409, {"reason": f"no {part} left"}
        self.done.append(Done("buys", part, key))
        return 200, {"number": f"{part[0].upper()}{len(self.done):05}"}

    def _give_back(self, part: str, key: str) -> tuple[int, dict[str, str]]:
        if part in self.down:
            return 503, {"reason": "out of order"}
        if Done("buys", part, key) not in self.done:
            return 404, {"reason": "nothing was bought under that key"}
        if Done("gives back", part, key) not in self.done:
            self.done.append(Done("gives back", part, key))
        return 200, {}


@contextmanager
def open_company() -> Iterator[Company]:
    """A company that answers as long as the block lasts."""
    company = Company()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._answer()

        def do_DELETE(self) -> None:
            self._answer()

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            key = unquote(self.headers.get("Idempotency-Key") or "")
            status, content = company.answer(self.command, self.path, key)
            if not status:
                self.close_connection = True
                return
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    company.url = f"http://{LOOPBACK}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield company
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
