"""Looking at what one may not be allowed to see: what cannot be read is noted, and never stops the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from workflow.errors import WorkflowError
from workflow.runtime.doctor.facts import Unseen

_DENIED = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation")
_LONGEST_REASON = 300
_Found = TypeVar("_Found")


class Looks:
    """Collects what could not be looked at."""

    def __init__(self) -> None:
        self._unseen: dict[tuple[str, str], Unseen] = {}

    @property
    def unseen(self) -> Sequence[Unseen]:
        """What could not be looked at so far, each once."""
        return tuple(self._unseen.values())

    def look(self, what: str, needs: str, read: Callable[[], _Found]) -> _Found | None:
        """What `read` finds; None, and noted, where it is refused, nobody answers, or the answer makes no sense."""
        try:
            return read()
        except (ClientError, BotoCoreError, WorkflowError, OSError, ValueError, KeyError) as error:
            self.note(what, needs, error)
            return None

    def note(self, what: str, needs: str, error: BaseException) -> None:
        """Keeps that it could not be looked at, and why."""
        why = f"{type(error).__name__}: {error}"[:_LONGEST_REASON]
        self._unseen.setdefault((what, needs), Unseen(what, needs if is_denial(error) else "", why))


def is_denial(error: BaseException) -> bool:
    """Whether it is a permission that is missing."""
    # What the framework translated carries what DynamoDB said as its cause.
    for one in (error, error.__cause__):
        if isinstance(one, ClientError) and one.response.get("Error", {}).get("Code") in _DENIED:
            return True
    return False
