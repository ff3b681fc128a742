"""Mutants of delivering: claims, runs, commits, order."""

from __future__ import annotations

from tests.mutants.mutant import Edit, Mutant

_CLAIMS = "workflow.runtime.claims:Claims"
_RUNNER = "workflow.runtime.run_effects:EffectRunner"
_DELIVERY = "workflow.runtime.entity_delivery:EntityDelivery"

MUTANTS = (
    Mutant(
        "no ledger",
        "effects are run without a claim, and nothing is kept of how they ended",
        (4, 5),
        (
            Edit(f"{_CLAIMS}.claim", "found = self._ledger.put(wanted, None)", "found = None"),
            Edit(f"{_CLAIMS}.commit", "lambda: self._ledger.commit(self._owner, after, hook)", "lambda: None"),
        ),
        dies_soon=True,
    ),
    Mutant(
        "swallow errors",
        "a hook that raises counts as done",
        (4,),
        (Edit("workflow.runtime.hook_run:_ended", "if failure is not None:", "if False:"),),
        dies_soon=True,
    ),
    Mutant(
        "done before run",
        "an effect is committed as done, and then run",
        (4,),
        (
            Edit(
                f"{_RUNNER}._settle",
                "ran = yield from self._run(",
                "early = entry.outcomes[use.hook].ended('done', self._runtime.clock.now(), 0); "
                "self.claims.commit(entry.with_outcome(use.hook, early), use.hook); "
                "ran = yield from self._run(",
            ),
        ),
        dies_soon=True,
    ),
    Mutant(
        "lease for ever",
        "what a crashed process claimed is never taken over",
        (4,),
        (
            Edit(
                "workflow.runtime.invocation:Invocation.__init__",
                "until + _LEASE_MARGIN",
                "until + timedelta(days=36500)",
            ),
        ),
        dies_soon=True,
    ),
    Mutant(
        "lease ignored",
        "effects are taken over from an owner who is still at work",
        (4, 5),
        (Edit(f"{_CLAIMS}.claim", "if found.is_held(now):", "if False:"),),
    ),
    Mutant(
        "hooks from event items",
        "the stream's event items drive the hooks: they come in any order, and know nothing of one another",
        (5,),
        (
            Edit(
                "workflow.runtime.deliver:Deliverer.deliver",
                "for change in changes:",
                "for change in [change._replace(follows=0) for change in reversed(changes)]:",
            ),
        ),
        dies_soon=True,
    ),
    Mutant(
        "no fence",
        "an owner whose lease was taken over commits all the same",
        (4, 5),
        (Edit("workflow.testing.memory_ledger:MemoryLedger.holds", " and standing.owner == owner", ""),),
    ),
    Mutant(
        "later effects overtake a parked one",
        "what comes after an entity was put aside runs at once",
        (5,),
        (Edit(f"{_DELIVERY}._is_next", "return entry.settled", "return True"),),
        dies_soon=True,
    ),
    Mutant(
        "predecessor not asked",
        "effects start without a look whether those before them were ever delivered",
        (5,),
        (Edit(f"{_DELIVERY}._is_next", "change.follows <= self._settled", "True"),),
        dies_soon=True,
    ),
    Mutant(
        "what the stream lost is not run first",
        "effects of earlier versions that nobody began count as settled",
        (4, 5),
        (Edit(f"{_DELIVERY}._is_next", "return (yield from self._catch_up(change, steps))", "return True or (yield)"),),
        dies_soon=True,
    ),
    Mutant(
        "failed change reported as delivered",
        "of what a delivery could not do, the first change does not come again",
        (4, 5),
        (Edit(f"{_DELIVERY}._deliver_all", "changes[index:]", "changes[index + 1 :]"),),
        dies_soon=True,
    ),
    Mutant(
        "commit believed without a look",
        "an outcome whose commit was never answered counts as written",
        (4, 5),
        (Edit(f"{_CLAIMS}.commit", "if not self.look(after).is_as(after):", "if False:"),),
        dies_soon=True,
    ),
    Mutant(
        "violation not recorded",
        "a raw write is seen, logged and forgotten",
        (7,),
        (Edit(f"{_DELIVERY}._record", "self._runtime.store.record_violation(", "str("),),
        dies_soon=True,
    ),
    Mutant(
        "raw write runs hooks",
        "a state that was written by hand, without an event, owes what its state says",
        (7,),
        (Edit(f"{_DELIVERY}._deliver_deployed", "if violation:", "if False:"),),
        dies_soon=True,
    ),
)
