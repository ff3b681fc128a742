"""Lanes from the shell: who runs, who waits, in which order, and what was mended."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tests.unit.runtime.lanes import Builds, limited
from workflow import limit
from workflow.cli.commands import workflow
from workflow.engine.place import LaneKey
from workflow.errors import RegisterHookError
from workflow.settings import Settings

TABLE = """\
lane       key       limit  entity  place    since
──
job build  acme/api  1      17      slot 1   3m ago
job build  acme/api  1      19      waits 1  1m ago
job build  acme/api  1      18      waits 2  2m ago
job build  acme/web  1      web     slot 1   0s ago
2 lanes: 2 run, 2 wait
"""


@pytest.fixture
def builds() -> Builds:
    """Three jobs of one repository, the last one more urgent, and one of another."""
    builds = Builds()
    builds.queued("17", "18")
    builds.queued("19", priority=1)
    builds.flow.create("job", "web", {"repository": "acme/web"})
    builds.delivery.run()
    return builds


@pytest.fixture
def run(builds):
    def run(*arguments):
        return CliRunner().invoke(workflow, arguments, obj=lambda settings: builds.flow)

    return run


def _lines(text):
    return [" ".join(line.split()) for line in text.splitlines() if not line.startswith("─")]


def test_each_line_tells_lane_key_limit_entity_place_and_since_when(run):
    result = run("lanes")
    assert (result.exit_code, _lines(result.stdout)) == (0, _lines(TABLE))


def test_one_lane_can_be_asked_for(run):
    for arguments in (("--key", "acme/web"), ("job", "--lane", "build", "--key", "acme/web")):
        assert _lines(run("lanes", *arguments).stdout)[1:] == [
            "job build acme/web 1 web slot 1 0s ago",
            "1 lane: 1 runs, 0 wait",
        ]


def test_an_empty_lane_that_is_named_shows_its_limit_and_nobody(run):
    assert _lines(run("lanes", "job", "--lane", "build", "--key", "new").stdout)[1] == "job build new 1 nobody"


def test_where_nobody_is_it_says_so(run):
    assert run("lanes", "--key", "nobody's").stdout == "nobody runs or waits in a lane\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["joh"], "Error: no definition of kind 'joh' (did you mean 'job'?); loaded: job\n"),
        (["--lane", "biuld"], "Error: there is no lane 'biuld'; there are: build of job\n"),
    ],
)
def test_a_kind_or_lane_that_there_is_not_is_refused_with_those_there_are(run, arguments, told):
    result = run("lanes", *arguments)
    assert (result.exit_code, result.stderr) == (1, told)


def test_as_json_all_of_it_is_there(run):
    told = json.loads(run("lanes", "--key", "acme/api", "--json").stdout)
    assert told == {
        "lanes": [
            {
                "kind": "job",
                "lane": "build",
                "key": "acme/api",
                "limit": 1,
                "limit_unknown": None,
                "running": [{"id": "17", "slot": 1, "since": "2026-01-31T12:00:00.123456Z"}],
                "waiting": [
                    {"id": "19", "since": "2026-01-31T12:02:00.123456Z"},
                    {"id": "18", "since": "2026-01-31T12:01:00.123456Z"},
                ],
                "more": False,
            }
        ]
    }


def test_of_several_lanes_the_first_twenty_that_wait_are_shown_and_of_one_all():
    builds = Builds()
    builds.queued(*map(str, range(30)), after=1)
    builds.flow.create("job", "web", {"repository": "acme/web"})

    def lines(*arguments):
        result = CliRunner().invoke(workflow, ["lanes", *arguments], obj=lambda settings: builds.flow)
        return _lines(result.stdout)

    assert [line for line in lines() if "more" in line] == ["job build acme/api 1 ... 9 more wait"]
    assert len(lines("--key", "acme/api")) == 1 + 30 + 1


def test_keys_and_ids_do_not_steer_the_terminal():
    builds = Builds()
    builds.flow.create("job", "1\x1b[31m", {"repository": "a\x07b"})
    result = CliRunner().invoke(workflow, ["lanes"], obj=lambda settings: builds.flow)
    assert "1\\x1b[31m" in result.stdout
    assert "a\\x07b" in result.stdout


@limit
def by_plan(key: str) -> int:
    if key == "acme/api":
        raise ValueError("the secret plan")
    return 3


def test_a_limit_that_a_function_says_is_shown_and_one_that_fails_is_no_traceback():
    builds = Builds(limited(limit_function="by_plan"), handlers=[by_plan])
    builds.flow.create("job", "17", {"repository": "acme/api"})
    builds.flow.create("job", "web", {"repository": "acme/web"})
    result = CliRunner().invoke(workflow, ["lanes"], obj=lambda settings: builds.flow)
    assert result.exit_code == 0
    assert _lines(result.stdout)[1:] == [
        "job build acme/api ? 17 waits 1 0s ago",
        "job build acme/web 3 web waits 1 0s ago",
        "lane build of job for 'acme/api': how many may run is not known: the limit 'by_plan' failed: ValueError",
        "2 lanes: 0 run, 2 wait",
    ]


@pytest.mark.parametrize("command", [["lanes"], ["explain", "job", "17"], ["verify"]])
def test_where_the_handlers_cannot_be_imported_all_the_rest_is_shown(command):
    builds = Builds(limited(limit_function="by_plan"))
    builds.flow.create("job", "17", {"repository": "acme/api"})
    opened = []

    def opener(settings: Settings):
        opened.append(settings.handlers)
        if len(opened) == 2:
            raise RegisterHookError("no module named 'handlers'")
        return builds.flow

    result = CliRunner().invoke(workflow, command, obj=opener)
    assert result.exit_code == 0
    assert "without the handlers, which say limits and guards: no module named 'handlers'" in result.stderr
    assert "no handler module registers the limit 'by_plan'" in " ".join(result.stdout.split())


def test_handlers_are_imported_only_where_a_lane_asks_them(builds):
    opened = []

    def opener(settings: Settings):
        opened.append(settings)
        return builds.flow

    for command in (["lanes"], ["explain", "job", "17"], ["verify"]):
        assert CliRunner().invoke(workflow, command, obj=opener).exit_code == 0
    assert len(opened) == 3


def test_reconcile_tells_what_it_mended(run, builds):
    builds.rewrite("17", state="held")
    builds.store.delete("job", "web")
    result = run("reconcile")
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            "mended job 17: no place in its lane",
            "mended lane build of job for 'acme/web': 1 place of nobody freed",
            "3 entities looked at, 0 restored, 2 mended",
        ],
    )
    assert json.loads(run("reconcile", "--json").stdout)["moved"] == []


def test_reconcile_tells_it_as_json(run, builds):
    builds.rewrite("17", state="held")
    builds.store.delete("job", "web")
    told = json.loads(run("reconcile", "--json").stdout)
    assert (told["moved"], told["freed"]) == (
        ["job 17: no place"],
        [{"kind": "job", "lane": "build", "key": "acme/web", "places": 1}],
    )


def test_verify_tells_promise_nine_the_lanes_and_the_notes(run, builds):
    assert run("verify").stdout == "4 entities, 6 events, 0 effects, 2 lanes, 0 waiting for people: all good\n"
    builds.rewrite("18", place=None)
    builds.store._lanes.take(
        LaneKey("job", "build", "acme/web"),
        builds.store.lane(LaneKey("job", "build", "acme/api"), waiting=0)
        .running[0]
        ._replace(entity_id="17", place=builds.place("17")._replace(key="acme/web", slot=2)),
    )
    result = run("verify")
    lines = result.stdout.splitlines()
    assert result.exit_code == 1
    assert "promise 9: a lane has at most its limit running, and no free slot beside a waiting entity" in lines
    assert "  job 18: its state 'pending' belongs to lane build, and it has no place there" in lines
    assert "      workflow reconcile" in lines
    assert any(line.startswith("note: lane build of job for 'acme/web': 2 run, and its limit is 1") for line in lines)


def test_show_tells_where_in_a_lane_an_entity_stands(run):
    shown = {id: " ".join(run("show", "job", id).stdout.split()) for id in ("17", "18")}
    assert "lane slot 1 in lane build of job for 'acme/api', since 2026-01-31 13:00:00 can fire" in shown["17"]
    assert "lane a place among those that wait in lane build of job for 'acme/api', since" in shown["18"]


def test_explain_shows_the_lane_as_json(run):
    told = json.loads(run("explain", "job", "18", "--json").stdout)
    assert told["lane"]["key"] == "acme/api"
    assert told["reasons"][0]["what"].startswith("waits in lane build for 'acme/api' since 2m: slot held by job 17")
    builds = run("explain", "job", "18").stdout
    assert "1 ahead" in " ".join(builds.split())
