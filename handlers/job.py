"""What a job owes to the world: a build, its commit's status, word to whoever asked for it, and how long it took."""

from __future__ import annotations

import json
import logging

from handlers import github
from handlers.builds.choice import find_builds
from handlers.builds.port import Build, key_of
from handlers.mail import send_mail
from workflow import Effect, hook

log = logging.getLogger(__name__)

_METRIC = "Duration"
_STATUS_ATTEMPTS = 3
"""So often, within a second or two and without waiting for a sweep, a status that another one follows is tried."""

_STATUSES = {
    "pending": ("pending", "waits for its turn"),
    "active": ("pending", "is being built"),
    "passed": ("success", "passed"),
    "failed": ("failure", "failed"),
    "timed_out": ("error", "took too long"),
    "cancelled": ("error", "was cancelled"),
}
"""GitHub's word for each state, and ours."""


@hook
def start_build(effect: Effect) -> None:
    """Has the job's present attempt built; where BUILDS is not set, runners find their jobs themselves."""
    builds, data = find_builds(), effect.entity.data
    if builds is None:
        log.debug("BUILDS is not set: %s is left to whoever runs it", effect.key)
        return
    builds.start(
        Build(
            job=effect.id,
            attempt=data["attempt"],
            repository=data["repository"],
            branch=data["branch"],
            commit=data["commit"],
            clone_url=data.get("clone_url", ""),
        )
    )


@hook
def stop_build(effect: Effect) -> None:
    """Ends the build of the attempt that nobody waits for any more."""
    builds = find_builds()
    if builds is not None:
        builds.stop(key_of(effect.id, effect.entity.data["attempt"]))


@hook
def post_status(effect: Effect) -> None:
    """Tells GitHub how the job stands; a job that goes on does not wait long for GitHub to hear of it."""
    data = effect.entity.data
    state, words = _STATUSES[effect.entity.state]
    status = github.Status(state, f"Attempt {data['attempt']} {words}", data.get("log_url", ""))
    try:
        github.post_status(data["repository"], data["commit"], status, key=effect.key)
    except (github.StatusRefusedError, github.StatusNotPostedError) as error:
        passes = isinstance(error, github.StatusNotPostedError) and effect.attempt < _STATUS_ATTEMPTS
        if passes or state != "pending":
            raise
        # The build waits behind this effect, in a slot of the lane; and the next status replaces this one.
        log.warning("%s: the job goes on without the status %r: %s", effect.key, words, error)


@hook
def notify_requester(effect: Effect) -> None:
    """Tells whoever asked for the job how it ended."""
    job = effect.entity
    ended = job.state.replace("_", " ")
    subject = f"{job.data['repository']}@{job.data['commit'][:8]} {ended}"
    where = job.data.get("log_url", "no log was kept")
    why = f"\nReason: {job.data['reason']}" if "reason" in job.data else ""
    send_mail(
        job.data["requested_by"],
        subject,
        f"Job {job.id} on {job.data['branch']}: {ended} in attempt {job.data['attempt']}.\nLog: {where}{why}",
        key=effect.key,
    )


@hook
def record_duration(effect: Effect) -> None:
    """Measures the time from start to end, as a CloudWatch metric by repository and outcome.

    CloudWatch reads the metric off the log line, so this needs neither a call nor a permission.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    job, before = effect.entity, effect.before
    assert before is not None, "no job is created ended"
    metric = {
        "Namespace": "Jobs",
        "Dimensions": [["repository", "outcome"]],
        "Metrics": [{"Name": _METRIC, "Unit": "Seconds"}],
    }
    line = {
        "_aws": {"Timestamp": round(job.changed_at.timestamp() * 1000), "CloudWatchMetrics": [metric]},
        "repository": job.data["repository"],
        "outcome": job.state,
        "effect": effect.key,
        _METRIC: round((job.changed_at - before.changed_at).total_seconds(), 3),
    }
    print(json.dumps(line), flush=True)
