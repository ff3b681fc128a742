"""A wire record as the rules of delivery see it."""

import json

from workflow.local.pump.records import pack, payload_of


def wire(number: str, sk: str = "entity") -> dict[str, object]:
    keys = {"sk": {"S": sk}, "pk": {"S": "order#1"}}
    return {"dynamodb": {"Keys": keys, "SequenceNumber": number, "ApproximateCreationDateTime": 7}}


def test_a_record_is_known_by_its_number_its_whole_key_its_time_and_its_size() -> None:
    record = pack(wire("12"))
    assert (record.sequence_number, record.arrived_at, record.record) == ("12", 7.0, wire("12"))
    assert record.key == '{"pk": {"S": "order#1"}, "sk": {"S": "entity"}}'
    assert record.key != pack(wire("12", sk="event")).key


def test_the_payload_is_the_event_of_the_records_and_as_long_as_they_say() -> None:
    records = [pack(wire("12")), pack(wire("13", sk="\u00e9"))]
    payload = payload_of(records)
    assert json.loads(payload) == {"Records": [wire("12"), wire("13", sk="\u00e9")]}
    assert len(payload.encode()) == sum(record.size_bytes for record in records) + len('{"Records":[]}') - 1
