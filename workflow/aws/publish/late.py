"""A publisher that is put together when it first publishes: most processes never do, and start without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workflow.aws.publish.publisher import AwsPublisher
    from workflow.runtime.publish.port import Message, Target


class LatePublisher:
    """An AwsPublisher, of which nothing is imported before it is used."""

    def __init__(self, source: str, names: Mapping[str, str]) -> None:
        self.source, self._names = source, names

    def publish(self, target: Target, messages: Sequence[Message]) -> Mapping[str, Exception]:
        """As the port says."""
        return self._publisher.publish(target, messages)

    @cached_property
    def _publisher(self) -> AwsPublisher:
        from workflow.aws.publish.publisher import AwsPublisher

        return AwsPublisher(self.source, self._names)
