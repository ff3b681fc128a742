"""What follows an attempt that failed: again, later, a transition, or a person. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from workflow.definition.definition import HookUse, Retry
from workflow.errors import Refused, StoreAccessError
from workflow.runtime.ledger_entry import Outcome

DEFAULT_RETRY = Retry()

LONGEST_WAIT_IN_PLACE_SECONDS = 1.0
WAITS_IN_PLACE = 2
"""A wait this short is waited where the effect runs, twice at most; for a longer one the entity is put aside."""


@dataclass(frozen=True, slots=True)
class Next:
    """What is to be done: wait so many seconds and try again, fire the trigger that catches the error, or wait for a
    person, and why."""

    what: Literal["wait", "catch", "person"]
    seconds: float = 0.0
    trigger: str = ""
    why: Literal["attempts", "refused"] = "attempts"


def after_failure(use: HookUse, error: BaseException, outcome: Outcome, jitter: float, *, is_own: bool = True) -> Next:
    """What follows the failed attempt that `outcome` ends with; `jitter` is a random number from 0 up to 1, `is_own`
    says that the error is this effect's, and not that of a whole batch.

    A Refused is not tried again: asking again changes nothing. Unless it is the table that refuses us, which is no
    business of the entity's: a permission or a credential is put right, and it goes on.
    """
    refused = is_own and isinstance(error, Refused) and not isinstance(error, StoreAccessError)
    if not refused and not is_spent(use, outcome):
        return Next("wait", wait_seconds(use.retry or DEFAULT_RETRY, outcome) * jitter)
    # What a whole batch raised is nobody's own, and moves nobody.
    trigger = caught_by(use.catch, error) if is_own else ""
    return Next("catch", trigger=trigger) if trigger else Next("person", why="refused" if refused else "attempts")


def is_spent(use: HookUse, outcome: Outcome) -> bool:
    """Whether no attempt is left of those that the hook's `retry` allows."""
    return outcome.attempts - outcome.forgiven >= (use.retry or DEFAULT_RETRY).attempts


def wait_seconds(retry: Retry, outcome: Outcome) -> float:
    """The longest wait before the next attempt; it grows by the factor with each one, up to the ceiling."""
    made = max(1, outcome.attempts - outcome.forgiven)
    return min(retry.ceiling_seconds, retry.first_seconds * retry.factor ** min(made - 1, 100))


def caught_by(catch: Mapping[str, str], error: BaseException) -> str:
    """The trigger for the first name that is one of the error's classes, or `*`; '' if there is none."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return next((trigger for name, trigger in catch.items() if name == "*" or name in names), "")
