"""What leaves for a service: every request counted, and some of them met by an answer of a test's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from botocore.awsrequest import AWSRequest, AWSResponse

Answering = Callable[[AWSRequest], AWSResponse | None]


class Calls:
    """Listens to clients, where requests leave the process; repeated ones count each time."""

    def __init__(self, *clients: Any) -> None:
        self.made: Counter[str] = Counter()
        self.answering: Answering = lambda request: None
        for client in clients:
            client.meta.events.register_first("before-send", self._before_send)

    def _before_send(self, request: AWSRequest, event_name: str, **_: Any) -> AWSResponse | None:
        self.made[event_name.rpartition(".")[2]] += 1
        return self.answering(request)
