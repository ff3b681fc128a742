"""Mutants of batched hooks: what runs together, and whose failure is whose."""

from __future__ import annotations

from tests.mutants.mutant import Edit, Mutant
from tests.mutants.workloads import SIDE_BY_SIDE

_RUN = "workflow.runtime.hook_run"
_SHIFT = "workflow.runtime.shift:Shift"

MUTANTS = (
    Mutant(
        "named failure swallowed",
        "an effect that a batched hook names as failed counts as done",
        (4,),
        (
            Edit(f"{_RUN}:_judged", "if isinstance(answer, BaseException):", "if False:"),
            Edit(f"{_RUN}:_answered", "if answer is not None and not isinstance(answer, Mapping | Note):", "if False:"),
        ),
        dies_soon=True,
        scenario=SIDE_BY_SIDE,
    ),
    Mutant(
        "failure of the neighbour",
        "what a batched hook answered for one effect is taken for the answer for the next one",
        (4,),
        (
            Edit(
                f"{_RUN}:_answers",
                "[answers.get(key) for key in keys]",
                "[answers.get(key) for key in (*keys[1:], keys[0])]",
            ),
        ),
        dies_soon=True,
        scenario=SIDE_BY_SIDE,
    ),
    Mutant(
        "batch done where it was raised",
        "what a whole batch raises is the failure of the first alone, the others count as done",
        (4,),
        (
            Edit(
                f"{_RUN}:_run_together",
                "_ended(runtime, one.use, one.outcome, started, None, failure)",
                "_ended(runtime, one.use, one.outcome, started, None, failure if one is together[0] else None)",
            ),
        ),
        dies_soon=True,
        scenario=SIDE_BY_SIDE,
    ),
    Mutant(
        "results in another order",
        "how each effect of a batch ended is given to another one",
        (4,),
        (
            Edit(
                f"{_SHIFT}._run",
                "zip(halted, ran, strict=True)",
                "zip(halted, (*ran[1:], ran[0]), strict=True)",
            ),
        ),
        dies_soon=True,
        scenario=SIDE_BY_SIDE,
    ),
    Mutant(
        "batch too large",
        "more effects run together than the hook takes",
        (4,),
        (
            Edit(
                f"{_SHIFT}._together",
                "halted, most = self._halted.pop(company), company.most",
                "halted, most = self._halted.pop(company), 1000",
            ),
            Edit(f"{_SHIFT}._find_due", "len(found) >= company.most", "len(found) >= 2 * company.most"),
        ),
        scenario=SIDE_BY_SIDE,
    ),
)
