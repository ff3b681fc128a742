"""A new version of a definition and of its hooks, deployed over entities in flight: all go on, none is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.acceptance.conftest import Deployed, add_kind, copy_of_the_project, deploy, eventually, flow_of
from workflow import Workflow
from workflow.errors import DefinitionError
from workflow.local.errors import PackageError

CRATE = """\
kind: crate
version: 1
initial: made
data:
  dock: {type: string, default: nowhere}
states:
  made: {after: {1s: scrap}}
  queued: {}
  loading: {}
  checked: {on_enter: [{run: check, retry: {attempts: 1}}, label]}
  painted: {on_enter: [paint, label]}
  shipped: {final: true, on_enter: [label]}
  scrapped: {final: true, on_enter: [label]}
transitions:
  scrap: {from: made, to: scrapped}
  queue: {from: made, to: queued}
  load: {from: queued, to: loading}
  check: {from: made, to: checked}
  paint: {from: made, to: painted}
  ship: {from: [made, loading, checked, painted], to: shipped}
lanes:
  loading: {by: data.dock, waiting: queued, running: loading, limit: 1, trigger: load}
"""
SEALED = """\
  sealed: {on_enter: [seal]}
transitions:
  seal: {from: [loading, checked, painted], to: sealed}
"""
CRATE_2 = (
    CRATE.replace("version: 1", "version: 2")
    .replace("transitions:\n", SEALED)
    .replace("painted], to: shipped", "painted, sealed], to: shipped")
)
HOOKS = """\
import time

from workflow import hook


@hook
def check(effect):
    raise ValueError("the scales are broken")


@hook
def paint(effect):
    time.sleep(3)


@hook
def label(effect):
    pass
"""
SEAL = "\n\n@hook\ndef seal(effect):\n    pass\n"
HOOKS_2 = HOOKS.replace('raise ValueError("the scales are broken")', "pass") + SEAL


class Traffic:
    """A shop that goes on firing from a thread of its own, whatever is deployed meanwhile."""

    def __init__(self, flow: Workflow) -> None:
        self._flow = flow
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.accepted: dict[str, list[str]] = {}
        self.problems: list[Exception] = []

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        for number in count():
            id = f"busy-{number}"
            try:
                made, shipped = self._flow.create("crate", id, {}), self._flow.fire("crate", id, "ship")
            except Exception as problem:
                self.problems.append(problem)
            else:
                self.accepted[id] = [made.event.id, shipped.event.id]
            if self._stop.wait(0.05):
                return


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = copy_of_the_project(tmp_path_factory.mktemp("project"))
    add_kind(project, "crate", CRATE, HOOKS)
    return project


@pytest.fixture(scope="module")
def crates(project: Path) -> Iterator[Deployed]:
    """The first version, and entities in flight by it: each named for what it waits for."""
    with deploy(project) as crates:
        flow = crates.flow
        for id, data in (("timer", {}), ("hook", {}), ("first", {"dock": "a"}), ("second", {"dock": "a"})):
            flow.create("crate", id, data)
        flow.fire("crate", "hook", "check")
        for id in ("first", "second"):
            flow.fire("crate", id, "queue")
            crates.settle()
        flow.create("crate", "running", {})
        yield crates


@pytest.fixture(scope="module")
def upgraded(crates: Deployed, project: Path) -> tuple[Deployed, Workflow, Traffic]:
    """The second version, deployed in the middle of traffic and while a hook is running."""
    assert [crates.flow.get("crate", id).state for id in ("timer", "hook", "first", "second")] == [
        *("made", "checked", "loading", "queued")
    ]
    crates.flow.fire("crate", "running", "paint")
    eventually(lambda: any(entry.owner for entry in crates.flow.effects("crate", "running")))
    assert crates.effects("crate", "running")["2 paint"] == ("owed", 0)
    with Traffic(crates.flow) as traffic:
        upgrade(project, CRATE_2, HOOKS_2)
        crates.cloud.redeploy()
    crates.settle()
    return crates, flow_of(crates.cloud), traffic


def upgrade(project: Path, definition: str, hooks: str) -> None:
    folder = project / "definitions"
    (folder / "crate.v1.yaml").write_text(CRATE)
    (folder / "crate.yaml").write_text(definition)
    (project / "handlers" / "crate.py").write_text(hooks)


def test_traffic_in_the_middle_of_an_upgrade_is_neither_refused_nor_lost(
    upgraded: tuple[Deployed, Workflow, Traffic],
) -> None:
    crates, flow, traffic = upgraded
    assert traffic.problems == []
    assert len(traffic.accepted) > 5
    assert {id: [event.id for event in flow.history("crate", id)] for id in traffic.accepted} == traffic.accepted
    assert {id: crates.effects("crate", id) for id in traffic.accepted} == {
        id: {"2 label": ("done", 1)} for id in traffic.accepted
    }


def test_a_hook_that_was_running_is_done_once(upgraded: tuple[Deployed, Workflow, Traffic]) -> None:
    crates, flow, _ = upgraded
    flow.fire("crate", "running", "seal")
    crates.settle()
    assert crates.effects("crate", "running") == {
        "2 paint": ("done", 1),
        "2 label": ("done", 1),
        "3 seal": ("done", 1),
    }
    assert [event.definition for event in flow.history("crate", "running")] == [1, 1, 2]


def test_what_was_parked_goes_on_with_the_mended_hook(upgraded: tuple[Deployed, Workflow, Traffic]) -> None:
    crates, flow, _ = upgraded
    assert [(entry.entity_id, entry.first_open) for entry in flow.operations.parked(kind="crate")] == [
        ("hook", "check")
    ]
    flow.operations.redrive("crate", "hook")
    crates.sweep()
    assert crates.effects("crate", "hook") == {"2 check": ("done", 2), "2 label": ("done", 1)}


def test_a_timer_that_was_set_before_fires_after(upgraded: tuple[Deployed, Workflow, Traffic]) -> None:
    crates, flow, _ = upgraded
    eventually(lambda: crates.sweep() == {} and flow.get("crate", "timer").state == "scrapped")
    crates.settle()
    assert [(event.trigger, event.definition) for event in flow.history("crate", "timer")] == [
        *(("create", 1), ("scrap", 2))
    ]
    assert crates.effects("crate", "timer") == {"2 label": ("done", 1)}


def test_a_lane_goes_on_with_who_waited(upgraded: tuple[Deployed, Workflow, Traffic]) -> None:
    crates, flow, _ = upgraded
    flow.fire("crate", "first", "seal")
    crates.settle()
    assert [flow.get("crate", id).state for id in ("first", "second")] == ["sealed", "loading"]


def test_afterwards_no_promise_is_broken(upgraded: tuple[Deployed, Workflow, Traffic]) -> None:
    _, flow, _ = upgraded
    assert flow.operations.verify().findings == []


def test_a_definition_or_a_handler_that_is_refused_leaves_what_runs_untouched(
    upgraded: tuple[Deployed, Workflow, Traffic], project: Path
) -> None:
    crates, flow, _ = upgraded
    stack = crates.cloud.stack
    third = CRATE_2.replace("version: 2", "version: 3")
    upgrade(project, third, "nonsense(")
    with pytest.raises(PackageError, match=r"handlers/crate\.py:1"):
        crates.cloud.redeploy()
    upgrade(project, third.replace("to: scrapped", "to: nowhere"), HOOKS_2)
    with pytest.raises(DefinitionError, match="nowhere"):
        crates.cloud.redeploy()

    assert crates.cloud.stack == stack
    flow.create("crate", "afterwards", {})
    flow.fire("crate", "afterwards", "ship")
    crates.settle()
    assert crates.effects("crate", "afterwards") == {"2 label": ("done", 1)}
