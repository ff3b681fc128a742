"""A CI job that its lane starts, and that passes in its second attempt, on the deployed template."""

from __future__ import annotations

from tests.acceptance.conftest import Deployed

EVE = "eve@job.example.com"


def test_a_job_fails_is_retried_and_passes_and_whoever_asked_for_it_hears_of_both(deployed: Deployed) -> None:
    flow = deployed.flow
    flow.create("job", "7", {"repository": "acme/shop", "commit": "5f3c9a1e7b20", "requested_by": EVE})
    deployed.settle()
    flow.fire("job", "7", "fail", {"attempt": 1, "exit_code": 2, "log_url": "https://ci.example.com/7/1"})
    flow.fire("job", "7", "retry")
    deployed.settle()
    flow.fire("job", "7", "pass", {"attempt": 2, "log_url": "https://ci.example.com/7/2"})
    deployed.settle()

    assert (flow.get("job", "7").state, flow.get("job", "7").data) == (
        "passed",
        {
            "repository": "acme/shop",
            "branch": "main",
            "commit": "5f3c9a1e7b20",
            "priority": 0,
            "requested_by": EVE,
            "attempt": 2,
            "exit_code": 0,
            "log_url": "https://ci.example.com/7/2",
        },
    )
    assert list(deployed.effects("job", "7").items()) == [
        ("1 post_status", ("done", 1)),
        ("2 start_build", ("done", 1)),
        ("2 post_status", ("done", 1)),
        ("3 record_duration", ("done", 1)),
        ("3 post_status", ("done", 1)),
        ("3 notify_requester", ("done", 1)),
        ("4 post_status", ("done", 1)),
        ("5 start_build", ("done", 1)),
        ("5 post_status", ("done", 1)),
        ("6 record_duration", ("done", 1)),
        ("6 post_status", ("done", 1)),
        ("6 notify_requester", ("done", 1)),
    ]
    assert [event.trigger for event in flow.history("job", "7")] == [
        *("create", "start", "fail"),
        *("retry", "start", "pass"),
    ]
    assert deployed.subjects_to(EVE) == ["acme/shop@5f3c9a1e failed", "acme/shop@5f3c9a1e passed"]
