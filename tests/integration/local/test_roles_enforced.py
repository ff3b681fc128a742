"""What the embedded cloud makes of a role: it asks for what AWS asks for, and writes calls down when asked to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from tests.engines import create_table
from workflow.aws.client import make_client
from workflow.local.embedded_cloud import REGION, EmbeddedCloud
from workflow.local.mailbox import verify_sender

LANES_ALONE = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["lane#*"]}}
TRUST = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("calls") / "calls.jsonl"


@pytest.fixture(scope="module")
def cloud(calls: Path) -> Iterator[EmbeddedCloud]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMULATOR_CALLS", str(calls))
        with EmbeddedCloud() as cloud:
            yield cloud


@pytest.fixture(scope="module")
def table(cloud: EmbeddedCloud) -> str:
    return create_table(make_client("dynamodb", endpoint_url=cloud.endpoint_url))


@pytest.fixture(scope="module")
def client(cloud: EmbeddedCloud, table: str) -> Any:
    """A client whose role may put anything, and delete places in lanes."""
    statements = [
        {"Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:UpdateItem"], "Resource": "*"},
        {"Effect": "Allow", "Action": "dynamodb:DeleteItem", "Resource": "*", "Condition": LANES_ALONE},
    ]
    return in_role(cloud, "lanes", statements)


def in_role(cloud: EmbeddedCloud, role: str, statements: list[dict[str, Any]], service: str = "dynamodb") -> Any:
    iam = make_client("iam", endpoint_url=cloud.endpoint_url)
    trust = {"Version": "2012-10-17", "Statement": [TRUST]}
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    policy = {"Version": "2012-10-17", "Statement": statements}
    iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=json.dumps(policy))
    given = make_client("sts", endpoint_url=cloud.endpoint_url).assume_role(RoleArn=arn, RoleSessionName="test")
    return botocore.session.get_session().create_client(
        service,
        endpoint_url=cloud.endpoint_url,
        region_name=REGION,
        aws_access_key_id=given["Credentials"]["AccessKeyId"],
        aws_secret_access_key=given["Credentials"]["SecretAccessKey"],
        aws_session_token=given["Credentials"]["SessionToken"],
    )


def key(pk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": "entity"}}


def delete(client: Any, table: str, pk: str) -> None:
    client.delete_item(TableName=table, Key=key(pk))


def delete_beside(client: Any, table: str, pk: str) -> None:
    parts: list[dict[str, Any]] = [
        {"Put": {"TableName": table, "Item": key("order#2")}},
        {"Delete": {"TableName": table, "Key": key(pk)}},
    ]
    client.transact_write_items(TransactItems=parts)


@pytest.mark.parametrize("way", [delete, delete_beside])
def test_a_condition_on_leading_keys_lets_pass_what_it_says_and_nothing_else(
    client: Any, table: str, way: Callable[[Any, str, str], None]
) -> None:
    # Beside the entity of the transaction, which may be put and not deleted.
    way(client, table, "lane#job#build#a")
    with pytest.raises(ClientError, match="not authorized to perform: dynamodb:DeleteItem"):
        way(client, table, "order#1")


def test_every_call_of_a_role_is_written_down_a_transactions_by_its_parts(
    client: Any, table: str, calls: Path, cloud: EmbeddedCloud
) -> None:
    calls.write_text("")
    arn = f"arn:aws:dynamodb:{REGION}:000000000000:table/{table}"
    delete_beside(client, table, "lane#job#build#b")
    with pytest.raises(ClientError):
        client.scan(TableName=table)
    # Nobody's role, and so nothing to hold it against.
    make_client("dynamodb", endpoint_url=cloud.endpoint_url).scan(TableName=table)
    assert [json.loads(line) for line in calls.read_text().splitlines()] == [
        {"role": "lanes", "action": "dynamodb:PutItem", "resource": arn, "keys": ["order#2"]},
        {"role": "lanes", "action": "dynamodb:DeleteItem", "resource": arn, "keys": ["lane#job#build#b"]},
        {"role": "lanes", "action": "dynamodb:Scan", "resource": arn, "keys": []},
    ]


def test_a_condition_on_the_sender_lets_pass_the_one_address(cloud: EmbeddedCloud) -> None:
    statement = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}
    sender = {"StringEquals": {"ses:FromAddress": "shop@example.com"}}
    mails = in_role(cloud, "sender", [statement | {"Condition": sender}], "sesv2")
    for address in ("shop@example.com", "ceo@example.com"):
        verify_sender(cloud.endpoint_url, address)
    body = {"Simple": {"Subject": {"Data": "hello"}, "Body": {"Text": {"Data": "you"}}}}
    to = {"ToAddresses": ["ada@example.com"]}
    assert mails.send_email(FromEmailAddress="shop@example.com", Destination=to, Content=body)["MessageId"]
    with pytest.raises(ClientError, match="not authorized to perform"):
        mails.send_email(FromEmailAddress="ceo@example.com", Destination=to, Content=body)


def test_a_batch_needs_the_permission_to_send_one(cloud: EmbeddedCloud) -> None:
    queue = make_client("sqs", endpoint_url=cloud.endpoint_url).create_queue(QueueName="orders")["QueueUrl"]
    topic = make_client("sns", endpoint_url=cloud.endpoint_url).create_topic(Name="orders")["TopicArn"]
    queues = in_role(cloud, "queues", [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}], "sqs")
    topics = in_role(cloud, "topics", [{"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}], "sns")
    entry = {"Id": "1"}
    assert queues.send_message_batch(QueueUrl=queue, Entries=[entry | {"MessageBody": "one"}])["Successful"]
    assert topics.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[entry | {"Message": "one"}])["Successful"]


def test_a_bus_is_asked_for_as_a_bus_and_a_build_as_its_project(cloud: EmbeddedCloud, calls: Path) -> None:
    where = f"{REGION}:000000000000"
    bus = make_client("events", endpoint_url=cloud.endpoint_url).create_event_bus(Name="orders")["EventBusArn"]
    asked = [{"Effect": "Allow", "Action": "events:DescribeEventBus", "Resource": bus}]
    assert in_role(cloud, "buses", asked, "events").describe_event_bus(Name="orders")["Arn"] == bus
    builds = in_role(cloud, "builds", [{"Effect": "Allow", "Action": "codebuild:*", "Resource": "*"}], "codebuild")
    calls.write_text("")
    builds.batch_get_builds(ids=["ci:1"])
    with pytest.raises(ClientError, match="ResourceNotFound"):
        builds.stop_build(id="ci:1")
    arn = f"arn:aws:codebuild:{where}:project/ci"
    assert [json.loads(line)["resource"] for line in calls.read_text().splitlines()] == [arn, arn]


def test_a_stream_is_read_by_whoever_may_read_that_tables_streams(cloud: EmbeddedCloud, table: str) -> None:
    found = make_client("dynamodb", endpoint_url=cloud.endpoint_url).describe_table(TableName=table)["Table"]
    actions = ["dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"]
    own = {"Effect": "Allow", "Action": actions, "Resource": f"{found['TableArn']}/stream/*"}
    other = own | {"Resource": f"{found['TableArn']}s/stream/*"}
    stream = found["LatestStreamArn"]
    streams = in_role(cloud, "reader", [own], "dynamodbstreams")
    (shard,) = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    asked = {"StreamArn": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    assert "Records" in streams.get_records(ShardIterator=streams.get_shard_iterator(**asked)["ShardIterator"])
    with pytest.raises(ClientError, match="not authorized to perform: dynamodb:DescribeStream"):
        in_role(cloud, "stranger", [other], "dynamodbstreams").describe_stream(StreamArn=stream)
