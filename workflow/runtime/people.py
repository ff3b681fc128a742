"""What people do about effects: let them go on, skip one, pause a hook and resume it. Each is one conditional write."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from workflow.definition.undo_names import hook_of
from workflow.errors import EffectNotParkedError, PayloadError
from workflow.runtime.home import check_home_of
from workflow.runtime.ledger_entry import RELEASED, LedgerEntry, Parked, Status, Why
from workflow.runtime.ports import Pause
from workflow.runtime.runtime import Runtime

_SLOWEST = 1 / 86_400

_LONGEST_REASON = 1000


def parked_of(runtime: Runtime, kind: str, entity_id: str) -> LedgerEntry:
    """Where the entity was put aside; raises EffectNotParkedError if it was not, and HomeRegionError if that is another
    region's business."""
    check_home_of(runtime, kind, entity_id)
    for entry in runtime.ledger.entries(kind, entity_id):
        if entry.parked:
            return entry
    raise EffectNotParkedError(f"{kind} {entity_id}: none of its effects was put aside; `workflow explain` says more")


def redrive(runtime: Runtime, entry: LedgerEntry, at: datetime | None = None) -> None:
    """The entity goes on at that moment (default: now) with the next sweep, with all its attempts before it again.

    Raises EffectNotParkedError if somebody was faster, or is running it.
    """
    now = runtime.clock.now()
    parked = _parked(entry)
    # Whoever was at it when it was cut off has left its mark on the outcome, as for any other owner.
    fresh = entry.taken_by(RELEASED, now)
    if hook := entry.first_open:
        outcome = fresh.outcomes[hook]
        ask_probe = parked.why == "unknown" and _has_probe(runtime, entry.kind, hook)
        status: Status = "unknown" if ask_probe else outcome.status
        fresh = fresh.with_outcome(hook, outcome._replace(status=status, trace="", forgiven=outcome.attempts))
    why: Why = "released" if entry.outcomes and parked.why not in ("following", "lost") else parked.why
    # The reason of a pause is no error of the hook's.
    error = "" if parked.why == "paused" else parked.error
    _replace(runtime, entry, fresh._replace(parked=parked._replace(why=why, next_at=at or now, error=error)), now)


def _has_probe(runtime: Runtime, kind: str, hook: str) -> bool:
    return any(hook_of(hook) in one.verified for one in runtime.definitions if one.kind == kind)


def redrive_all(
    runtime: Runtime,
    entries: Iterable[LedgerEntry],
    *,
    per_second: float = 0.0,
    on_each: Callable[[LedgerEntry], None] = lambda entry: None,
) -> list[LedgerEntry]:
    """Redrives one after another, due so many a second (0: all now), tells and returns each; leaves alone what has
    gone on by itself meanwhile. Raises PayloadError for a rate that is none."""
    step = timedelta(seconds=1 / per_second if _checked(per_second) else 0)
    at, let_go = runtime.clock.now(), []
    for entry in entries:
        try:
            redrive(runtime, entry, at)
        except EffectNotParkedError:
            continue
        let_go.append(entry)
        on_each(entry)
        at += step
    return let_go


def _checked(per_second: float) -> float:
    if per_second and not _SLOWEST <= per_second < float("inf"):
        raise PayloadError(
            f"the rate is {per_second}; give how many a second (one a day at least), or 0 for all at once"
        )
    return per_second


def skip(runtime: Runtime, entry: LedgerEntry, reason: str, by: str = "") -> str:
    """Settles the first open effect without running it, and returns its hook; who said so and why is kept in the
    ledger, and the entity goes on with the next sweep.

    Raises PayloadError without a reason, and EffectNotParkedError if there is nothing to skip or somebody was faster.
    """
    reason = _reason(f"{entry.kind} {entry.entity_id}: to skip an effect", reason, by)
    hook, now = entry.first_open, runtime.clock.now()
    parked = _parked(entry)
    if not hook:
        raise EffectNotParkedError(f"{entry}: nothing is open to be skipped")
    note = f"by {by}: {reason}" if by else reason
    outcome = entry.outcomes[hook]._replace(status="skipped", at=now, note=note, trace="")
    going_on = Parked("", "following", parked.since, now)
    _replace(runtime, entry, entry.with_outcome(hook, outcome)._replace(parked=going_on), now)
    return hook


def _reason(subject: str, reason: str, by: str) -> str:
    """The reason as it is kept: every effect that it holds up carries it."""
    if not isinstance(reason, str) or not reason.strip():
        raise PayloadError(f"{subject} takes a reason; whoever asks why nothing moves will read it")
    for name, text in (("reason", reason), ("name", by)):
        if len(text) > _LONGEST_REASON:
            raise PayloadError(f"{subject}: the {name} has {len(text)} characters; at most {_LONGEST_REASON} fit")
        if not text.isprintable() and not text.replace("\n", " ").isprintable():
            raise PayloadError(f"{subject}: the {name} holds characters that cannot be shown")
    return reason.strip()


def _parked(entry: LedgerEntry) -> Parked:
    if entry.parked is None:
        raise EffectNotParkedError(f"{entry} were not put aside")
    return entry.parked


def _replace(runtime: Runtime, found: LedgerEntry, entry: LedgerEntry, now: datetime) -> None:
    if found.is_held(now):
        raise EffectNotParkedError(f"{found} are being run until {found.lease_until.isoformat()} at the latest")
    stands = runtime.ledger.put(entry._replace(owner=RELEASED, lease_until=now), found)
    if stands is not None:
        raise EffectNotParkedError(f"{found} have gone on meanwhile")


def pause(runtime: Runtime, hook: str, reason: str, by: str = "") -> Pause:
    """The hook is not run until it is resumed; entities that owe it are put aside. Known everywhere in ten seconds."""
    reason = _reason(f"to pause {hook!r}", reason, by)
    made = Pause(hook, runtime.clock.now(), reason, by)
    runtime.ledger.pause(made)
    return made


def resume(
    runtime: Runtime,
    hook: str,
    *,
    per_second: float = 0.0,
    on_each: Callable[[LedgerEntry], None] = lambda entry: None,
) -> list[LedgerEntry]:
    """The hook runs again; tells and returns each entity that it held up, due so many a second (0: all now).

    One that is put aside at this very moment is not among them, and goes on within ten minutes.
    """
    _checked(per_second)
    runtime.ledger.resume(hook)
    paused = (e for e in runtime.ledger.parked() if e.parked and e.parked.why == "paused")
    held = [e for e in paused if e.parked and hook_of(e.parked.hook) == hook]
    return redrive_all(runtime, held, per_second=per_second, on_each=on_each)
