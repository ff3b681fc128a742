"""The stream handler on an invocation of 1,000 records, against a bare loop and against Powertools."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord
from boto3.dynamodb.types import TypeDeserializer

from bench.material import batch, definitions
from bench.measure import Row, speed_ratio
from workflow import Effect, hook
from workflow.aws.clock import SystemClock
from workflow.aws.lambdas.stream import StreamHandler
from workflow.aws.metrics import EmfMeter
from workflow.runtime.hooks import Hooks
from workflow.runtime.runtime import Runtime
from workflow.testing import MemoryStore

MINUTE_MS = 60_000


def rows() -> Iterator[Row]:
    """The figures of the handler."""
    logging.getLogger("workflow").setLevel(logging.ERROR)
    records = batch()
    yield _nothing_owed(records)
    yield from _no_op_hook(records)
    yield _both_images(records)


def _nothing_owed(records: list[dict[str, Any]]) -> Row:
    handler = _handler(owing=False)

    def bare() -> int:
        transitions = 0
        for record in records:
            images = record["dynamodb"]
            old, new = images.get("OldImage"), images.get("NewImage")
            if old is not None and new is not None and old["state"]["S"] != new["state"]["S"]:
                transitions += 1
        return transitions

    assert bare() == 700
    ratio, detail = speed_ratio(lambda: lambda: handler.handle(records, MINUTE_MS), lambda: bare, rounds=41)
    return Row("handler, nothing owed", "bare loop over two states", ratio, 0.4, detail=detail)


def _no_op_hook(records: list[dict[str, Any]]) -> Iterator[Row]:
    @hook
    def note(effect: Effect) -> None:
        pass

    name = "handler, no-op hook, ledger in memory"
    ratio, detail = speed_ratio(lambda: _delivery(records, note), lambda: lambda: _powertools(records))
    yield Row(name, "Powertools batch + idempotency", ratio, 4, detail=detail)
    ratio, detail = speed_ratio(lambda: _delivery(records, note), lambda: lambda: _powertools_by_hand(records))
    yield Row(name, "the same, idempotency pared down by hand", ratio, None, detail=detail)


def _both_images(records: list[dict[str, Any]]) -> Row:
    read = TypeDeserializer().deserialize

    @hook
    def note(effect: Effect) -> None:
        assert effect.entity.data["total"]
        assert effect.before is None or effect.before.data["total"]

    @hook(name="note")
    def note_with_boto3(effect: Effect) -> None:
        images = by_id[effect.id]
        after = {name: read(value) for name, value in images["NewImage"].items()}
        before = {name: read(value) for name, value in images.get("OldImage", {}).items()}
        assert after["data"]["total"]
        assert not before or before["data"]["total"]

    by_id = {
        record["dynamodb"]["Keys"]["pk"]["S"].partition("#")[2]: record["dynamodb"]
        for record in [*records, *batch(64, first=1000)]
    }
    ratio, detail = speed_ratio(
        lambda: _delivery(records, note), lambda: _delivery(records, note_with_boto3), rounds=15
    )
    return Row("handler, hooks read both whole images", "the same with TypeDeserializer", ratio, 2, detail=detail)


def _handler(*, owing: bool, hooks: Sequence[Callable[..., object]] = ()) -> StreamHandler:
    store = MemoryStore()
    runtime = Runtime(definitions(owing=owing), Hooks(hooks), store, store.ledger, SystemClock())
    # The lines are made as ever, and go nowhere.
    return StreamHandler(runtime, meter=EmfMeter("bench", runtime.clock, write=len))


def _delivery(records: list[dict[str, Any]], note: Callable[..., object]) -> Callable[[], object]:
    """A delivery by a warm process that has not seen these records."""
    handler = _handler(owing=True, hooks=[note])
    handler.handle(batch(64, first=1000), MINUTE_MS)

    def deliver() -> None:
        answer = handler.handle(records, MINUTE_MS)
        assert answer == {"batchItemFailures": []}, answer

    return deliver


class _MemoryPersistence(BasePersistenceLayer):
    """Powertools' idempotency kept in a dict, so that only the work itself is measured."""

    def __init__(self) -> None:
        super().__init__()
        self._records: dict[str, DataRecord] = {}

    def _get_record(self, idempotency_key: str) -> DataRecord:
        try:
            return self._records[idempotency_key]
        except KeyError:
            raise IdempotencyItemNotFoundError from None

    def _put_record(self, data_record: DataRecord) -> None:
        if data_record.idempotency_key in self._records:
            raise IdempotencyItemAlreadyExistsError
        self._records[data_record.idempotency_key] = data_record

    def _update_record(self, data_record: DataRecord) -> None:
        self._records[data_record.idempotency_key] = data_record

    def _delete_record(self, data_record: DataRecord) -> None:
        self._records.pop(data_record.idempotency_key, None)


class _Context:
    """The one thing that Powertools asks of a Lambda context here."""

    def get_remaining_time_in_millis(self) -> int:
        return MINUTE_MS


def _powertools(records: list[dict[str, Any]]) -> None:
    """What Powertools' documentation shows for a batch whose records must each be handled once."""

    @idempotent_function(data_keyword_argument="record", config=_config(), persistence_store=_MemoryPersistence())
    def on_record(record: DynamoDBRecord) -> None:
        if _is_transition(record):
            _no_op()

    _process(records, on_record)


def _powertools_by_hand(records: list[dict[str, Any]]) -> None:
    """The least that Powertools can be made to do: only transitions are made idempotent, by a map of one id."""

    @idempotent_function(data_keyword_argument="key", config=_config(), persistence_store=_MemoryPersistence())
    def effect(key: dict[str, str]) -> None:
        _no_op()

    def on_record(record: DynamoDBRecord) -> None:
        if _is_transition(record):
            effect(key={"eventID": record.raw_event["eventID"]})

    _process(records, on_record)


def _config() -> IdempotencyConfig:
    config = IdempotencyConfig(event_key_jmespath="eventID")
    config.register_lambda_context(_Context())
    return config


def _is_transition(record: DynamoDBRecord) -> bool:
    images = record.raw_event["dynamodb"]
    old = images.get("OldImage")
    return old is None or old["state"]["S"] != images["NewImage"]["state"]["S"]


def _no_op() -> None:
    pass


def _process(records: list[dict[str, Any]], on_record: Callable[..., object]) -> None:
    answer = process_partial_response(
        event={"Records": records},
        record_handler=on_record,
        processor=BatchProcessor(event_type=EventType.DynamoDBStreams),
        context=None,
    )
    assert answer == {"batchItemFailures": []}, answer
