"""Mutants of what waits and goes on: putting aside, taking up again, outcomes with transitions, timers, people."""

from __future__ import annotations

from tests.mutants.mutant import Edit, Mutant
from tests.mutants.workloads import OUTCOMES_WITH_TRANSITIONS

_ASIDE = "workflow.runtime.aside:Aside"
_RUNNER = "workflow.runtime.run_effects:EffectRunner"
_LEADING_ON = "workflow.runtime.leading_on:LeadingOn"
_RESUME = "workflow.runtime.resume:Resumption"
_TIMERS = "workflow.runtime.timers"

MUTANTS = (
    Mutant(
        "let go before the next is claimed",
        "a settled entry is let go, and only then what waits behind it is claimed: between the two nothing is due",
        (4,),
        (
            Edit(
                f"{_RESUME}._take",
                "taken = self._claims.claim(",
                "self._claims.let_go(at); taken = self._claims.claim(",
            ),
        ),
    ),
    Mutant(
        "no look after the last step",
        "events that came while the last step of an entity was run are forgotten",
        (4,),
        (Edit("workflow.runtime.steps:Steps.to_the_end", "if self._version == version:", "if True:"),),
    ),
    Mutant(
        "a paused hook runs",
        "nobody looks whether the hook is paused",
        (4,),
        (Edit(f"{_RUNNER}._settle", "if pause:", "if False:"),),
    ),
    Mutant(
        "transition apart from its outcome",
        "what `then` and `catch` fire is written first, and the effect's outcome in a write of its own",
        (4, 10),
        (
            Edit(f"{_LEADING_ON}._fire", "settles=Settlement(self._owner, after, use.hook),", ""),
            Edit(
                f"{_LEADING_ON}._fire",
                "fire(self._runtime, ask)",
                "fire(self._runtime, ask); self._claims.commit(after, use.hook)",
            ),
        ),
    ),
    Mutant(
        "unanswered then not fenced",
        "a `then` that was not answered is put aside whatever stands there by now",
        (4, 10),
        (
            Edit(
                f"{_ASIDE}.unanswered",
                "self._claims.put_aside_if(found, failed, parked)",
                "self._claims.put_aside(failed, use.hook, parked)",
            ),
        ),
        scenario=OUTCOMES_WITH_TRANSITIONS,
    ),
    Mutant(
        "unanswered then not looked for",
        "a `then` that was not answered counts as not written",
        (4, 10),
        (Edit(f"{_ASIDE}.unanswered", "if found.is_as(entry):", "if False:"),),
        scenario=OUTCOMES_WITH_TRANSITIONS,
    ),
    Mutant(
        "cut off attempts not counted",
        "a hook that ends its process is run again and again, and no person ever hears of it",
        (4,),
        (Edit("workflow.runtime.ledger_entry:LedgerEntry.taken_by", "begun.attempts + 1", "begun.attempts"),),
        dies_soon=True,
    ),
    Mutant(
        "cut off run taken for owed",
        "after a run that was cut off nobody asks whether it happened",
        (4,),
        (Edit("workflow.runtime.ledger_entry:LedgerEntry.taken_by", 'status="unknown"', 'status="owed"'),),
        dies_soon=True,
    ),
    Mutant(
        "tried for ever",
        "no attempt is ever the last, and no person hears of it",
        (4,),
        (
            Edit(
                "workflow.runtime.retries:is_spent",
                "outcome.attempts - outcome.forgiven >= (use.retry or DEFAULT_RETRY).attempts",
                "False",
            ),
        ),
        dies_soon=True,
    ),
    Mutant(
        "reconcile restores nothing",
        "what the stream lost is found, and not made due",
        (4,),
        (
            Edit(
                "workflow.runtime.reconcile:Reconciler._make_due",
                "return self._runtime.ledger.put(due, entry) is None",
                "return False",
            ),
        ),
    ),
    Mutant(
        "parked for ever",
        "what was put aside for a while is never taken up again",
        (4,),
        (Edit("workflow.runtime.resume:_is_due", "return next_at is not None", "return False"),),
        dies_soon=True,
    ),
    Mutant(
        "a skipped effect runs",
        "an effect that a person skipped is run all the same",
        (4,),
        (
            Edit(
                f"{_RUNNER}.settle",
                "if not entry.outcomes[hook].settled:\n            entry = ",
                "if entry.outcomes[hook].status not in ('done', 'caught'):\n            entry = ",
            ),
        ),
    ),
    Mutant(
        "a timer outlives its state",
        "a timer fires although the entity has left the state that set it",
        (4,),
        (Edit(f"{_TIMERS}:fire_timer", "only_version=timer.version,", ""),),
        dies_soon=True,
    ),
    Mutant(
        "the second timer forgotten",
        "a state's later timers are not set when the trigger of its first one is refused",
        (4, 10),
        (Edit(f"{_TIMERS}:fire_timer", "_next_after(runtime, timer, str(refusal))", "None"),),
        dies_soon=True,
    ),
    Mutant(
        "a timer before its time",
        "a timer is due the moment it is set",
        (4,),
        (Edit(f"{_TIMERS}:_set", "entered_at + timedelta(seconds=timer.after_seconds)", "entered_at"),),
        dies_soon=True,
    ),
)
