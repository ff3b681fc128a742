"""Leading on: an effect is settled together with the transition that its `then` or `catch` fires."""

from __future__ import annotations

from collections.abc import Mapping

from workflow.definition.definition import HookUse
from workflow.errors import GuardError, Refused, Retryable, StoreAccessError, TransitionError
from workflow.runtime.aside import Aside
from workflow.runtime.ask import Ask
from workflow.runtime.changes import Change
from workflow.runtime.claims import Claims
from workflow.runtime.effect import Effect
from workflow.runtime.hook_run import Ran
from workflow.runtime.ledger_entry import LedgerEntry, Settlement
from workflow.runtime.runtime import Runtime


class LeadingOn:
    """Fires for one owner. Raises LeaseLostError where the effect has passed to another one."""

    def __init__(self, runtime: Runtime, owner: str, claims: Claims, aside: Aside) -> None:
        self._runtime, self._owner, self._claims, self._aside = runtime, owner, claims, aside

    def then(self, change: Change, entry: LedgerEntry, use: HookUse, ran: Ran) -> LedgerEntry:
        """Fires what `then` says, and settles the effect with it; or puts it aside."""
        try:
            self._fire(change, entry, use, use.then, ran.payload, ran.trace)
        except GuardError as refusal:
            # It would stand still, and nothing would say so.
            return self._aside.for_person(entry, use.hook, "refused", f"then {use.then!r} was refused: {refusal}")
        except TransitionError as refusal:
            # It has moved on: the effect is done all the same, and the ledger says the rest.
            outcome = entry.outcomes[use.hook]._replace(note=f"then {use.then!r} was refused: {refusal}")
            return self._claims.commit(entry.with_outcome(use.hook, outcome), use.hook)
        except (Retryable, StoreAccessError) as error:
            return self._aside.unanswered(entry, use, f"then {use.then!r} was not recorded: {error}")
        except Refused as refusal:
            return self._aside.for_person(entry, use.hook, "refused", f"then {use.then!r} was refused: {refusal}")
        return entry

    def caught(self, change: Change, entry: LedgerEntry, use: HookUse, ran: Ran, trigger: str) -> LedgerEntry:
        """Fires what `catch` says of the failure, and settles the effect with it; or puts it aside."""
        assert ran.failure is not None
        caught = entry.with_outcome(use.hook, ran.outcome._replace(status="caught", note=f"caught by {trigger!r}"))
        try:
            payload = self._error_payload(change, trigger, ran.failure.error)
            self._fire(change, caught, use, trigger, payload, ran.trace)
        except (Retryable, StoreAccessError) as error:
            return self._aside.unanswered(caught, use, f"catch {trigger!r} was not recorded: {error}")
        except Refused as refusal:
            told = f"{ran.failure.error}; catch {trigger!r} was refused: {refusal}"
            return self._aside.for_person(entry, use.hook, "refused", told, ran.failure.trace)
        return caught

    def _error_payload(self, change: Change, trigger: str, error: str) -> dict[str, object]:
        definition = self._runtime.get_definition(change.kind)
        takes_error = any("error" in t.requires for t in definition.transitions if t.trigger == trigger)
        return {"error": error} if takes_error else {}

    def _fire(
        self,
        change: Change,
        after: LedgerEntry,
        use: HookUse,
        trigger: str,
        payload: Mapping[str, object],
        trace: str,
    ) -> None:
        """The transition and the outcome in one transaction; raises what firing raises, or LeaseLostError."""
        # Most deliveries never fire: what deciding needs is imported when one does.
        from workflow.runtime.fire import fire

        entity = change.snapshots.after()
        ask = Ask(
            change.kind,
            change.entity_id,
            trigger,
            payload,
            by=f"hook:{use.hook}",
            held=entity,
            cause=Effect(change, use.hook, after.outcomes[use.hook].attempts, self._runtime).key,
            depth=entity.depth + 1,
            settles=Settlement(self._owner, after, use.hook),
            trace=trace,
        )
        fire(self._runtime, ask)
