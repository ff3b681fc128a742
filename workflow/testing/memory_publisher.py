"""Queues, topics and buses in memory: what was published where, and targets that are gone or fail for a while."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from workflow.errors import PublishError
from workflow.runtime.publish.port import AT_ONCE, Message, Target


class Published(NamedTuple):
    """One message that arrived: where, in which group, under which key, and its CloudEvent."""

    target: Target
    group: str
    key: str
    envelope: Mapping[str, Any]


class MemoryPublisher:
    """Takes every message, unless told otherwise; what arrives at a FIFO target (`.fifo`) a second time is dropped, as
    AWS does for five minutes and this one does for ever."""

    def __init__(self, source: str = "/workflow/memory") -> None:
        self.source = source
        self.published: list[Published] = []
        self.calls: list[tuple[Target, int]] = []
        """Each call that was made, with how many messages it carried."""
        self._gone: set[Target] = set()
        self._failing: dict[str, Exception] = {}

    def publish(self, target: Target, messages: Sequence[Message]) -> Mapping[str, Exception]:
        """As the port says."""
        assert 0 < len(messages) <= AT_ONCE, f"{len(messages)} messages in one call"
        self.calls.append((target, len(messages)))
        if target in self._gone:
            raise PublishError(f"publishing to {target}: there is none here; create it, or put its name right")
        failed = {message.key: self._failing.pop(message.key) for message in messages if message.key in self._failing}
        for message in messages:
            if message.key not in failed and not self._is_known(target, message.key):
                envelope = copy.deepcopy(dict(message.envelope))
                self.published.append(Published(target, message.group, message.key, envelope))
        return failed

    def remove(self, service: str, name: str) -> None:
        """The target is gone, until it is restored."""
        self._gone.add(Target(service, name))

    def restore(self, service: str, name: str) -> None:
        """The target is there again, with all that it took before."""
        self._gone.discard(Target(service, name))

    def fail_once(self, key: str, error: Exception) -> None:
        """The next message of that key meets the error, alone of its call."""
        self._failing[key] = error

    def envelopes(self, service: str, name: str) -> list[Mapping[str, Any]]:
        """The CloudEvents that one target took, in order."""
        return [one.envelope for one in self.published if one.target == Target(service, name)]

    def _is_known(self, target: Target, key: str) -> bool:
        is_fifo = target.name.endswith(".fifo")
        return is_fifo and any(one.target == target and one.key == key for one in self.published)
