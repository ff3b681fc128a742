"""What a push to a repository owes to the world: a job, and the end of the one that it supersedes."""

from __future__ import annotations

import logging

from workflow import Effect, hook
from workflow.errors import EntityNotFoundError, TransitionError

log = logging.getLogger(__name__)

_BRANCH = "refs/heads/"


@hook(fires=("job.create", "job.cancel"))
def open_job(effect: Effect) -> None:
    """Creates the push's job, and cancels that of the push before it to the same branch."""
    repository, push = effect.entity.data, effect.event.payload
    branch = push["ref"].removeprefix(_BRANCH)
    job = _job_of(effect.id, effect.version)
    data = {
        "repository": effect.id,
        "customer": repository["customer"],
        "clone_url": repository["clone_url"],
        "branch": branch,
        "commit": push["commit"],
        "priority": repository["priorities"].get(branch, 0),
        "requested_by": repository["users"][push["sender"]],
    }
    effect.create("job", job, data)
    superseded = _find_push_before(effect, push["ref"])
    if superseded:
        _cancel(effect, _job_of(effect.id, superseded), f"superseded by {job}")


def _job_of(repository: str, version: int) -> str:
    # Of the push alone: however often the effect runs, it is the same job.
    return f"{repository}-{version}"


def _find_push_before(effect: Effect, ref: str) -> int | None:
    # What the event itself left: pushes that came since are their own effects' business.
    pushes = effect.entity.data["pushes"]
    return next((int(p["version"]) for p in pushes if p["ref"] == ref and p["version"] < effect.version), None)


def _cancel(effect: Effect, job: str, reason: str) -> None:
    try:
        effect.fire("cancel", {"reason": reason}, kind="job", id=job)
    except (TransitionError, EntityNotFoundError) as error:
        # It has ended by itself, or a person let its push go without a job.
        log.info("%s: nothing to supersede: %s", effect.id, error)
