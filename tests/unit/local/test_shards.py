"""Reading a stream whose shards split."""

from typing import Any

from workflow.local.pump.shards import StreamReader


class ExpiredIteratorError(Exception):
    pass


class Streams:
    """Two shards, the second a child of the first; iterators are `shard/position`."""

    class exceptions:  # noqa: N801 - as on a boto3 client
        ExpiredIteratorException = ExpiredIteratorError

    def __init__(self) -> None:
        self.records = {"parent": ["1", "2"], "child": ["3"]}
        self.expired: set[str] = set()

    def describe_stream(self, **page: Any) -> Any:
        shards = [{"ShardId": "child", "ParentShardId": "parent"}, {"ShardId": "parent", "ParentShardId": "trimmed"}]
        start = 1 if page.get("ExclusiveStartShardId") else 0
        answer: dict[str, Any] = {
            "Shards": [shards[start]],
        }
        if not start:
            answer["LastEvaluatedShardId"] = "child"
        return {"StreamDescription": answer}

    def get_shard_iterator(self, **asked: Any) -> Any:
        held = self.records[asked["ShardId"]]
        after = held.index(asked["SequenceNumber"]) + 1 if "SequenceNumber" in asked else 0
        return {"ShardIterator": f"{asked['ShardId']}/{after}/fresh"}

    def get_records(self, *, ShardIterator: str, Limit: int) -> Any:  # noqa: N803 - boto3's names
        if ShardIterator in self.expired:
            raise ExpiredIteratorError
        shard, position, _ = ShardIterator.split("/")
        held = self.records[shard][int(position) :]
        if not held:
            return {"Records": []}
        return {
            "Records": [{"dynamodb": {"SequenceNumber": held[0]}}],
            "NextShardIterator": f"{shard}/{int(position) + 1}/next",
        }


def opened(streams: Streams) -> StreamReader:
    reader = StreamReader(streams, "arn", "TRIM_HORIZON")
    reader.find_shards()
    return reader


def test_a_child_opens_only_when_its_parent_is_finished_and_a_trimmed_parent_holds_nothing_up() -> None:
    reader = opened(Streams())
    (parent,) = reader.open_shards()
    assert parent.shard_id == "parent"

    read = [[record["dynamodb"]["SequenceNumber"] for record in reader.read(parent)] for _ in range(3)]
    assert read == [["1"], ["2"], []]
    assert (parent.started, parent.iterator) == (True, None)
    assert [shard.shard_id for shard in reader.open_shards()] == ["parent"]

    parent.finished = True
    reader.find_shards()
    assert [shard.shard_id for shard in reader.open_shards()] == ["child"]


def test_an_expired_iterator_is_replaced_where_reading_had_come_to() -> None:
    streams = Streams()
    reader = opened(streams)
    (parent,) = reader.open_shards()
    reader.read(parent)
    streams.expired.add("parent/1/next")

    assert reader.read(parent) == []
    assert [record["dynamodb"]["SequenceNumber"] for record in reader.read(parent)] == ["2"]
