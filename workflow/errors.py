"""Every error of the framework, named for the intention that failed.

Two roots say who acts next: `Refused` (the caller: asking again changes nothing) and `Retryable` (nobody: asking
again may well succeed).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class WorkflowError(Exception):
    """The root of all errors that this framework raises on purpose."""


class Refused(WorkflowError):  # noqa: N818 - a root that reads as the answer it is
    """Nothing was written, and the same request will be refused again until the caller changes it."""


class Retryable(WorkflowError):  # noqa: N818 - the counterpart of Refused
    """The request may succeed if it is made again, with the same request id where one was given."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with a definition file: where (1-based line and column), what, and the way out."""

    file: str
    line: int
    column: int
    message: str
    way_out: str = ""

    def __str__(self) -> str:
        tail = f"; {self.way_out}" if self.way_out else ""
        return f"{self.file}:{self.line}:{self.column}: {self.message}{tail}"


class DefinitionError(Refused):
    """Definitions could not be loaded; `problems` holds every one found, in file and line order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UnknownKindError(Refused):
    """No definition of that kind is loaded."""


class SettingsError(Refused):
    """A setting (environment variable or `[tool.workflow]` entry) is missing or does not fit."""


class RegisterHookError(Refused):
    """A hook or guard could not be registered: taken name, wrong shape, or a module that cannot be imported."""


class PayloadError(Refused):
    """Values given with a create or a trigger do not fit; the message lists every one."""


class HomeRegionError(Refused):
    """The entity may be written in another region of its global table only."""


class EntityNotFoundError(Refused):
    """There is no entity of that kind and id."""


class CreateError(Refused):
    """The entity was not created: one with that kind and id exists."""


class TransitionError(Refused):
    """The trigger does not lead anywhere from the state the entity is in."""

    def __init__(self, message: str, *, allowed: Sequence[str] = ()) -> None:
        self.allowed = tuple(allowed)
        super().__init__(message)


class GuardError(TransitionError):
    """The trigger exists in this state, but no guard of its transitions holds, or one could not be evaluated."""


class VersionPassedError(Refused):
    """The entity has left the version that was asked about."""


class RequestReuseError(Refused):
    """The request id was used before, for something else."""


class HistoryConflictError(Refused):
    """The history holds an event the entity does not know of: the entity was changed or deleted by hand."""


class CascadeError(Refused):
    """Too many effects have led one to another; the hooks fire in a circle."""


class FireError(Refused):
    """Several of the entities that a definition fires a trigger on refused it; the message lists them."""


class ProjectionError(Refused):
    """A projection fired a trigger; it can be run again for all of history, and a trigger cannot."""


class UnknownHookError(Refused):
    """No definition asks for a hook of that name."""


class EffectNotParkedError(Refused):
    """There is nothing to let go on or to skip: the effects were not put aside, or have gone on meanwhile."""


class TooLargeError(Refused):
    """The entity or the event would not fit into a DynamoDB item (400 KB)."""


class LimitError(Refused):
    """How many of a lane may run is not known: the function that says it failed, or gave no whole number."""


class MessageTooLargeError(Refused):
    """A message does not fit into its target; what is published must be less, or overflow into a bucket."""


class PublishRefusedError(Refused):
    """The target takes messages, and refuses this one."""


class StoreAccessError(Refused):
    """The store refuses us: table missing, credentials missing or not allowed to."""


class ContentionError(Retryable):
    """Other writers were faster every time; nothing was written."""


class ThrottledError(Retryable):
    """The store asks to slow down; nothing was written."""


class LaneFullError(Retryable):
    """The transition needs a slot of a lane, and all are taken; nothing was written."""


class StoreUnavailableError(Retryable):
    """The store did not answer; the write may or may not have happened."""


class ClaimError(Retryable):
    """The effects of an event are being run by someone else at this moment."""


class LeaseLostError(Retryable):
    """The outcome of an effect was not committed because its lease had passed to another owner."""


class DefinitionNotDeployedError(Retryable):
    """A stored entity was written by a definition version that this code does not have."""


class HookNotRegisteredError(Retryable):
    """An effect is owed to a hook that no handler module registers."""


class PublishError(Retryable):
    """A message was not published, as far as is known: the target is gone, closed to us, busy, or did not answer."""


class SecretAccessError(Retryable):
    """A secret could not be read: there is none of that name, we may not read it, or nobody answered."""


class ArchiveError(Refused):
    """An archive cannot be written or read as it was asked: unfinished, damaged, or of another format."""


class RebuildError(Refused):
    """There is nothing to rebuild as it was asked, or the rebuild was given up because nothing succeeded."""
