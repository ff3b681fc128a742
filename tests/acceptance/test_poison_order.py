"""One entity whose hook always fails among fifty: it is put aside, and nobody else waits for it."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.acceptance.conftest import Deployed

OTHERS = [f"good-{number}" for number in range(49)]
PROMPT = timedelta(seconds=5)
"""Far longer than a batch takes here, and far shorter than the minute of the next sweep."""


def test_forty_nine_others_are_delivered_promptly_and_in_their_first_attempt(deployed: Deployed) -> None:
    flow = deployed.flow
    failures = deployed.cloud.pump.counters.failures
    for id in (*OTHERS[:10], "poison", *OTHERS[10:]):
        flow.create("trial", id, {"poison": id == "poison"})
        flow.fire("trial", id, "begin")
    deployed.settle()

    assert {id: deployed.effects("trial", id) for id in OTHERS} == {
        id: {"2 work": ("done", 1), "2 wrap_up": ("done", 1)} for id in OTHERS
    }
    waited = [_delivered_at(deployed, id) - flow.history("trial", id)[1].at for id in OTHERS]
    assert max(waited) < PROMPT
    # The shard went on: no record came again, neither of the poison nor of what is behind it.
    assert deployed.cloud.pump.counters.failures == failures

    (entry,) = flow.operations.parked(kind="trial")
    assert (entry.entity_id, entry.first_open, entry.parked and entry.parked.why) == ("poison", "work", "retry")
    assert entry.outcomes["work"].error == "ValueError: this one always fails"
    assert deployed.effects("trial", "poison")["2 wrap_up"] == ("owed", 0)
    flow.operations.skip("trial", "poison", "the story is over")
    assert deployed.sweep()["effects_done"] == 1
    assert deployed.effects("trial", "poison")["2 wrap_up"] == ("done", 1)


def _delivered_at(deployed: Deployed, id: str) -> datetime:
    (entry,) = deployed.flow.effects("trial", id)
    at = entry.outcomes["wrap_up"].at
    assert at is not None
    return at
