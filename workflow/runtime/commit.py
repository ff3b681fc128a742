"""Commit: one conditional write, sent again under its token until it is known how it ended."""

from __future__ import annotations

from workflow.errors import Refused, Retryable, StoreUnavailableError
from workflow.runtime.again import again
from workflow.runtime.ports import Contested, Write
from workflow.runtime.runtime import Runtime

MAX_COMMITS = 8
"""A bound on committing one write anew; in between it waits with full jitter."""


def commit(runtime: Runtime, write: Write) -> Contested | None:
    """Commits one write, again and again under the same token while the store is busy or does not answer; returns what
    stood in its way. Raises what the store refuses, and a Retryable if it was not recorded or nobody knows."""
    subject = f"{write.event.kind} {write.event.entity_id}: {write.event.trigger!r}"
    unanswered: list[StoreUnavailableError] = []

    def attempt() -> Contested | None:
        try:
            return runtime.store.commit(write)
        except StoreUnavailableError as error:
            unanswered.append(error)
            raise

    try:
        contested = again(runtime.clock, MAX_COMMITS, attempt)
    except (Refused, Retryable) as error:
        if unanswered:
            # What was not answered may have been written, whatever a later attempt was told.
            raise _not_known(subject, error) from error
        if isinstance(error, Refused):
            raise
        raise type(error)(f"{subject} was not recorded: {error}; ask again later") from error
    if unanswered and contested is not None and _is_only_of_a_lane(contested):
        # The entity is as it was read, so what was not answered may still arrive once there is a slot.
        raise _not_known(subject, unanswered[0])
    return contested


def _not_known(subject: str, error: Exception) -> StoreUnavailableError:
    return StoreUnavailableError(
        f"{subject} may or may not have been recorded: {error}; ask again with the same request id"
    )


def _is_only_of_a_lane(found: Contested) -> bool:
    return not (found.entity or found.event or found.request or found.lease_lost)
