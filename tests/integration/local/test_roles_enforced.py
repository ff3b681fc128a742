"""What the embedded cloud makes of a role: conditions on leading keys hold, and calls are written down when asked."""

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


def in_role(cloud: EmbeddedCloud, role: str, statements: list[dict[str, Any]]) -> Any:
    iam = make_client("iam", endpoint_url=cloud.endpoint_url)
    trust = {"Version": "2012-10-17", "Statement": [TRUST]}
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    policy = {"Version": "2012-10-17", "Statement": statements}
    iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=json.dumps(policy))
    given = make_client("sts", endpoint_url=cloud.endpoint_url).assume_role(RoleArn=arn, RoleSessionName="test")
    return botocore.session.get_session().create_client(
        "dynamodb",
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
