"""The simulator itself: it finds nothing wrong here, it is exact, and what is broken it finds and tells."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.samples import ORDER, entering
from tests.simulation.scenarios import ALL, NASTY, QUEUED, SHIPPED, SIMULATED
from workflow import Definitions, Effect, hook, limit
from workflow.definition.definition import Guard, State, Transition
from workflow.testing import simulate
from workflow.testing.memory_ledger import MemoryLedger
from workflow.testing.simulation import Command, Fate, Report, Scenario, run_schedule, run_seeds, tell_seed
from workflow.testing.simulation.shrink import shrink
from workflow.testing.simulation.views import VIEWS

_ENTITY = [
    Command("create", "nasty", "1", request_id="one"),
    Command("fire", "nasty", "1", "start", request_id="two"),
    Command("wait", seconds=70),
    Command("fire", "nasty", "1", "bump"),
]
_SCRIPTED = Scenario(NASTY, scripts=[_ENTITY])
GREETED = Definitions((entering(ORDER, placed=["greet"]),))


def _line(function: Callable[..., object]) -> int:
    return function.__code__.co_firstlineno


def _break_the_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever commits is taken for the owner."""
    monkeypatch.setattr(MemoryLedger, "holds", lambda self, owner, entry: entry[:3] in self._entries)


@pytest.mark.parametrize("definitions", [ALL, SHIPPED, NASTY, QUEUED], ids=["all", "shipped", "nasty", "lanes"])
def test_every_promise_is_kept_in_every_schedule(definitions: Definitions) -> None:
    report, story = run_seeds(Scenario(definitions), range(120), replay_with="make sim SEED={seed}")
    assert story == ""
    assert report.schedules == 120
    assert report.effects > 60


@pytest.mark.parametrize("name", ["all", "lanes"])
def test_every_promise_is_kept_behind_a_stream_that_does_not_show_both_images(name: str) -> None:
    scenario = replace(Scenario(SIMULATED[name]), views=VIEWS)
    report, story = run_seeds(scenario, range(40), replay_with="make sim SCENARIO=views SEED={seed}")
    assert (story, report.schedules) == ("", 40)


def test_the_same_seed_tells_the_same_story() -> None:
    scenario = Scenario(ALL)
    assert [tell_seed(scenario, seed) for seed in range(10)] == [tell_seed(Scenario(ALL), seed) for seed in range(10)]


@pytest.mark.parametrize("name", ["all", "lanes"])
def test_a_seed_tells_the_same_story_in_another_process(name: str) -> None:
    told = tell_seed(Scenario(SIMULATED[name]), 3)[0]
    script = (
        "import sys; from tests.simulation.test_simulator import *; "
        f"sys.stdout.write(tell_seed(Scenario(SIMULATED[{name!r}]), 3)[0])"
    )
    # Sets of texts come in another order there.
    others = {**os.environ, "PYTHONHASHSEED": "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"}
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=others)
    assert run.stdout == told


def test_the_choices_made_replay_the_schedule() -> None:
    for seed in range(20):
        made = run_schedule(Scenario(ALL), Fate(seed), telling=True)
        assert run_schedule(Scenario(ALL), Fate(given=made.choices), telling=True) == made


def test_every_sort_of_fault_happens() -> None:
    report, _ = run_seeds(Scenario(ALL), range(250))
    rare = {"stream trimmed", "records reordered", "zombie invocation", "duplicate delivery", "stale read", "outage"}
    common = {"crash before", "crash after", "request lost", "response lost", "throttled", "conflict", "sent twice"}
    assert {name for name in rare | common if not report.faults[name]} == set()


def test_a_broken_fence_is_found_told_and_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    _break_the_fence(monkeypatch)
    report, story = run_seeds(Scenario(ALL), range(2000), replay_with="make sim SEED={seed}", most_replays=80)
    assert report.violations == 1
    assert "BROKEN: promise 4 (every effect is committed once" in story
    assert re.search(r"^12:\d\d:\d\d\.\d{3}  handler \d+ +\w+#.*: runs \(attempt \d+\)$", story, re.MULTILINE)
    found = re.search(
        r"^seed (\d+), (\d+) choices, shrunk to (\d+): \[.*\]\nto replay it: make sim SEED=(\d+)$", story, re.M
    )
    assert found is not None
    assert int(found[3]) < int(found[2])
    assert found[1] == found[4]
    assert not tell_seed(Scenario(ALL), int(found[1]))[1]


def test_shrinking_keeps_only_what_the_failure_needs() -> None:
    replays = 0

    def fails(choices: Any) -> Any:
        nonlocal replays
        replays += 1
        return list(choices) if sum(1 for number in choices if number >= 3) >= 2 else None

    assert shrink([0, 1, 5, 0, 2, 9, 4, 0, 1, 0], fails) == [3, 3]
    assert replays < 200


def test_shrinking_ends_after_the_replays_it_was_given() -> None:
    replays: list[int] = []
    assert shrink([1] * 50, lambda choices: replays.append(1), most=7) == [1] * 50  # type: ignore[func-returns-value]
    assert len(replays) == 7


def test_a_plan_brings_its_faults_and_no_other() -> None:
    without = run_schedule(_SCRIPTED, Fate(given=[]), plan={})
    assert (without.breaches, dict(without.faults)) == ([], {})
    assert len(without.places) == without.points > 20
    commit = next(number for number, place in enumerate(without.places, 1) if place.endswith("ledger.commit"))
    crashed = run_schedule(_SCRIPTED, Fate(given=[]), plan={commit: "crash after"}, telling=True)
    assert (crashed.breaches, dict(crashed.faults)) == ([], {"crash after": 1})
    assert any(line.endswith("** crash after **") for line in crashed.lines)


def test_users_simulate_their_own_hooks() -> None:
    sent: list[str] = []

    @hook
    def greet(effect: Effect) -> None:
        sent.append(effect.key)

    report = simulate(Definitions((entering(ORDER, placed=["greet"]),)), [greet], schedules=150)
    assert report.schedules == 150
    assert report.faults["hook crash before"] > 0
    assert report.faults["hook crash after"] > 0
    # Ids are the same in every schedule; more runs than effects, for some were cut off.
    assert len(set(sent)) < report.effects < len(sent)
    assert str(report).splitlines()[0].split() == ["schedules", "150"]


def test_a_hook_that_never_succeeds_is_named_with_its_first_error_and_where_it_was_raised() -> None:
    @hook
    def send_receipt(effect: Effect) -> None:
        raise LookupError("MAIL_FROM is not set")

    @hook
    def pack(effect: Effect) -> None:
        int("seven")

    order = entering(ORDER, placed=["send_receipt"], paid=["pack"])
    here = send_receipt.__code__.co_firstlineno
    with pytest.raises(AssertionError) as raised:
        simulate(Definitions((order,)), [send_receipt, pack], schedules=40)
    assert str(raised.value).splitlines() == [
        f"hook 'pack' never succeeded in 40 schedules: ValueError: invalid literal for int() with base 10: 'seven' "
        f"(test_simulator.py:{here + 6})",
        "hook 'send_receipt' never succeeded in 40 schedules: LookupError: MAIL_FROM is not set "
        f"(test_simulator.py:{here + 2})",
    ]


def test_a_hook_that_cannot_even_be_called_is_named_with_its_first_line() -> None:
    @hook
    def greet() -> None:
        pass

    told = rf"^hook 'greet' never succeeded in 5 schedules: TypeError: .*\(test_simulator.py:{_line(greet)}\)$"
    with pytest.raises(AssertionError, match=told):
        simulate(GREETED, [greet], schedules=5)


def test_a_hook_that_succeeds_now_and_then_is_counted_with_its_errors() -> None:
    @hook
    def greet(effect: Effect) -> None:
        if effect.attempt == 1:
            raise LookupError("not yet")

    report = simulate(GREETED, [greet], schedules=40)
    runs = report.hooks["greet"]
    assert runs.well > 0
    assert runs.errors == {"LookupError": runs.errors["LookupError"]}
    assert re.search(rf"^  greet: LookupError +{runs.errors['LookupError']:,}$", str(report), re.MULTILINE)
    twice = Report()
    twice.add(report)
    twice.add(report)
    assert (twice.hooks["greet"].well, twice.hooks["greet"].first) == (2 * runs.well, runs.first)
    assert report.hooks["greet"].well == runs.well


def test_a_hook_that_was_never_reached_is_only_listed() -> None:
    @hook
    def greet(effect: Effect) -> None:
        pass

    lose = Transition("lose", "placed", "lost", guard=Guard("`false`"))
    lossy = replace(ORDER, states={**ORDER.states, "lost": State("lost")}, transitions=(*ORDER.transitions, lose))
    definitions = Definitions((entering(lossy, placed=["greet"], lost=["never"]),))
    never = hook(name="never")(lambda effect: None)
    report = simulate(definitions, [greet, never], schedules=5)
    assert re.search(r"^  never +never reached$", str(report), re.MULTILINE)


def test_a_single_seed_says_nothing_of_hooks_that_never_succeed() -> None:
    @hook
    def greet(effect: Effect) -> None:
        raise LookupError("no")

    assert simulate(GREETED, [greet], seed=7).hooks["greet"].errors["LookupError"] > 0


def test_before_each_schedule_users_reset_their_fakes() -> None:
    sent: set[str] = set()
    resets: list[int] = []

    @hook
    def greet(effect: Effect) -> None:
        sent.add(effect.key)

    def reset() -> None:
        resets.append(len(sent))
        sent.clear()

    simulate(GREETED, [greet], schedules=30, before_each=reset)
    assert len(resets) == 30
    assert resets[0] == 0


def test_what_users_check_after_each_schedule_is_told_with_story_and_seed() -> None:
    charged: list[str] = []

    @hook
    def greet(effect: Effect) -> None:
        charged.append(effect.key)

    def charged_once() -> None:
        twice = {key for key in charged if charged.count(key) > 1}
        if twice:
            raise AssertionError(f"charged twice: {sorted(twice)[0]}")

    with pytest.raises(AssertionError) as raised:
        simulate(GREETED, [greet], schedules=300, before_each=charged.clear, check=charged_once)
    story = str(raised.value)
    assert re.search(
        rf"^BROKEN: your own check:\n  charged twice: order#.*#greet "
        rf"\(test_simulator.py:{_line(charged_once) + 3}\)$",
        story,
        re.MULTILINE,
    )
    assert len(re.findall(r": runs \(attempt", story)) < 6
    seed = re.search(r"simulate\(\.\.\., seed=(\d+)\)", story)
    assert seed is not None
    with pytest.raises(AssertionError) as again:
        simulate(GREETED, [greet], seed=int(seed[1]), before_each=charged.clear, check=charged_once)
    assert str(again.value) == story


@pytest.mark.parametrize("waits", [True, False], ids=["that is waited for", "that is not"])
def test_a_hook_that_uses_its_effect_in_a_thread_is_told_so(waits: bool) -> None:
    raised_there: list[BaseException] = []

    @hook
    def greet(effect: Effect) -> None:
        def work() -> None:
            try:
                effect.fire("annotate", {"note": "hello"})
            except BaseException as error:
                raised_there.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        if waits:
            thread.join()

    with pytest.raises(AssertionError) as raised:
        simulate(GREETED, [greet], schedules=200)
    assert str(raised.value) == "hooks under simulate must not use threads: greet"
    assert str(raised_there[0]) == str(raised.value)


@pytest.mark.parametrize("schedules", [0, -1])
def test_fewer_than_one_schedule_is_refused(schedules: int) -> None:
    with pytest.raises(ValueError, match=f"^schedules must be 1 or more, not {schedules}$"):
        simulate(NASTY, schedules=schedules)


def test_without_pydantic_reading_definitions_is_refused_as_by_a_workflow() -> None:
    script = (
        "import sys; sys.modules['pydantic'] = None\n"
        "from workflow import Workflow\n"
        "from workflow.testing import MemoryStore, simulate\n"
        "for read in (simulate, lambda path: Workflow(path, MemoryStore())):\n"
        "    try: read('definitions')\n"
        "    except Exception as error: print(type(error).__name__, error)"
    )
    one, other = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert one == other
    assert one.startswith("SettingsError reading definitions needs pydantic: pip install")


def test_a_broken_promise_raises_with_the_story(monkeypatch: pytest.MonkeyPatch) -> None:
    _break_the_fence(monkeypatch)
    with pytest.raises(AssertionError, match="BROKEN: promise") as raised:
        simulate(NASTY, schedules=2000)
    seed = re.search(r"simulate\(\.\.\., seed=(\d+)\)", str(raised.value))
    assert seed is not None
    with pytest.raises(AssertionError, match="BROKEN: promise"):
        simulate(NASTY, seed=int(seed[1]))


def test_testing_needs_no_greenlet_until_somebody_simulates() -> None:
    script = (
        "import sys; sys.modules['greenlet'] = None\n"
        "import workflow.testing\n"
        "try: workflow.testing.simulate\n"
        "except ImportError as error: print(error)"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert told == ("the simulator needs greenlet, which is not installed: pip install 'stream-workflow[simulation]'\n")


_QUEUED_HOOKS = [hook(name=name)(lambda effect: None) for name in sorted(next(iter(QUEUED)).hooks)]


def test_users_simulate_lanes_with_limits_of_their_own() -> None:
    asked: set[str] = set()

    @limit(name="deploys")
    def by_repository(key: str) -> int:
        asked.add(key)
        return {"red": 2}.get(key, 1)

    report = simulate(QUEUED, [*_QUEUED_HOOKS, by_repository], schedules=60)
    assert asked == {"red", "blue"}
    assert report.lane_starts > 300
    assert report.crowded > 30
    assert re.search(rf"^starts in lanes +{report.lane_starts:,}$", str(report), re.MULTILINE)
    assert re.search(rf"^most schedulers at once +{report.schedulers}$", str(report), re.MULTILINE)


def test_a_limit_that_says_no_number_is_told_with_what_waits_for_it() -> None:
    @limit(name="deploys")
    def broken(key: str) -> int:
        raise LookupError("no table of limits")

    with pytest.raises(AssertionError, match=r"BROKEN: promise 9 .*\n.*the limit 'deploys' failed"):
        simulate(QUEUED, [*_QUEUED_HOOKS, broken], schedules=200)


def test_lanes_are_played_with_crowds_limits_that_change_and_writes_by_hand() -> None:
    report, _ = run_seeds(Scenario(QUEUED), range(60))
    assert report.schedulers >= 12
    assert report.crowded > 40
    told = "\n".join(tell_seed(Scenario(QUEUED), seed)[0] for seed in range(60))
    for words in ("the limit 'deploys' of", "by hand", "and some wait", "deletes the row of"):
        assert words in told, words
    assert report.faults["limit function failed"] > 0
