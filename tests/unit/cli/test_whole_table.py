"""Reconcile and verify from the shell: progress on one stream, what was found on the other, and an exit code."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from rich.console import Console

from workflow.console.progress import WalkMeter
from workflow.errors import ThrottledError
from workflow.runtime.records import WalkProgress


@pytest.fixture
def lost(flow, clock):
    """Two orders that were paid an hour ago; the stream brought nothing."""
    for id in ("1", "2"):
        flow.create("order", id, {"email": "a@b.c", "total": 1})
        flow.fire("order", id, "pay", {"amount": 1})
    clock.moment += timedelta(hours=1)
    return flow


@pytest.mark.usefixtures("lost")
def test_a_reconcile_says_what_it_restored_and_when_it_runs(run):
    result = run("reconcile", "--since", "2h")

    lines = result.stdout.splitlines()
    assert (result.exit_code, result.stderr) == (0, "")
    assert sorted(lines[:2]) == ["restored order 1 version 2", "restored order 2 version 2"]
    assert lines[2:] == [
        "2 entities looked at, 2 restored",
        "restored effects run with the next sweep, within a minute",
    ]
    assert run("reconcile").stdout.splitlines() == [
        "2 entities looked at, 0 restored",
        "2 are being run or put aside anyway: see 'workflow parked'",
    ]


@pytest.mark.usefixtures("lost")
def test_what_changed_before_since_is_left_alone(run):
    for since in ("30m", "2026-03-28T23:30Z"):
        assert json.loads(run("reconcile", "--since", since, "--json").stdout)["restored"] == []


@pytest.mark.usefixtures("lost")
def test_a_history_that_is_not_understood_is_told_and_ends_with_1(run, flow):
    del flow.runtime.store._events["order", "1"][1]

    result = run("reconcile")

    assert result.exit_code == 1
    assert "not understood: order 1: " in result.stdout


@pytest.mark.parametrize("since", ["yesterday", "-2h", "2999-01-01T00:00Z", ""])
def test_a_since_that_is_no_moment_in_the_past_is_a_usage_error(run, since):
    assert run("reconcile", "--since", since).exit_code == 2


@pytest.mark.usefixtures("lost")
@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (ThrottledError("slow down"), 3)])
def test_an_interrupted_reconcile_says_that_the_same_command_goes_on(run, flow, monkeypatch, error, code):
    records = flow.operations._records
    looked = []

    def fail(kind, id):
        looked.append(id)
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(records, "of", fail)
        result = run("reconcile")

    assert (result.exit_code, result.stdout) == (code, "")
    assert "Stopped. What was restored stays so; the same command goes on from about here." in result.stderr
    assert len(json.loads(run("reconcile", "--json").stdout)["restored"]) == 2


@pytest.mark.usefixtures("lost")
def test_one_that_goes_on_says_since_when_and_what_it_does_not_find(run, flow, clock):
    flow.operations._records.keep_progress(WalkProgress(None, clock.now(), 5, 0, ("",) * 7 + (None,)))

    result = run("reconcile")

    assert result.stderr == "goes on where the reconcile of 2026-03-29 00:59:58 stopped; --afresh begins again\n"
    assert result.stdout.splitlines()[-1] == (
        "what the stream lost after 2026-03-29 00:59:58, when this walk first began, takes another call"
    )
    flow.operations._records.keep_progress(WalkProgress(None, clock.now(), 5, 0, ("",) * 7 + (None,)))
    assert run("reconcile", "--afresh").stderr == ""


def test_a_clean_table_is_all_good(run, flow, deliver):
    flow.create("order", "1", {"email": "e", "total": 1})
    deliver()

    result = run("verify")

    assert (result.exit_code, result.stdout) == (
        0,
        "1 entity, 1 event, 0 effects, 0 waiting for people: all good\n",
    )


FOUND = """\
promise 4: every effect is committed once, or put aside and visible
  order 1: effects of version 2 are owed since 2026-03-28 22:59:58Z, and nobody has begun them
      workflow reconcile
1 entity, 2 events, 0 effects, 0 waiting for people: 1 finding
"""


def test_findings_stand_under_their_promise_with_a_way_out(run, flow, clock):
    flow.create("order", "1", {"email": "a@b.c", "total": 1})
    flow.fire("order", "1", "pay", {"amount": 1})
    clock.moment += timedelta(minutes=6)

    result = run("verify")

    assert (result.exit_code, result.stdout) == (1, FOUND)
    told = json.loads(run("verify", "--json").stdout)
    assert (told["entities"], told["findings"]) == (
        1,
        [
            {
                "promise": 4,
                "promised": "every effect is committed once, or put aside and visible",
                "kind": "order",
                "id": "1",
                "what": "effects of version 2 are owed since 2026-03-28 22:59:58Z, and nobody has begun them",
                "way_out": "workflow reconcile",
            }
        ],
    )


def test_progress_in_a_file_is_a_line_every_few_seconds_with_an_estimate():
    seconds = iter([0.0, 0.0, 1.0, 6.0, 6.0, 6.0, 7.0])
    console = Console(file=io.StringIO(), width=40)

    with WalkMeter(console, 5000, seconds=lambda: next(seconds)) as meter:
        for done in (1000, 1600, 2000):
            meter(done)

    assert console.file.getvalue() == "1,600 of about 5,000 entities (32%), 100/s, about 34 s left\n"


def test_progress_without_an_estimate_promises_no_end():
    meter = WalkMeter(Console(file=io.StringIO()), 0, seconds=iter([0.0, 0.0, 0.0, 10.0]).__next__)
    meter(0)

    assert meter.line(500) == "500 entities, 50/s"


def test_progress_on_a_terminal_is_a_bar():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)

    with WalkMeter(console, 200) as meter:
        for done in (0, 100, 250):
            meter(done)

    assert "250 of about 200" in console.file.getvalue()
