"""Lanes in a definition file: everything wrong with them is told where it stands, and what is right is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workflow.definition.definition import Definitions, Lane
from workflow.definition.load import compile_definitions, load_definitions, parse_definition
from workflow.definition.plain import from_plain, to_plain
from workflow.definition.registered import Registered
from workflow.errors import DefinitionError, RegisterHookError
from workflow.runtime.hooks import Hooks, require
from workflow.runtime.marks import limit

JOB = """\
kind: job
version: 1
initial: pending
data:
  customer: string
  secret: {type: string, sensitive: true, optional: true}
  priority: {type: decimal, default: 0}
states:
  pending: {}
  active: {}
  failed: {}
  done: {final: true}
transitions:
  start: {from: pending, to: active}
  finish: {from: active, to: done}
  fail: {from: active, to: failed}
  retry: {from: failed, to: pending}
  order: {from: pending, to: active, requires: [ticket]}
lanes:
"""
PLAIN = "  build: {waiting: pending, running: active, trigger: start}\n"
FULL = """\
  build:
    by: data.customer
    waiting: pending
    running: active
    limit: {function: build_limit}
    first: data.priority
    ageing: 1h30m
    trigger: start
"""

BROKEN: list[tuple[str, str, list[str]]] = [
    (
        "limit_of_nothing",
        "  build: {waiting: pending, running: active, trigger: start, limit: 0}\n",
        [
            "20:69 limit: is 0, less than 1 | write 1 or more",
        ],
    ),
    (
        "limit_below_nothing",
        "  build: {waiting: pending, running: active, trigger: start, limit: -1}\n",
        [
            "20:69 limit: is -1, less than 1 | write 1 or more",
        ],
    ),
    (
        "limit_too_high",
        "  build: {waiting: pending, running: active, trigger: start, limit: 1001}\n",
        [
            "20:69 limit: is 1001, more than 1000 | write 1000 or less",
        ],
    ),
    (
        "limit_as_truth",
        "  build: {waiting: pending, running: active, trigger: start, limit: true}\n",
        [
            "20:69 limit: expected a whole number or a map with function, got true | write one of these",
        ],
    ),
    (
        "limit_as_text",
        "  build: {waiting: pending, running: active, trigger: start, limit: '1'}\n",
        [
            "20:69 limit: expected a whole number or a map with function, got text | write one of these",
        ],
    ),
    (
        "limit_as_fraction",
        "  build: {waiting: pending, running: active, trigger: start, limit: 1.5}\n",
        [
            ("20:69 limit: expected a whole number or a map with function, got the number 1.5 | write one of these"),
        ],
    ),
    (
        "limit_without_value",
        "  build: {waiting: pending, running: active, trigger: start, limit: null}\n",
        [
            "20:69 limit: expected a whole number or a map with function, got nothing | write one of these",
        ],
    ),
    (
        "limit_as_list",
        "  build: {waiting: pending, running: active, trigger: start, limit: [1]}\n",
        [
            "20:69 limit: expected a whole number or a map with function, got a list | write one of these",
        ],
    ),
    (
        "limit_without_function",
        "  build: {waiting: pending, running: active, trigger: start, limit: {}}\n",
        [
            "20:62 function: is missing | add it, such as 'function: is_paid'",
        ],
    ),
    (
        "limit_with_more",
        "  build: {waiting: pending, running: active, trigger: start, limit: {function: build_limit, key: x}}\n",
        [
            "20:93 unknown key 'key' | allowed here: function",
        ],
    ),
    (
        "limit_misspelt",
        "  build: {waiting: pending, running: active, trigger: start, limit: {function: bild_limit}}\n",
        [
            (
                "20:80 no limit 'bild_limit' is registered | did you mean 'build_limit'? registered, with "
                "@limit: build_limit"
            ),
        ],
    ),
    (
        "ageing_without_first",
        "  build: {waiting: pending, running: active, trigger: start, ageing: 10m}\n",
        [
            ("20:10 ageing is given and first is not | add first, or remove ageing: the oldest is first anyway"),
        ],
    ),
    (
        "ageing_of_half_a_second",
        "  build: {waiting: pending, running: active, trigger: start, first: data.priority, ageing: 0.5s}\n",
        [
            "20:92 '0.5s' is not a whole number of seconds | timers are due to the second",
        ],
    ),
    (
        "ageing_as_number",
        "  build: {waiting: pending, running: active, trigger: start, first: data.priority, ageing: 10}\n",
        [
            "20:92 ageing: expected text, got the number 10 | write text",
        ],
    ),
    (
        "ageing_of_thirty_years",
        "  build: {waiting: pending, running: active, trigger: start, first: data.priority, ageing: 11000d}\n",
        [
            "20:92 '11000d' is out of range | write more than 0 seconds and at most 10 years",
        ],
    ),
    (
        "by_payload",
        "  build: {waiting: pending, running: active, trigger: start, by: payload.customer}\n",
        [
            "20:66 the expression starts from 'payload' | it may start from: data, entity",
        ],
    ),
    (
        "by_unknown",
        "  build: {waiting: pending, running: active, trigger: start, by: data.custmer}\n",
        [
            (
                "20:66 the expression names data.custmer, which the data does not declare | did you mean "
                "'customer'? declared: customer, secret, priority"
            ),
        ],
    ),
    (
        "by_sensitive",
        "  build: {waiting: pending, running: active, trigger: start, by: data.secret}\n",
        [
            ("20:66 the lane would show data.secret, which is sensitive | use a field that is not, such as an id"),
        ],
    ),
    (
        "by_bad",
        "  build: {waiting: pending, running: active, trigger: start, by: data.}\n",
        [
            (
                "20:66 'data.' is not JMESPath: Expecting: ['quoted_identifier', 'unquoted_identifier', "
                "'lbracket', 'lbrace'], got: eof: Parse error at column 5, token \"\" (EOF), for expression | "
                "write JMESPath such as data.customer"
            ),
        ],
    ),
    (
        "by_null",
        "  build: {waiting: pending, running: active, trigger: start, by: null}\n",
        [
            "20:66 by: has no value | give it one, or remove the key",
        ],
    ),
    (
        "by_num",
        "  build: {waiting: pending, running: active, trigger: start, by: 5}\n",
        [
            "20:66 by: expected text, got the number 5 | write text",
        ],
    ),
    (
        "by_root",
        "  build: {waiting: pending, running: active, trigger: start, by: customer}\n",
        [
            "20:66 the expression starts from 'customer' | write data.customer",
        ],
    ),
    (
        "by_empty",
        "  build: {waiting: pending, running: active, trigger: start, by: ''}\n",
        [
            "20:66 by: is empty | write at least one",
        ],
    ),
    (
        "first_sensitive",
        "  build: {waiting: pending, running: active, trigger: start, first: length(data.secret)}\n",
        [
            ("20:69 the lane would show data.secret, which is sensitive | use a field that is not, such as an id"),
        ],
    ),
    (
        "key_typo",
        "  build: {waiting: pending, running: active, trigger: start, agein: 5m}\n",
        [
            ("20:10 ageing is given and first is not | add first, or remove ageing: the oldest is first anyway"),
            (
                "20:62 unknown key 'agein' | did you mean 'ageing'? allowed here: by, waiting, running, "
                "limit, first, ageing, trigger"
            ),
        ],
    ),
    (
        "one_state",
        "  build: {waiting: pending, running: pending, trigger: start}\n",
        [
            "20:38 the lane 'build' waits and runs in one state | name two states",
        ],
    ),
    (
        "states_there_are_not",
        "  build: {waiting: pendin, running: activ, trigger: start}\n",
        [
            (
                "20:20 the lane 'build' names the state 'pendin', which there is not | did you mean "
                "'pending'? states: pending, active, failed, done"
            ),
            (
                "20:37 the lane 'build' names the state 'activ', which there is not | did you mean 'active'? "
                "states: pending, active, failed, done"
            ),
        ],
    ),
    (
        "runs_at_the_end",
        "  build: {waiting: pending, running: done, trigger: start}\n",
        [
            "20:38 the state 'done' of a lane is final: nobody leaves it | name another",
        ],
    ),
    (
        "shares_a_state",
        "  build: {waiting: pending, running: active, trigger: start}\n  other: {waiting: failed, "
        "running: active, trigger: retry}\n",
        [
            (
                "21:37 the state 'active' belongs to the lane 'build' already | an entity has one place at a "
                "time; give each lane its own states"
            ),
        ],
    ),
    (
        "trigger_misspelt",
        "  build: {waiting: pending, running: active, trigger: strat}\n",
        [
            "20:55 the trigger 'strat' does not lead from 'pending' to 'active' | these do: start, order",
        ],
    ),
    (
        "trigger_that_leads_elsewhere",
        "  build: {waiting: pending, running: active, trigger: finish}\n",
        [
            "20:55 the trigger 'finish' does not lead from 'pending' to 'active' | these do: start, order",
        ],
    ),
    (
        "trigger_with_payload",
        "  build: {waiting: pending, running: active, trigger: order}\n",
        [
            (
                "20:55 the trigger 'order' requires a payload; a lane gives none | let what the transition "
                "needs be in the data before"
            ),
        ],
    ),
    (
        "wrong_way_round",
        "  build: {waiting: active, running: failed, trigger: start}\n",
        [
            "20:54 the trigger 'start' does not lead from 'active' to 'failed' | these do: fail",
        ],
    ),
    (
        "no_way",
        "  build: {waiting: failed, running: active, trigger: retry}\n",
        [
            "20:54 the trigger 'retry' does not lead from 'failed' to 'active' | add a transition",
        ],
    ),
    (
        "nothing_said",
        "  build: {}\n",
        [
            "20:3 running: is missing | add it, such as 'running: active'",
            "20:3 trigger: is missing | add it, such as 'trigger: start'",
            "20:3 waiting: is missing | add it, such as 'waiting: pending'",
        ],
    ),
    (
        "no_map",
        "  build:\n",
        [
            "20:9 build: expected a map, got nothing | remove the key, or give it a value",
        ],
    ),
    (
        "lanes_as_list",
        "  - build\n",
        [
            "20:3 lanes: expected a map of lanes, got a list | write a map of lanes",
        ],
    ),
    (
        "capital_name",
        "  Build: {waiting: pending, running: active, trigger: start}\n",
        [
            "20:3 'Build' is not a name | use lower-case letters, digits and _, beginning with a letter",
        ],
    ),
    (
        "name_with_hash",
        "  'a#b': {waiting: pending, running: active, trigger: start}\n",
        [
            "20:3 'a#b' is not a name | use lower-case letters, digits and _, beginning with a letter",
        ],
    ),
]


def _problems(folder: Path, text: str) -> list[str]:
    (folder / "job.yaml").write_text(text)
    try:
        load_definitions(folder, registered=Registered({"work": ()}, limits=("build_limit",)))
    except DefinitionError as error:
        return [f"{p.line}:{p.column} {p.message} | {p.way_out}" for p in error.problems]
    return []


@pytest.mark.parametrize(("lanes", "expected"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_everything_wrong_with_a_lane_is_told_where_it_stands(tmp_path: Path, lanes: str, expected: list[str]) -> None:
    assert _problems(tmp_path, JOB + lanes) == expected


@pytest.mark.parametrize("lanes", [PLAIN, FULL, "  {}\n"])
def test_nothing_is_wrong_with_a_lane_that_fits(tmp_path: Path, lanes: str) -> None:
    assert _problems(tmp_path, JOB + lanes) == []


def test_a_lane_is_read_with_all_that_is_said_of_it_and_what_is_not() -> None:
    assert parse_definition(JOB + PLAIN).lanes == {"build": Lane("build", "pending", "active", "start")}
    assert parse_definition(JOB + FULL).lanes == {
        "build": Lane(
            "build",
            "pending",
            "active",
            "start",
            by="data.customer",
            limit=1,
            limit_function="build_limit",
            first="data.priority",
            ageing_seconds=5400,
        )
    }
    limited = parse_definition(JOB + PLAIN.replace("}", ", limit: 1000}"))
    assert limited.lanes["build"].limit == 1000


def test_each_state_knows_its_lane() -> None:
    definition = parse_definition(JOB + PLAIN)
    assert {state: lane.name for state, lane in definition.lane_of.items()} == {"pending": "build", "active": "build"}
    assert (definition.limits, parse_definition(JOB + FULL).limits) == (frozenset(), {"build_limit"})


def test_two_lanes_stand_side_by_side(tmp_path: Path) -> None:
    text = JOB.replace("  done: {final: true}\n", "  done: {final: true}\n  again: {}\n").replace(
        "lanes:\n", "  take_up: {from: failed, to: again}\n  end: {from: again, to: done}\nlanes:\n"
    )
    both = text + PLAIN + "  repair: {waiting: failed, running: again, trigger: take_up}\n"
    assert _problems(tmp_path, both) == []
    assert list(parse_definition(both).lanes) == ["build", "repair"]


@pytest.mark.parametrize("lanes", [PLAIN, FULL])
def test_a_lane_comes_back_from_plain_data_as_it_went(tmp_path: Path, lanes: str) -> None:
    definition = parse_definition(JOB + lanes)
    text = json.dumps(to_plain(Definitions((definition,))))
    assert tuple(from_plain(json.loads(text))) == (definition,)
    (tmp_path / "job.yaml").write_text(JOB + lanes)
    assert tuple(from_plain(json.loads(compile_definitions(tmp_path / "job.yaml")))) == (definition,)


def test_plain_data_from_before_there_were_lanes_is_read_as_one_without() -> None:
    plain = to_plain(Definitions((parse_definition(JOB + "  {}\n"),)))
    assert "lanes" not in plain["definitions"][0]
    assert next(iter(from_plain(plain))).lanes == {}


def test_a_problem_of_a_lane_keeps_no_other_from_being_told(tmp_path: Path) -> None:
    text = JOB + PLAIN.replace("start", "strat") + "  other: {limit: 0}\n"
    assert [line.partition(" |")[0] for line in _problems(tmp_path, text)] == [
        "20:55 the trigger 'strat' does not lead from 'pending' to 'active'",
        "21:3 running: is missing",
        "21:3 trigger: is missing",
        "21:3 waiting: is missing",
        "21:18 limit: is 0, less than 1",
    ]


def test_a_kind_may_not_be_called_as_lanes_are(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path, JOB.replace("kind: job", "kind: lane") + PLAIN)
    assert problem.startswith("1:7 ")
    assert "lane" in problem


def test_a_transition_with_and_one_without_a_payload_make_a_trigger_that_a_lane_can_fire(tmp_path: Path) -> None:
    both = JOB.replace(
        "  order: {from: pending, to: active, requires: [ticket]}",
        "  order: [{from: pending, to: active, requires: [ticket], guard: payload.ticket}, "
        "{from: pending, to: active}]",
    )
    assert _problems(tmp_path, both + PLAIN.replace("start", "order")) == []


def _circling(start: str = "", retry: str = "") -> str:
    return (
        JOB.replace("  active: {}", "  active: {on_enter: [{run: work, then: again}]}")
        .replace("start: {from: pending, to: active}", f"start: {{from: pending, to: active{start}}}")
        .replace("lanes:\n", f"  again: {{from: active, to: pending{retry}}}\nlanes:\n" + PLAIN)
    )


def test_a_circle_through_a_lane_is_one_without_an_end(tmp_path: Path) -> None:
    assert _problems(tmp_path, _circling()) == [
        "10:41 circle without an end: job start (pending -> active) -> work -> job again (active -> pending) "
        "-> the lane build -> job start | "
        "put a guard on one of the transitions, or wait in between with a timer (`after`)"
    ]


@pytest.mark.parametrize("guarded", [{"start": ", guard: data.priority"}, {"retry": ", guard: data.priority"}])
def test_a_guard_ends_a_circle_through_a_lane(tmp_path: Path, guarded: dict[str, str]) -> None:
    assert _problems(tmp_path, _circling(**guarded)) == []


def test_a_circle_without_the_lane_is_none(tmp_path: Path) -> None:
    assert _problems(tmp_path, _circling().replace(PLAIN, "  {}\n")) == []


def test_a_limit_that_no_handler_registers_is_told_when_the_application_starts() -> None:
    definitions = Definitions((parse_definition(JOB + FULL),))
    with pytest.raises(RegisterHookError, match=r"no handler module registers limit 'build_limit' \(job\)"):
        require(Hooks(), definitions)

    @limit
    def build_limit(key: str) -> int:
        return 1

    require(Hooks([build_limit]), definitions)


def test_a_limit_is_registered_once_and_under_its_name() -> None:
    @limit(name="one")
    def first(key: str) -> int:
        return 1

    @limit(name="one")
    def second(key: str) -> int:
        return 2

    assert Hooks([first]).registered.limits == ("one",)
    with pytest.raises(RegisterHookError, match="two limits are named 'one'"):
        Hooks([first, second])
