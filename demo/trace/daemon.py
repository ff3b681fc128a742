"""What stands in for X-Ray's daemon on this machine: it takes what the SDK sends, and keeps it."""

from __future__ import annotations

import json
import socket
import threading
import time
from types import TracebackType
from typing import Any

_HEADER = {"format": "json", "version": 1}
_MOST_BYTES = 65536
_TIMEOUT_SECONDS = 10


class DaemonError(Exception):
    """Something was sent that the daemon would not pass on."""


class TraceDaemon:
    """Listens for segment documents by UDP on loopback, until the block ends. `address` is what belongs into
    AWS_XRAY_DAEMON_ADDRESS. https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html"""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # Many processes send at once, and a socket that is full loses what comes without a word.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024 * 1024)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._packets: list[bytes] = []
        self._read: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> TraceDaemon:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, where: TracebackType | None
    ) -> None:
        # A packet without a byte ends it; nobody else can send one, for each begins with a header.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def documents(self, at_least: int = 0) -> list[dict[str, Any]]:
        """What has come so far, once there are so many; raises DaemonError if something is no document, or if fewer
        have come within ten seconds."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while len(self._packets) < at_least:
            if time.monotonic() > deadline:
                raise DaemonError(f"{len(self._packets)} documents have come, and not {at_least}")
            time.sleep(0.005)
        self._read += [self.read(packet) for packet in self._packets[len(self._read) :]]
        return list(self._read)

    def read(self, packet: bytes) -> dict[str, Any]:
        """The document in one packet; raises DaemonError."""
        return document(packet)

    def _listen(self) -> None:
        while packet := self._socket.recv(_MOST_BYTES):
            self._packets.append(packet)


def document(packet: bytes) -> dict[str, Any]:
    """The segment document in a packet, behind its one line of header; raises DaemonError."""
    header, _, body = packet.partition(b"\n")
    try:
        told, found = json.loads(header), json.loads(body)
    except ValueError as error:
        raise DaemonError(f"no document: {packet[:80]!r} ({error})") from None
    if told != _HEADER or not isinstance(found, dict):
        raise DaemonError(f"no document: {packet[:80]!r}; it begins with {json.dumps(_HEADER)} and a new line")
    return found
