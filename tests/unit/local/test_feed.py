"""What `workflow dev` says about a delivery."""

import itertools
from datetime import UTC, datetime
from typing import Any

from workflow.aws.place_items import write_place
from workflow.engine.place import Place
from workflow.local.feed import Feed
from workflow.local.pump import Delivery
from workflow.local.schedule import Sweep


def image(state: str, version: int, event: str = "", edge: str = "") -> dict[str, Any]:
    return {"state": {"S": state}, "version": {"N": str(version)}, "event": {"S": event}, "edge": {"S": edge}}


_positions = itertools.count(1)


def record(old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    keys = {"pk": {"S": "order#4#2"}, "sk": {"S": "entity"}}
    change: dict[str, Any] = {"Keys": keys, "SequenceNumber": str(next(_positions))}
    return {"dynamodb": change | ({"OldImage": old} if old else {}) | ({"NewImage": new} if new else {})}


def test_each_record_is_a_line_then_the_log_then_the_failure() -> None:
    placed = image("placed", 1, "e1", "order@1 create - placed")
    paid = image("paid", 2, "e2", "order@1 pay placed paid")
    raw = image("shipped", 2, "e2", "order@1 pay placed paid")
    delivery = Delivery(
        (record(None, placed), record(placed, paid), record(paid, raw), record(raw, None)), 1, "it broke", "a\nb", 3.0
    )
    assert Feed().lines_of(delivery) == [
        "order 4#2  v1  (new) -> placed  create",
        "order 4#2  v2  placed -> paid  pay",
        "order 4#2  v2  paid -> shipped  (changed by hand, without an event)",
        "order 4#2  removed",
        "    | a",
        "    | b",
        "    ! it broke (3 come again)",
    ]


def test_what_the_stream_does_not_show_is_not_made_up() -> None:
    paid = image("paid", 2, "e2", "order@1 pay placed paid")
    given = [record(None, paid), record(paid, None), record(None, None), record(None, None)]
    views = (("MODIFY", "NEW_IMAGE"), ("MODIFY", "OLD_IMAGE"), ("MODIFY", "KEYS_ONLY"), ("REMOVE", "KEYS_ONLY"))
    for one, (name, view) in zip(given, views, strict=True):
        one["eventName"], one["dynamodb"]["StreamViewType"] = name, view
    assert Feed().lines_of(Delivery(tuple(given), 4, "", "", 3.0)) == [
        "order 4#2  v2  ? -> paid  pay",
        "order 4#2  changed",
        "order 4#2  changed",
        "order 4#2  removed",
    ]


def job(number: int, old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    made = record(old, new)
    made["dynamodb"]["Keys"] = {"pk": {"S": f"job#{number}"}, "sk": {"S": "entity"}}
    return made


def placed(state: str, version: int, edge: str, slot: int = 0, key: str = "acme/api") -> dict[str, Any]:
    stands = Place("build", key, datetime(2026, 1, 31, tzinfo=UTC), slot, "" if slot else "rank")
    return {**image(state, version, f"e{version}", edge), "place": write_place(stands)}


CREATE, START, PASS = "job@1 create - pending", "job@1 start pending active", "job@1 pass active passed"


def test_a_line_tells_at_its_end_what_moves_in_a_lane_and_how_many_wait() -> None:
    waiting, running = placed("pending", 1, CREATE), placed("active", 2, START, slot=1)
    passed = image("passed", 3, "e3", PASS)
    records = (
        job(17, None, waiting),
        job(18, None, waiting),
        job(19, None, placed("pending", 1, CREATE, key="")),
        job(17, waiting, running),
        job(17, running, passed),
        job(18, waiting, image("cancelled", 2, "e2", "job@1 cancel pending cancelled")),
        job(18, running, placed("pending", 3, "job@1 again active pending")),
        job(18, placed("pending", 3, "job@1 again active pending"), None),
        job(18, running, placed("active", 3, "job@1 annotate active active", slot=1)),
    )
    feed = Feed()
    assert feed.lines_of(Delivery(records, len(records), "", "", 3.0)) == [
        "job 17  v1  (new) -> pending  create  [build 'acme/api': queued, 1 waits]",
        "job 18  v1  (new) -> pending  create  [build 'acme/api': queued, 2 wait]",
        "job 19  v1  (new) -> pending  create  [build: queued, 1 waits]",
        "job 17  v2  pending -> active  start  [build 'acme/api': slot 1 taken, 1 waits]",
        "job 17  v3  active -> passed  pass  [build 'acme/api': slot 1 free, 1 waits]",
        "job 18  v2  pending -> cancelled  cancel  [build 'acme/api': left, 0 wait]",
        "job 18  v3  active -> pending  again  [build 'acme/api': queued, 1 waits]",
        "job 18  removed  [build 'acme/api': left, 0 wait]",
        "job 18  v3  active -> active  annotate",
    ]
    assert [queue for queue in feed._queues.values() if queue] == [{"19"}]


def test_who_goes_to_another_queue_is_told_of_both_and_what_is_no_place_of_none() -> None:
    waiting = placed("pending", 1, CREATE)
    moved = placed("pending", 2, "job@1 move pending pending", key="acme/web")
    by_hand = {**image("active", 3, "e3", START), "place": {"S": "here"}}
    records = (job(17, None, waiting), job(17, waiting, moved), job(18, None, by_hand))
    assert Feed().lines_of(Delivery(records, 3, "", "", 3.0))[1:] == [
        "job 17  v2  pending -> pending  move  [build 'acme/api': left, 0 wait; build 'acme/web': queued, 1 waits]",
        "job 18  v3  (new) -> active  start",
    ]


PLACED = "order 4#2  v1  (new) -> placed  create"


def batch(count: int) -> tuple[dict[str, Any], ...]:
    return tuple(record(None, image("placed", 1, "e1", "order@1 create - placed")) for _ in range(count))


def failed(records: tuple[dict[str, Any], ...], log: str, done: int = 0) -> Delivery:
    return Delivery(records, done, "it broke" if done < len(records) else "", log, 3.0)


def test_a_batch_that_comes_again_is_a_count_and_a_log_that_only_repeats_itself_is_not_told() -> None:
    feed, records = Feed(lambda: 0.0), batch(100)
    log = "REPORT attempt {}\nERROR hook greet failed after {} ms"

    first = feed.lines_of(failed(records, log.format(1, 31)))
    later = [feed.lines_of(failed(records, log.format(attempt, attempt * 7))) for attempt in range(2, 9)]

    assert first[:100] == [PLACED] * 100
    assert first[100:] == [
        "    | REPORT attempt 1",
        "    | ERROR hook greet failed after 31 ms",
        "    ! it broke (100 come again)",
    ]
    assert later == [["    batch of 100 delivered again"]] * 7


def test_a_log_is_told_when_it_says_something_new_or_was_not_told_for_half_a_minute() -> None:
    now = [0.0]
    feed, records = Feed(lambda: now[0]), batch(2)
    for log in ("INFO start\nERROR a", "INFO start\nERROR a"):
        feed.lines_of(failed(records, log))
    assert feed.lines_of(failed(records, "INFO start\nERROR b"))[1:3] == ["    | INFO start", "    | ERROR b"]
    now[0] = 31.0
    assert "    | ERROR b" in feed.lines_of(failed(records, "INFO start\nERROR b"))


def test_what_a_batch_gets_done_at_last_is_told_and_new_records_beside_old_ones_are() -> None:
    feed, records = Feed(lambda: 0.0), batch(3)
    feed.lines_of(failed(records[:2], "INFO 1"))

    assert feed.lines_of(failed(records, "INFO 2", done=3)) == [PLACED, "    2 of 3 delivered again", "    | INFO 2"]
    assert feed._waiting == set()


def test_progress_is_told_although_its_log_says_nothing_new() -> None:
    feed, records = Feed(lambda: 0.0), batch(2)
    feed.lines_of(failed(records, "START\nINFO 1"))
    assert feed.lines_of(failed(records, "START\nINFO 2", done=2)) == [
        "    batch of 2 delivered again",
        "    | START",
        "    | INFO 2",
    ]


def test_records_that_are_given_up_do_not_come_again_and_are_forgotten() -> None:
    feed, records = Feed(lambda: 0.0), batch(2)
    given_up = Delivery(records, 1, "it broke; RetryAttemptsExhausted: 1 given up", "", 3.0, discarded=1)
    assert feed.lines_of(given_up) == [PLACED, PLACED, "    ! it broke; RetryAttemptsExhausted: 1 given up"]
    assert feed._waiting == set()


def test_records_given_up_without_an_invocation_are_told_even_if_the_reason_is_an_old_one() -> None:
    feed, records = Feed(lambda: 0.0), batch(2)
    for record_ in records:
        feed.lines_of(failed((record_,), "INFO 1"))
        told = feed.lines_of(Delivery((record_,), 0, "RecordAgeExceeded: 1 given up", "", 0.0, discarded=1))
        assert told == ["    batch of 1 delivered again", "    ! RecordAgeExceeded: 1 given up"]


def test_a_sweep_that_found_nothing_is_silent_whatever_it_logged() -> None:
    assert Feed().lines_of_sweep(Sweep({"timers_fired": 0, "effects_done": 0, "for_people": 0}, log="INFO {}")) == []


def test_a_sweep_tells_what_it_got_done_and_its_log_only_while_it_is_new() -> None:
    feed = Feed(lambda: 0.0)
    sweep = Sweep({"timers_fired": 1, "effects_done": 2, "effects_failed": 1, "put_aside": 1}, log="WARNING a\nINFO 7")
    head = "sweep  1 timer fired, 2 effects done, 1 attempt failed, 1 entity put aside again"
    assert feed.lines_of_sweep(sweep) == [head, "    | WARNING a", "    | INFO 7"]
    assert feed.lines_of_sweep(sweep) == [head]
    assert feed.lines_of_sweep(Sweep({"started": 1})) == ["sweep  1 waiting entity started"]
    assert feed.lines_of_sweep(Sweep({"for_people": 2}, log="INFO 8\nINFO {} 9")) == [
        "sweep  2 effects parked for a person",
        "    | INFO 8",
        "    | INFO {} 9",
    ]


def test_a_sweep_that_fails_is_told() -> None:
    assert Feed().lines_of_sweep(Sweep(failure="no table", log="ERROR x")) == [
        "sweep",
        "    | ERROR x",
        "    ! no table",
    ]
