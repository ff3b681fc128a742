"""The engines that tests run on, and their table: the one that template.yaml describes."""

from __future__ import annotations

import uuid
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from workflow.aws.client import make_client

_TEMPLATE = Path(__file__).parents[1] / "template.yaml"


class _TemplateLoader(yaml.SafeLoader):
    """Reads past CloudFormation's own tags; the table uses none."""


_TemplateLoader.add_multi_constructor("!", lambda loader, suffix, node: suffix)


def template() -> dict[str, Any]:
    """The template as data, its functions as text."""
    loaded: dict[str, Any] = yaml.load(_TEMPLATE.read_text(), _TemplateLoader)
    return loaded


@cache
def table_properties() -> dict[str, Any]:
    """What template.yaml says of the table, as far as CreateTable takes it."""
    described = template()["Resources"]["Table"]["Properties"]
    taken = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    stream = {**described["StreamSpecification"], "StreamEnabled": True}
    return {**{name: described[name] for name in taken}, "StreamSpecification": stream}


def filter_patterns() -> list[str]:
    """Which records template.yaml lets through to the stream's function."""
    mapping = template()["Resources"]["StreamFunction"]["Properties"]["Events"]["Transitions"]["Properties"]
    return [pattern["Pattern"] for pattern in mapping["FilterCriteria"]["Filters"]]


def create_table(client: Any, *, view: str = "NEW_AND_OLD_IMAGES") -> str:
    """Creates a table of the template's shape under a name nobody has, and returns the name."""
    name = f"table-{uuid.uuid4().hex[:12]}"
    stream = {"StreamEnabled": True, "StreamViewType": view}
    client.create_table(TableName=name, **{**table_properties(), "StreamSpecification": stream})
    return name


def new_client(endpoint_url: str) -> Any:
    """A client with an access key of its own: on DynamoDB Local that is a database of its own."""
    # Twelve digits, which ministack takes for an account.
    return make_client(
        "dynamodb", endpoint_url=endpoint_url, access_key=str(uuid.uuid4().int)[:12].replace("0", "1", 1)
    )
