"""What a caller is told: entities as they are, and everything else as problem details (RFC 9457).

https://www.rfc-editor.org/rfc/rfc9457
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from workflow.definition.values import Value
from workflow.errors import (
    CreateError,
    DefinitionNotDeployedError,
    EntityNotFoundError,
    GuardError,
    HistoryConflictError,
    HomeRegionError,
    LaneFullError,
    PayloadError,
    Refused,
    RequestReuseError,
    Retryable,
    StoreUnavailableError,
    TooLargeError,
    TransitionError,
    UnknownKindError,
    VersionPassedError,
)

RETRY_AFTER_SECONDS = 5
_LONGEST_DETAIL = 4000
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_NOTHING_MORE: Mapping[str, Value] = MappingProxyType({})
_LATER = {"retry-after": str(RETRY_AFTER_SECONDS)}


class Answer(NamedTuple):
    """An HTTP status, the JSON to send, what became of the request (accepted, repeated, read, refused, malformed,
    too_large, unknown, forbidden, unavailable or failed), and headers besides that of the content's type."""

    status: int
    content: Mapping[str, Value]
    outcome: str
    headers: Mapping[str, str] = _NO_HEADERS


class Sort(NamedTuple):
    """A sort of problem: its status, the end of its `type`, and its title, which is always the same."""

    status: int
    name: str
    title: str


MALFORMED = Sort(400, "malformed", "The request cannot be read")
FORBIDDEN = Sort(403, "caller", "Nobody is known to have sent the request")
NOTHING_HERE = Sort(404, "path", "There is nothing here")
WRONG_METHOD = Sort(405, "method", "Another method is needed here")
TOO_LARGE = Sort(413, "too-large", "It is too large")
_FAILED = Sort(500, "failed", "The request could not be handled")
_UNANSWERED = Sort(503, "unanswered", "The request may or may not have been recorded")
_LANE_FULL = Sort(503, "lane-full", "The lane is full")
_NOT_DEPLOYED = Sort(503, "not-deployed", "A newer definition is not deployed here yet")
_BUSY = Sort(503, "busy", "Not at this moment")

# The first that fits, so that a subclass stands before its own base.
_REFUSALS: tuple[tuple[type[Refused], Sort], ...] = (
    (GuardError, Sort(409, "guard", "A guard says no")),
    (TransitionError, Sort(409, "transition", "The trigger leads nowhere from this state")),
    (CreateError, Sort(409, "exists", "The entity exists already")),
    (HistoryConflictError, Sort(409, "history", "The entity was changed by hand")),
    (HomeRegionError, Sort(421, "home", "The entity is at home in another region")),
    (VersionPassedError, Sort(412, "version", "The entity is at another version")),
    (EntityNotFoundError, Sort(404, "entity", "There is no such entity")),
    (UnknownKindError, Sort(404, "kind", "There is no such kind")),
    (TooLargeError, TOO_LARGE),
    (RequestReuseError, Sort(422, "request-reuse", "The idempotency key was used for something else")),
    (PayloadError, Sort(422, "payload", "What was given does not fit")),
)
_OUTCOMES = {403: "forbidden", 404: "unknown", 413: "too_large", 500: "failed", 503: "unavailable"}
_OUTCOMES |= {409: "refused", 412: "refused", 421: "refused", 422: "refused"}


def problem(
    sort: Sort, detail: str, *, headers: Mapping[str, str] = _NO_HEADERS, more: Mapping[str, Value] = _NOTHING_MORE
) -> Answer:
    """The problem of that sort, with what happened this time in one line, and `more` besides."""
    content = {
        "type": f"urn:workflow:problem:{sort.name}",
        "title": sort.title,
        "status": sort.status,
        "detail": _line(detail),
        **more,
    }
    return Answer(sort.status, content, _OUTCOMES.get(sort.status, "malformed"), headers)


def _line(text: str) -> str:
    # Half of a surrogate pair, should anybody send one, could not be sent back.
    line = " ".join(text.encode(errors="replace").decode().split())
    return line if len(line) <= _LONGEST_DETAIL else f"{line[:_LONGEST_DETAIL]} ..."


FAILED = problem(_FAILED, "the log of this service says why; sending it again changes nothing")
NOT_READ = problem(_BUSY, "the table cannot be read at this moment; ask again", headers=_LATER)


def refusal(error: Refused, text: str) -> Answer:
    """What the caller is told of a refusal, whose text is `text`; FAILED if what is wrong is wrong here."""
    # A guard that failed did not say no: nobody knows what it would have said.
    is_broken = isinstance(error, GuardError) and error.__cause__ is not None
    for kind, sort in () if is_broken else _REFUSALS:
        if isinstance(error, kind):
            allowed = {"allowed": list(error.allowed)} if isinstance(error, TransitionError) else {}
            return problem(sort, text, more=allowed)
    return FAILED


def not_now(error: Retryable, *, keyed: bool) -> Answer:
    """What the caller of a transition is told where another try may succeed; `keyed`: it has an idempotency key.

    Not what the error says: that names what is ours, the table and its account."""
    again = "send it again"
    if isinstance(error, StoreUnavailableError):
        sort, again = _UNANSWERED, "send it again with the same Idempotency-Key, and it happens once"
        if not keyed:
            again = "it had no Idempotency-Key: read the entity before you send it again, then with a key"
    elif isinstance(error, LaneFullError):
        sort = _LANE_FULL
    else:
        sort = _NOT_DEPLOYED if isinstance(error, DefinitionNotDeployedError) else _BUSY
    recorded = "it may or may not have been recorded" if sort is _UNANSWERED else "nothing was recorded"
    return problem(sort, f"{recorded}; {again}", headers=_LATER)
