"""Whatever a stream record holds, looking never raises and the other entities are delivered (promises 6, 7 and 10)."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.records import records
from tests.unit.runtime.delivery import Bench
from workflow.aws.lambdas.stream import StreamHandler

_texts = st.one_of(
    st.text(max_size=5), st.sampled_from(["", "entity", "order#42", "order@1 pay placed paid", "0", "-1"])
)
_numbers = st.one_of(st.integers(), st.floats(), st.sampled_from([float("inf"), 10**400]))
_junk = st.recursive(
    st.one_of(st.none(), st.booleans(), _numbers, _texts),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["S", "N", "M", "L", "NULL", "pk", "sk", "dynamodb", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for name, item in inner for found in _paths(item, (*path, name)))]


def _damaged(draw: Any, record: dict[str, Any]) -> Any:
    """The record with one to three of its places replaced or taken away."""
    record = copy.deepcopy(record)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(_paths(record)[1:] or [()]))
        if not path:
            return draw(_junk)
        place = record
        for name in path[:-1]:
            place = place[name]
        if draw(st.booleans()) and isinstance(place, dict):
            del place[path[-1]]
        else:
            place[path[-1]] = draw(_junk)
    return record


def _bench() -> tuple[Bench, list[dict[str, Any]]]:
    bench = Bench(workers=1)
    for entity_id in ("hostile", "other"):
        bench.paid(entity_id, email="canary@example.com")
        bench.flow.fire("order", entity_id, "annotate", {"note": {"deep": [1, "x"]}})
    return bench, records(bench.store)


_BENCH, _RECORDS = _bench()
_HOSTILE, _OTHER = _RECORDS[:3], _RECORDS[3:]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_records_stop_nobody_else(data: st.DataObject) -> None:
    bench, _ = _bench()
    for hook in ("greet", "receipt", "loyalty"):
        bench.notes.failing[hook] = lambda effect: (effect.entity.data, effect.before, effect.event)
    damaged = [_damaged(data.draw, record) for record in _HOSTILE]
    batch = [record for pair in zip(damaged, _OTHER, strict=True) for record in pair]
    answer = StreamHandler(bench.flow.runtime, workers=2).handle(batch, 60_000)
    assert [run for run in bench.notes.ran if run[0] == "other"] == [
        ("other", version, hook, 1)
        for version, hook in ((1, "greet"), (2, "receipt"), (2, "loyalty"), (3, "receipt"), (3, "loyalty"))
    ]
    assert bench.flow.violations("order", "other") == []
    assert {failure["itemIdentifier"] for failure in answer["batchItemFailures"]} <= _places(batch)


def test_an_entity_that_was_created_at_no_text_stops_nobody_else() -> None:
    bench, _ = _bench()
    damaged = copy.deepcopy(_HOSTILE)
    damaged[0]["dynamodb"]["NewImage"]["created_at"]["S"] = []
    answer = StreamHandler(bench.flow.runtime, workers=1).handle([*damaged, *_OTHER], 60_000)
    assert (answer, sum(run[0] == "other" for run in bench.notes.ran)) == ({"batchItemFailures": []}, 5)


def _places(batch: list[Any]) -> set[str]:
    """The sequence numbers in the batch: any other would make Lambda repeat all of it."""
    found = set()
    for record in batch:
        images = record.get("dynamodb") if isinstance(record, dict) else None
        if isinstance(images, dict) and isinstance(images.get("SequenceNumber"), str):
            found.add(images["SequenceNumber"])
    return found


@settings(max_examples=200, deadline=None)
@given(st.lists(_junk, max_size=4))
def test_records_that_are_anything_at_all_are_counted_and_passed(batch: list[Any]) -> None:
    answer = StreamHandler(_BENCH.flow.runtime, workers=1).handle(batch, 60_000)
    assert answer == {"batchItemFailures": []}


def test_the_undamaged_records_are_what_lambda_brings() -> None:
    assert json.loads(json.dumps(_RECORDS)) == _RECORDS
    assert len(_RECORDS) == 6
