"""What a job owes to the world: word to whoever asked for it, and how long it took."""

from __future__ import annotations

import json

from handlers.mail import send_mail
from workflow import Effect, hook

_METRIC = "Duration"


@hook
def notify_requester(effect: Effect) -> None:
    """Tells whoever asked for the job how it ended."""
    job = effect.entity
    ended = job.state.replace("_", " ")
    subject = f"{job.data['repository']}@{job.data['commit'][:8]} {ended}"
    log = job.data.get("log_url", "no log was kept")
    send_mail(
        job.data["requested_by"],
        subject,
        f"Job {job.id} on {job.data['branch']}: {ended} in attempt {job.data['attempt']}.\nLog: {log}",
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
