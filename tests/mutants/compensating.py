"""Mutants of transitions that compensate: what is undone, in which order, how often."""

from __future__ import annotations

from tests.mutants.mutant import Edit, Mutant
from tests.mutants.workloads import COMPENSATIONS

_COMPENSATE = "workflow.runtime.compensate"

MUTANTS = (
    Mutant(
        "undone in the order it was done",
        "what was done first is undone first",
        (4,),
        (Edit(f"{_COMPENSATE}:with_undos", "for entry in reversed(earlier)", "for entry in earlier"),),
        dies_soon=True,
        scenario=COMPENSATIONS,
    ),
    Mutant(
        "undone again",
        "a second transition that compensates undoes also what the first one has undone",
        (4,),
        (Edit(f"{_COMPENSATE}:with_undos", " if undo not in known", ""),),
        dies_soon=True,
        scenario=COMPENSATIONS,
    ),
    Mutant(
        "only the last event undone",
        "what was done before the last event that did something is not undone",
        (4,),
        (Edit(f"{_COMPENSATE}:with_undos", "reversed(earlier)", "earlier[-1:]"),),
        dies_soon=True,
        scenario=COMPENSATIONS,
    ),
    Mutant(
        "nothing known of an undo",
        "that an effect can be undone is not kept when it is done",
        (4,),
        (Edit("workflow.runtime.hook_run:_ended", "undo=use.undo.hook", 'undo=""'),),
        dies_soon=True,
        scenario=COMPENSATIONS,
    ),
    Mutant(
        "nothing known of an undo after a probe",
        "that an effect can be undone is not kept when its probe says that it is done",
        (4,),
        (
            Edit(
                "workflow.runtime.run_effects:EffectRunner._verified",
                "undo=use.undo.hook if use.undo else outcome.undo",
                'undo=""',
            ),
        ),
        scenario=COMPENSATIONS,
    ),
    Mutant(
        "undone before its time",
        "what is to be undone is asked for when not all of what came before is settled",
        (4, 5),
        (
            Edit(
                "workflow.runtime.entity_delivery:EntityDelivery._is_next",
                "return entry.settled",
                "return True",
            ),
        ),
        dies_soon=True,
        scenario=COMPENSATIONS,
    ),
)
