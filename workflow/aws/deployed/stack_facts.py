"""Gathers the facts of a deployed stack. Reads only; changes nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

from workflow.aws.client import make_client
from workflow.aws.deployed import delivery, entities, functions, watching
from workflow.aws.deployed.find_stack import FindStackError, Resource, find_stack, get_outputs, resources_of
from workflow.aws.deployed.looking import Looks, is_denial
from workflow.aws.failures import translated
from workflow.definition.definition import Definitions
from workflow.errors import StoreAccessError
from workflow.runtime.doctor.facts import (
    AlarmFacts,
    FunctionFacts,
    LostFacts,
    MappingFacts,
    RecentFacts,
    ScheduleFacts,
    StackFacts,
    TableFacts,
)

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_LOST_RECORDS = "LostRecords"
_API = "AWS::ApiGatewayV2::Api"
_FUNCTIONS = "functions"
_MAPPING, _TABLE = "AWS::Lambda::EventSourceMapping", "AWS::DynamoDB::Table"
_BUCKET_ARN = "arn:aws:s3:::"

Clients = Callable[[str], Any]
"""Makes the client of a service."""


def gather(
    *,
    stack: str,
    table: str,
    endpoint_url: str,
    now: datetime,
    local: Definitions | None = None,
    clients: Clients | None = None,
) -> StackFacts:
    """The facts of the stack of that name, or of the one that made the table; what may not be read is noted in them.

    `clients` look by other permissions than the caller's own. Raises FindStackError if there is no such stack, and
    StoreAccessError or StoreUnavailableError if nothing at all can be looked at: no credentials, no region, no answer.
    """
    with translated("looking at the stack"):
        looking = cache(clients or partial(make_client, endpoint_url=endpoint_url or None))
        # Fails here already where no region is configured.
        looking("cloudformation")
    return _Gathering(looking, endpoint_url, now).gather(stack, table, local)


@dataclass(slots=True)
class _Gathering:
    clients: Clients
    endpoint_url: str
    now: datetime

    def gather(self, stack: str, table: str, local: Definitions | None) -> StackFacts:
        looks = Looks()
        stack, outputs = self._stack(stack, table, looks)
        resources = self._resources(stack, looks)
        found, locations = functions.read_functions(self.clients("lambda"), self.clients("logs"), resources, looks)
        table = outputs.get("TableName") or table or next((one.table for one in found if one.table), "")
        if not table:
            raise FindStackError(f"stack {stack} tells of no table: no output TableName, and no function works on one")
        table_facts = delivery.read_table(self.clients("dynamodb"), table, looks)
        mappings = self._mappings(found, table_facts, resources, looks)
        bucket = _bucket(mappings, resources)
        facts = StackFacts(
            stack=stack,
            region=self.clients("cloudformation").meta.region_name,
            endpoint_url=self.endpoint_url,
            is_embedded=self._is_embedded,
            now=self.now,
            table_name=table,
            failure_bucket=bucket,
            api_id=next((one.physical_id for one in resources if one.type == _API), ""),
            table=table_facts,
            mappings=mappings,
            functions=found,
            codes=functions.read_codes(locations, looks) if locations else None,
            schedules=self._schedules(found, looks),
            alarms=looks.look("alarms", "cloudwatch:DescribeAlarms", self._alarms),
            recent=looks.look("metrics", "cloudwatch:GetMetricData", partial(self._recent, found)) if found else None,
            lost=self._lost(bucket, lost_prefixes(bucket, mappings, resources), looks),
            read_models=self._read_models(table, resources, looks),
            local=local,
        )
        return replace(self._with_contents(facts, looks), unseen=looks.unseen)

    def _stack(self, stack: str, table: str, looks: Looks) -> tuple[str, Mapping[str, str]]:
        cloud = self.clients("cloudformation")
        try:
            stack = stack or find_stack(cloud, table)
            if not stack:
                raise FindStackError(f"no stack made the table {table}; name one with --stack")
            return stack, get_outputs(cloud, stack)
        except StoreAccessError as error:
            if not is_denial(error):
                raise
            looks.note(_FUNCTIONS, "cloudformation:DescribeStacks, cloudformation:DescribeStackResources", error)
            return stack, {}

    def _resources(self, stack: str, looks: Looks) -> Sequence[Resource]:
        if not stack:
            return ()
        cloud = self.clients("cloudformation")
        found = looks.look(_FUNCTIONS, "cloudformation:ListStackResources", lambda: resources_of(cloud, stack))
        return found or ()

    def _mappings(
        self, found: Sequence[FunctionFacts], table: TableFacts | None, resources: Sequence[Resource], looks: Looks
    ) -> Sequence[MappingFacts] | None:
        function = next((one for one in found if one.role == "stream"), None)
        if function is None:
            return None
        own = {one.physical_id for one in resources if one.type == _MAPPING}
        stream = table.stream_arn if table else ""
        read = partial(delivery.read_mappings, self.clients("lambda"), function, stream, own)
        return looks.look("stream mapping", "lambda:ListEventSourceMappings", read)

    def _read_models(self, table: str, resources: Sequence[Resource], looks: Looks) -> Sequence[TableFacts]:
        names = [one.physical_id for one in resources if one.type == _TABLE and one.physical_id != table]
        found = (delivery.read_table(self.clients("dynamodb"), name, looks) for name in names)
        return [one for one in found if one]

    def _schedules(self, found: Sequence[FunctionFacts], looks: Looks) -> Sequence[ScheduleFacts] | None:
        function = next((one for one in found if one.role == "sweep"), None)
        if function is None:
            return None
        read = partial(watching.read_schedules, self.clients("scheduler"), function)
        return looks.look("schedule of the sweeper", "scheduler:ListSchedules, scheduler:GetSchedule", read)

    def _alarms(self) -> Sequence[AlarmFacts]:
        return watching.read_alarms(self.clients("cloudwatch"))

    def _recent(self, found: Sequence[FunctionFacts]) -> RecentFacts:
        return watching.read_recent(self.clients("cloudwatch"), found, self.now)

    def _lost(self, bucket: str, prefixes: Sequence[str], looks: Looks) -> LostFacts | None:
        if not bucket:
            return None
        read = partial(entities.read_lost, self.clients("s3"), bucket, prefixes)
        return looks.look("bucket of lost records", "s3:ListBucket", read)

    def _with_contents(self, facts: StackFacts, looks: Looks) -> StackFacts:
        client, table = self.clients("dynamodb"), facts.table_name
        if facts.table is None:
            return facts
        about, home = facts.table.about, next((one.home for one in facts.functions), "")
        read = partial(entities.read_parked, client, table, home)
        parked = looks.look("what is put aside", "dynamodb:Query, dynamodb:GetItem", read)
        return replace(
            facts,
            parked=parked and parked[0],
            cut=parked[1] if parked else frozenset(),
            overdue_since=looks.look(
                "what is due", "dynamodb:Query", partial(entities.read_overdue, client, table, home, self.now)
            ),
            entities=looks.look(
                "definitions of the entities",
                "dynamodb:Scan on the index by_state, dynamodb:BatchGetItem",
                partial(entities.read_entities, client, table, about),
            ),
        )

    @property
    def _is_embedded(self) -> bool:
        return urlsplit(self.endpoint_url).hostname in _LOOPBACK


def _bucket(mappings: Sequence[MappingFacts] | None, resources: Sequence[Resource]) -> str:
    """Where lost records go, or should go."""
    named = (one.destination.removeprefix(_BUCKET_ARN) for one in mappings or () if _BUCKET_ARN in one.destination)
    of_the_stack = (one.physical_id for one in resources if one.logical_id == _LOST_RECORDS)
    return next(named, next(of_the_stack, ""))


def lost_prefixes(
    bucket: str, mappings: Sequence[MappingFacts] | None, resources: Sequence[Resource]
) -> tuple[str, ...]:
    """Where in the bucket: in one of the stack all, what mappings gave up that are gone by now too; in one that is
    shared with others, only what is this function's."""
    is_own = any(one.physical_id == bucket for one in resources)
    return entities.prefixes_of(() if is_own else (one.mapping_id for one in mappings or ()))
