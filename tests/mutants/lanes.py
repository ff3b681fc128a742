"""Mutants of lanes: slots taken and given back, who is next, who looks, what is mended."""

from __future__ import annotations

from tests.mutants.mutant import Edit, Mutant
from tests.mutants.workloads import LANES, MOVING
from workflow.testing.simulation import Scenario

_STORE = "workflow.testing.memory:MemoryStore"
_START = "workflow.runtime.start_waiting"
_PLACING = "workflow.engine.placing:Placing"


def _mutant(name: str, breaks: str, *edits: Edit, scenario: Scenario = LANES) -> Mutant:
    return Mutant(name, breaks, (9,), edits, dies_soon=True, scenario=scenario)


MUTANTS = (
    _mutant(
        "no condition on the slot",
        "a slot is taken whoever holds it by now",
        Edit(f"{_STORE}._slots", "in_the_way is not None and in_the_way.entity_id != entity_id", "False"),
    ),
    _mutant(
        "slot kept on cancel",
        "whoever is cancelled while it runs does not give its slot back",
        Edit(f"{_STORE}._move", "if left:", "if left and entity.state != 'cancelled':"),
    ),
    _mutant(
        "place carried out of the lane",
        "an entity that leaves a lane keeps its place there",
        Edit(f"{_PLACING}.after", "return None", "return before.place if before else None"),
    ),
    _mutant(
        "lowered limit ignored",
        "slots below a limit are free, however many hold slots above it since it was lowered",
        Edit("workflow.runtime.slots:free_slots", "max(0, limit - len(taken))", "limit"),
        scenario=MOVING,
    ),
    Mutant(
        "taken slots offered",
        "who runs is not looked at before somebody is started, so that whoever starts is beaten for ever",
        (4, 9),
        (Edit("workflow.runtime.slots:free_slots", "row.place.slot for row in running", "0 for row in running"),),
        dies_soon=True,
        scenario=LANES,
    ),
    _mutant(
        "priority ignored",
        "whoever came first is next, however urgent others are",
        Edit(f"{_PLACING}._rank", "urgency = self._urgency(lane, seen)", "urgency = Decimal(0)"),
    ),
    _mutant(
        "ageing ignored",
        "whoever is more urgent is next, however long others wait",
        Edit(f"{_PLACING}._rank", "if lane.ageing_seconds:", "if False:"),
    ),
    _mutant(
        "place lost by a change",
        "whoever changes while it waits goes to the end of those who are as urgent",
        Edit(f"{_PLACING}._place", "held.since if held is not None and held.key == key else at", "at"),
    ),
    _mutant(
        "slot of another queue",
        "who has changed queues since the look is started, with a slot of the queue that it left",
        Edit(f"{_START}:_waits_in", " and place.at(lane.kind) == lane", ""),
        Edit(f"{_START}:_Look._start", "only_version=entity.version,", ""),
        scenario=MOVING,
    ),
    _mutant(
        "a refusal ends the look",
        "whoever refuses to be started keeps all who come after it waiting",
        Edit(f"{_START}:_Look.fill", "self._passed.add(row.entity_id)", "queue.clear()"),
    ),
    _mutant(
        "nobody looks at a free slot",
        "that a slot is given back starts nobody before a sweeper comes by",
        Edit("workflow.runtime.deliver_lanes:_touched", "if left is not None and not left.is_waiting:", "if False:"),
    ),
    _mutant(
        "nobody looks at who comes to wait",
        "that somebody waits beside a free slot starts nobody before a sweeper comes by",
        Edit("workflow.runtime.deliver_lanes:_touched", "if place is not None and place.is_waiting:", "if False:"),
    ),
    _mutant(
        "never watched",
        "no sweeper ever looks at a lane in which somebody waits",
        Edit(f"{_START}:_watch", "waiting and ", "False and "),
    ),
    _mutant(
        "swept without a start",
        "a sweeper looks at a lane and starts nobody there: a raised limit is never noticed",
        Edit("workflow.runtime.sweep_lane:sweep_lane", "start_waiting(runtime, watched.lane)", "0, True"),
    ),
    _mutant(
        "mended though nothing is wrong",
        "a sweeper frees the places of those who still stand there",
        Edit("workflow.runtime.mend_lane:free_stale", "not _stands_there(runtime, lane, row) and ", ""),
    ),
    _mutant(
        "lanes not reconciled",
        "what was written to a lane by hand, or lost by the stream, stays as it is",
        Edit("workflow.runtime.reconcile:Reconciler._mend_lanes", "self._lanes.mend(lane)", "str(lane)"),
        Edit("workflow.runtime.reconcile:Reconciler._look", "self._lanes.look(seen)", "str(seen)"),
    ),
)
