"""A repository's jobs run one at a time, the most urgent first, whatever happens to one of them."""

from __future__ import annotations

from itertools import pairwise

import pytest

from demo.ci.facts import expected_statuses
from demo.ci.service import Pushed
from demo.ci.sources import QUICK, Script
from tests.acceptance.conftest import TIME_OUT_SECONDS, Ci
from workflow.errors import TransitionError

CANCELLABLE = ("pending", "active")


def test_the_most_urgent_goes_first_then_who_came_first_and_never_two_at_once(ci: Ci) -> None:
    name = ci.repository(priorities={"main": 10, "release": 20})
    first = ci.service.push(name, "first", Script(gate=name))
    ci.until(lambda: ci.service.is_built(first.job))
    branches = ("a", "b", "main", "release")
    pushes = {branch: ci.service.push(name, branch, Script(seconds=0.1)) for branch in branches}
    ci.until_in("pending", *(pushed.job for pushed in pushes.values()))
    explained = ci.service.flow.operations.explain("job", pushes["a"].job)
    ci.service.sources.open_gate(name)
    ci.until_in("passed", first.job, *(pushed.job for pushed in pushes.values()))

    assert f"slot held by job {first.job}" in explained.reasons[0].what
    assert "2 ahead" in explained.reasons[0].what
    runs = ci.runs(name)
    assert [run.job for run in runs] == [first.job, *(pushes[branch].job for branch in ("release", "main", "a", "b"))]
    assert all(before.until <= after.since for before, after in pairwise(runs))
    assert ci.builds(name) == [f"{run.job}#1" for run in runs]


def test_repositories_do_not_wait_for_each_other(ci: Ci) -> None:
    busy, other = ci.repository(), ci.repository()
    held = ci.service.push(busy, "main", Script(gate=busy))
    ci.until(lambda: ci.service.is_built(held.job))
    ci.until_in("passed", ci.service.push(other, "main").job)
    assert ci.service.is_in(held.job, "active")
    ci.service.sources.open_gate(busy)
    ci.until_in("passed", held.job)


def test_a_job_whose_worker_was_killed_is_timed_out_gives_its_slot_back_and_passes_when_asked_for_again(ci: Ci) -> None:
    name = ci.repository()
    killed = ci.service.push(name, "main", Script(gate=name))
    ci.until(lambda: ci.service.is_built(killed.job))
    waiting = ci.service.push(name, "other")
    ci.until_in("pending", waiting.job)
    assert ci.service.kill_worker(killed.job)
    ci.service.sources.open_gate(name)
    ci.until_timed_out(killed.job)
    ci.until_in("passed", waiting.job)
    ci.service.flow.fire("job", killed.job, "retry", by="eve")
    ci.until_in("passed", killed.job)

    first, again = (run for run in ci.runs(name) if run.job == killed.job)
    assert (first.until - first.since).total_seconds() >= TIME_OUT_SECONDS
    assert ci.jobs(name)[killed.job] == ["pending", "active", "timed_out", "pending", "active", "passed"]
    assert (again.attempt, ci.service.worker(killed.job), ci.service.worker(killed.job, 2)) == (2, 0, 0)
    assert ci.statuses(killed) == [
        ("pending", "Attempt 1 waits for its turn"),
        ("pending", "Attempt 1 is being built"),
        ("error", "Attempt 1 took too long"),
        ("pending", "Attempt 2 waits for its turn"),
        ("pending", "Attempt 2 is being built"),
        ("success", "Attempt 2 passed"),
    ]
    ends = [subject.rpartition(" ")[2] for _, subject in ci.mails(name) if killed.commit[:8] in subject]
    assert ends == ["out", "passed"]


@pytest.mark.parametrize("state", ["pending", "active", "failed", "timed_out", "cancelled"])
def test_a_job_can_be_cancelled_while_it_waits_or_runs_and_asked_for_again_once_it_has_ended_so(
    ci: Ci, state: str
) -> None:
    name = ci.repository()
    blocking = ci.service.push(name, "blocking", Script(gate=f"{name}-blocking"))
    ci.until(lambda: ci.service.is_built(blocking.job))
    pushed = bring(ci, name, state)
    flow = ci.service.flow
    worker = ci.service.worker(pushed.job)

    if state in CANCELLABLE:
        with pytest.raises(TransitionError, match="no transition 'retry'"):
            flow.fire("job", pushed.job, "retry")
        flow.fire("job", pushed.job, "cancel", {"reason": "not this one"}, by="eve")
    else:
        with pytest.raises(TransitionError, match="no transition 'cancel'"):
            flow.fire("job", pushed.job, "cancel", {"reason": "not this one"})
    ci.service.settle()
    assert (bool(worker), ci.service.worker(pushed.job)) == (state == "active", 0)
    flow.fire("job", pushed.job, "retry", by="eve")
    ci.service.sources.open_gate(f"{name}-blocking")
    ci.until_in("passed", pushed.job)

    assert ci.service.job(pushed.job).data["attempt"] == 2
    assert ci.statuses(pushed) == expected_statuses(ci.spans(pushed.job))
    assert ci.statuses(pushed)[-1] == ("success", "Attempt 2 passed")
    runs = ci.runs(name)
    assert all(before.until <= after.since for before, after in pairwise(runs))
    assert ci.builds(name) == [f"{run.job}#{run.attempt}" for run in runs]


def bring(ci: Ci, name: str, state: str) -> Pushed:
    """A push whose job has come into that state, behind the one that holds the slot, which ends if it must."""
    script = Script(exit_code=1) if state == "failed" else Script(gate=f"{name}-never")
    pushed = ci.service.push(name, "main", QUICK if state in ("pending", "cancelled") else script)
    ci.until_in("pending", pushed.job)
    if state == "cancelled":
        ci.service.flow.fire("job", pushed.job, "cancel", {"reason": "not yet"}, by="eve")
    elif state != "pending":
        ci.service.sources.open_gate(f"{name}-blocking")
        ci.until(lambda: ci.service.is_built(pushed.job))
    if state == "timed_out":
        ci.until_timed_out(pushed.job)
    ci.until_in(state, pushed.job)
    return pushed
