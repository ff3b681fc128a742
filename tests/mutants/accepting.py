"""Mutants of accepting a transition: fire, its transaction, its answers."""

from __future__ import annotations

from tests.mutants.mutant import Edit, Mutant

_FIRE = "workflow.runtime.fire"
_STORE = "workflow.testing.memory:MemoryStore"

MUTANTS = (
    Mutant(
        "no version condition",
        "a transition is written whatever version of the entity stands there by now, over another writer's event",
        (1, 2, 4, 10),
        (
            Edit(f"{_STORE}._contested", "_place(entity) == _place(write.before)", "True"),
            Edit(f"{_STORE}._contested", "event is None and ", ""),
        ),
        dies_soon=True,
    ),
    Mutant(
        "lost response taken as refusal",
        "what stands in the way of a write that is sent again is never recognised as the write itself",
        (1, 2, 10),
        (Edit(f"{_FIRE}:_answered", "found.event.id == command.event_id", "False"),),
        dies_soon=True,
    ),
    Mutant(
        "lost response taken as not written",
        "the error of the last attempt is told, though an earlier one was not answered and may have been written",
        (1,),
        (Edit("workflow.runtime.commit:commit", "if unanswered:", "if False:"),),
        dies_soon=True,
    ),
    Mutant(
        "no request item",
        "the request id is not kept beside the event",
        (1, 10),
        (Edit(f"{_FIRE}:_write", "request=request,", "request=None,"),),
        dies_soon=True,
    ),
    Mutant(
        "echo refused",
        "a refusal is final although the same request id was accepted before",
        (1,),
        (Edit(f"{_FIRE}:_earlier_or_raise", "if earlier is None:", "if True:"),),
    ),
    Mutant(
        "reject on a stale read",
        "a refusal is final on the copy that the caller held",
        (1,),
        (
            Edit(f"{_FIRE}:_accepted", "fresh = ask.held is None and not creating", "fresh = True"),
            Edit(f"{_FIRE}:_accepted", "if fresh else ask.held", "if ask.held is None and not creating else ask.held"),
        ),
        dies_soon=True,
    ),
    Mutant(
        "token reused for another payload",
        "a new decision is sent under the token of the one before",
        (10,),
        (Edit(f"{_FIRE}:_write", 'token=f"{event.id}-{attempt}"', "token=event.id"),),
        dies_soon=True,
    ),
    Mutant(
        "max_depth ignored",
        "effects may lead one to another for ever",
        (8,),
        (Edit(f"{_FIRE}:_checked", "ask.depth > runtime.max_depth", "False"),),
    ),
)
