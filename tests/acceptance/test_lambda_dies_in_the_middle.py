"""A hook takes its whole process with it: what it had in hand is taken over once its lease is over, and goes on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.conftest import Deployed, add_kind, copy_of_the_project, deploy

# A lease outlasts the invocation by five seconds, so this is how long the story takes.
TIMEOUT = ("Timeout: 60", "Timeout: 2")
KILLER = """\
kind: killer
version: 1
initial: placed
states:
  placed: {}
  dying: {final: true, on_enter: [die_once, wrap_up]}
  dead:
    final: true
    on_enter:
      - {run: die_always, retry: {attempts: 1}}
      - wrap_up
  fine: {final: true, on_enter: [wrap_up]}
transitions:
  die: {from: placed, to: dying}
  die_always: {from: placed, to: dead}
  live: {from: placed, to: fine}
"""
KILLER_HOOKS = """\
import os

from workflow import hook


@hook
def die_once(effect):
    if effect.attempt == 1:
        os._exit(1)


@hook
def die_always(effect):
    os._exit(1)


@hook
def wrap_up(effect):
    pass
"""


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """A cloud whose functions have little time, and hooks that end their process."""
    project = copy_of_the_project(tmp_path_factory.mktemp("mortal"))
    template = (project / "template.yaml").read_text()
    assert template.count(TIMEOUT[0]) == 1
    (project / "template.yaml").write_text(template.replace(*TIMEOUT))
    add_kind(project, "killer", KILLER, KILLER_HOOKS)
    with deploy(project) as deployed:
        yield deployed


def test_what_died_is_taken_over_once_what_always_dies_waits_for_a_person_and_the_others_go_on(
    mortal: Deployed,
) -> None:
    flow = mortal.flow
    for id, trigger in (("first", "live"), ("once", "die"), ("always", "die_always"), ("last", "live")):
        flow.create("killer", id)
        flow.fire("killer", id, trigger)
    mortal.settle()

    assert mortal.cloud.pump.counters.failures > 0
    assert mortal.cloud.pump.counters.records_discarded == 0
    assert {id: mortal.effects("killer", id) for id in ("once", "always")} == {
        "once": {"2 die_once": ("done", 2), "2 wrap_up": ("done", 1)},
        "always": {"2 die_always": ("parked", 1), "2 wrap_up": ("owed", 0)},
    }
    # In how many attempts is chance: who shared the process may have been cut off with it.
    beside = [status for id in ("first", "last") for status, _ in mortal.effects("killer", id).values()]
    assert beside == ["done", "done"]
    (entry,) = flow.operations.parked()
    assert (entry.entity_id, entry.parked and entry.parked.why) == ("always", "unknown")
    # Nobody runs it again before a person says so, who does not want to.
    assert mortal.sweep() == {}
    assert flow.operations.skip("killer", "always", "it ends the process") == "die_always"
    assert mortal.sweep() == {"effects_done": 1}
    assert mortal.effects("killer", "always") == {"2 die_always": ("skipped", 1), "2 wrap_up": ("done", 1)}
