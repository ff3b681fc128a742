"""What people do about effects that are put aside, from the shell."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from workflow.cli import people


@pytest.fixture
def stuck(flow, clock, delivery):
    """Two orders whose loyalty hook has failed: 1 waits for a person, 2 would go on by itself."""

    def pay(id):
        flow.create("order", id, {"email": "a@b.c", "total": 1})
        flow.fire("order", id, "pay", {"amount": 1})
        delivery.run()

    pay("1")
    for seconds in (20, 70):
        clock.sleep(seconds)
        delivery.sweep()
    pay("2")
    return flow


@pytest.mark.usefixtures("stuck")
def test_what_is_put_aside_is_one_line_each_and_a_persons_work_comes_first(run):
    told = run("parked", columns=120).stdout

    assert [line.split()[:6] for line in told.splitlines()[2:4]] == [
        ["order", "1", "2", "charge_loyalty", "attempts", "spent"],
        ["order", "2", "2", "charge_loyalty", "failed", "1"],
    ]
    assert max(map(len, told.splitlines())) <= 120
    assert told.splitlines()[-1] == "2 put aside: 1 waits for a person, 1 goes on by itself"
    assert "a@b.c" not in told
    assert "\x1b" not in told


@pytest.mark.usefixtures("stuck")
@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        (["order"], ["1", "2"]),
        (["--hook", "charge_loyalty"], ["1", "2"]),
        (["--hook", "send_receipt"], []),
        (["--error", "ValueError"], ["1", "2"]),
        (["--error", "Value"], []),
    ],
)
def test_what_is_put_aside_is_listed_by_kind_hook_and_error(run, asked, ids):
    told = json.loads(run("parked", *asked, "--json").stdout)

    assert [entry["id"] for entry in told["parked"]] == ids


@pytest.mark.usefixtures("stuck")
def test_the_json_of_what_is_put_aside_says_all(run):
    told = json.loads(run("parked", "--json").stdout)

    first, second = told["parked"]
    assert told["waiting_for_people"] == 1
    assert first.pop("error").startswith("ValueError: no card of [hidden]")
    assert first == {
        "kind": "order",
        "id": "1",
        "version": 2,
        "hook": "charge_loyalty",
        "why": "attempts",
        "attempts": 3,
        "since": "2026-03-28T22:59:59.512000Z",
        "next_try": None,
    }
    assert second["next_try"] is not None


def test_nothing_put_aside_says_so(run):
    assert (run("parked").stdout, run("parked").exit_code) == ("nothing is put aside\n", 0)


@pytest.mark.parametrize("asked", [["ordr"], ["--hook", "charge_loyaltee"]])
def test_a_kind_or_hook_that_nobody_declares_is_refused_with_those_there_are(run, asked):
    result = run("parked", *asked)

    assert (result.exit_code, result.stdout) == (1, "")
    assert "order" in result.stderr or "charge_loyalty" in result.stderr


@pytest.mark.usefixtures("stuck")
def test_one_is_let_go_and_runs_with_the_next_sweep(run, flow, delivery):
    result = run("redrive", "order", "1")

    assert (result.exit_code, result.stdout) == (
        0,
        "order 1 version 2 charge_loyalty\n1 goes on with the next sweep, within a minute\n",
    )
    assert delivery.sweep().effects_failed == 1
    assert flow.effects("order", "1")[0].outcomes["charge_loyalty"].attempts == 4


@pytest.mark.usefixtures("stuck")
def test_of_several_only_those_go_on_that_wait_for_a_person(run):
    for choice in (["order"], ["--all"], ["--error", "ValueError"], ["--hook", "charge_loyalty"]):
        told = json.loads(run("redrive", *choice, "--dry-run", "--json").stdout)
        assert [entry["id"] for entry in told["let_go"]] == ["1"]
    waiting = json.loads(run("redrive", "--all", "--waiting", "--json").stdout)
    assert {entry["id"] for entry in waiting["let_go"]} == {"1", "2"}


@pytest.mark.usefixtures("stuck")
def test_a_dry_run_changes_nothing(run, flow):
    before = list(flow.operations.parked())

    assert run("redrive", "--all", "--waiting", "--dry-run").stdout.endswith("2 would go on; nothing was changed\n")
    assert list(flow.operations.parked()) == before


@pytest.mark.usefixtures("stuck")
def test_several_go_on_one_after_another_at_the_rate(run, flow):
    result = run("redrive", "--all", "--waiting", "--rate", "2/m")

    assert "2 go on, the last one in 30 s" in result.stdout
    due = sorted(entry.parked.next_at for entry in flow.operations.parked())
    assert [(at - due[0]).total_seconds() for at in due] == [0, 30]


@pytest.mark.usefixtures("stuck")
@pytest.mark.parametrize(("answer", "code", "left"), [("n\n", 1, 2), ("y\n", 0, 0)])
def test_a_terminal_is_asked_before_several_go_on(flow, monkeypatch, answer, code, left):
    from click.testing import CliRunner

    from workflow.cli.commands import workflow

    monkeypatch.setattr(people, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    before = list(flow.operations.parked())
    asked = CliRunner().invoke(workflow, ["redrive", "--all", "--waiting"], obj=lambda settings: flow, input=answer)

    assert asked.exit_code == code
    assert "Let all 2 go on?" in asked.stderr
    assert len([entry for entry in flow.operations.parked() if entry in before]) == left


@pytest.mark.parametrize(
    "asked",
    [[], ["order", "1", "--all"], ["order", "--all"], ["--all", "--rate", "0"], ["--all", "--rate", "fast"]],
)
def test_a_choice_that_is_none_is_a_usage_error(run, asked):
    assert run("redrive", *asked).exit_code == 2


@pytest.mark.parametrize("command", [["redrive", "order", "1"], ["skip", "order", "1", "--reason", "x"]])
def test_what_is_not_put_aside_is_refused_with_a_way_on(run, flow, command):
    flow.create("order", "1", {"email": "e", "total": 1})

    result = run(*command)

    assert (result.exit_code, result.stdout) == (1, "")
    assert "none of its effects was put aside" in result.stderr


@pytest.mark.usefixtures("stuck")
def test_a_skip_is_kept_with_its_reason_and_the_entity_goes_on(run, flow, delivery):
    ran = []
    flow.runtime.hooks._hooks["tell_warehouse"] = lambda effect: ran.append(effect.key)
    result = run("skip", "order", "1", "--reason", "charged by hand")
    delivery.sweep()

    assert result.stdout == (
        "order 1: charge_loyalty is skipped; the entity goes on with the next sweep, within a minute\n"
    )
    assert ran == ["order#1#2#tell_warehouse"]
    told = run("history", "order", "1").stdout
    assert "-  charge_loyalty  skipped  3 attempts" in told
    assert "by cli:ada: charged by hand" in told


@pytest.mark.usefixtures("stuck")
@pytest.mark.parametrize("reason", [[], ["--reason", " "]])
def test_a_skip_without_a_reason_is_refused(run, reason):
    assert run("skip", "order", "1", *reason).exit_code in (1, 2)
    assert run("parked", "--json").stdout.count('"id": "1"') == 1


def test_a_paused_hook_is_listed_explained_and_resumed(run, flow, delivery):
    assert run("pauses").stdout == "no hook is paused\n"
    paused = run("pause", "send_receipt", "--reason", "the mail provider is down")
    flow.create("order", "1", {"email": "e", "total": 1})
    flow.fire("order", "1", "pay", {"amount": 1})
    delivery.run()

    assert paused.stdout.startswith(
        "send_receipt is paused, everywhere within ten seconds; go on with: workflow resume"
    )
    assert json.loads(run("pauses", "--json").stdout) == {
        "pauses": [
            {
                "hook": "send_receipt",
                "since": "2026-03-28T22:59:58Z",
                "reason": "the mail provider is down",
                "by": "cli:ada",
            }
        ]
    }
    assert "cli:ada  the mail provider is down" in " ".join(run("pauses").stdout.split("  "))
    explained = run("explain", "order", "1").stdout
    assert "the hook is paused since 2026-03-28 22:59:58Z: the mail provider is down" in " ".join(explained.split())
    assert "workflow resume send_receipt" in explained
    resumed = run("resume", "send_receipt").stdout
    assert resumed.endswith("of those it held up, 1 goes on with the next sweep, within a minute\n")
    assert run("resume", "send_receipt").stdout == "send_receipt was not paused; it held nothing up\n"


@pytest.mark.usefixtures("stuck")
def test_an_explanation_begins_with_where_it_stands_and_the_reason_that_matters(run):
    told = run("explain", "order", "1", columns=80).stdout

    lines = told.splitlines()
    assert lines[:2] == ["order 1  paid  version 2", "since 2026-03-28 23:59:58, definition version 1"]
    assert lines[3].startswith("why        'charge_loyalty' of version 2 waits for a person")
    assert "way out    workflow redrive order 1 or workflow skip order 1 --reason '...'" in lines
    for section in ("attempts", "trace", "can fire"):
        assert any(line.startswith(section) for line in lines)
    assert "a@b.c" not in told
    assert max(map(len, lines)) <= 80


@pytest.mark.usefixtures("stuck")
def test_the_json_of_an_explanation_says_all_as_data(run):
    told = json.loads(run("explain", "order", "1", "--json").stdout)

    assert [reason["way_out"] for reason in told["reasons"]] == [
        "workflow redrive order 1 or workflow skip order 1 --reason '...'"
    ]
    blocking = told["blocking"]
    assert (blocking["version"], blocking["parked"]["why"]) == (2, "attempts")
    assert [(e["hook"], e["outcome"], len(e["failed_attempts"]), bool(e["trace"])) for e in blocking["effects"]] == [
        ("send_receipt", "done", 0, False),
        ("charge_loyalty", "parked", 3, True),
        ("tell_warehouse", "owed", 0, False),
    ]
    assert [way["trigger"] for way in told["can_fire"]] == ["ship", "cancel"]


@pytest.mark.usefixtures("stuck")
def test_a_shown_entity_says_in_one_line_that_it_is_put_aside(run):
    told = json.loads(run("show", "order", "1", "--json").stdout)

    lines = run("show", "order", "1", columns=120).stdout.splitlines()
    assert lines[2] == "put aside at charge_loyalty: attempts spent; waits for a person: workflow explain order 1"
    assert told["parked"] == {"version": 2, "hook": "charge_loyalty", "why": "attempts", "next_try": None}
