"""Changes of which the stream showed only a part, made whole from the history: nobody can tell the difference."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from workflow.errors import WorkflowError
from workflow.runtime.changes import Change
from workflow.runtime.crew import Crew
from workflow.runtime.entity_changes import EntityChanges
from workflow.runtime.recalled import Past
from workflow.runtime.redact import bare_trace
from workflow.runtime.runtime import Runtime

log = logging.getLogger("workflow")


@dataclass(frozen=True)
class Completed:
    """The changes made whole, those that must come again because the table did not answer, and what was read of."""

    changes: list[Change]
    failed: list[Change]
    pasts: list[Past]

    @property
    def reads(self) -> int:
        """How often the table was asked so far; hooks that look at an entity may ask more."""
        return sum(past.reads for past in self.pasts)


def complete(runtime: Runtime, shown: Sequence[Change], crew: Crew) -> Completed:
    """Makes the changes whole, in the stream's order for each entity; never raises for what one entity does."""
    entities: dict[tuple[str, str], list[Change]] = {}
    for change in shown:
        entities.setdefault((change.kind, change.entity_id), []).append(change)
    took_part = crew.work_off(entities.values(), lambda: _Completer(runtime), _Completer.complete)
    every = [own.completed for own in took_part]
    return Completed(
        [change for own in every for change in own.changes],
        [change for own in every for change in own.failed],
        [past for own in every for past in own.pasts],
    )


class _Completer:
    """Completes the changes of one entity after another."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.completed = Completed([], [], [])

    def complete(self, shown: list[Change]) -> None:
        """Completes all of them, or notes that they must come again; never raises."""
        past = Past(self._runtime, shown[0].kind, shown[0].entity_id)
        self.completed.pasts.append(past)
        try:
            self.completed.changes.extend(EntityChanges(past, self._runtime).whole(shown))
        except WorkflowError as error:
            log.warning("%s is not delivered yet: %s", shown[0], error)
            self.completed.failed.extend(shown)
        except Exception as error:
            log.error("%s is not delivered yet: %s", shown[0], bare_trace(error))
            self.completed.failed.extend(shown)
