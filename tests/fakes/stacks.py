"""Facts of a deployed stack that is healthy, for tests to make worse."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from workflow.definition.definition import Definitions
from workflow.definition.load import parse_definition
from workflow.runtime.doctor.alarm_watches import WATCHES, Watch
from workflow.runtime.doctor.facts import (
    AlarmFacts,
    CodeFacts,
    EntityFacts,
    FunctionFacts,
    LostFacts,
    MappingFacts,
    MetricFacts,
    RecentFacts,
    ScheduleFacts,
    StackFacts,
    TableFacts,
)
from workflow.runtime.doctor.stream_checks import ENTITY_FILTER
from workflow.runtime.doctor.table_checks import INDEXES

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/shop-Table/stream/2026-01-01T00:00:00.000"
MAPPING_ID = "6e91287a-e3a9-42af-ab16-02c2e9e548a4"
API_ID = "a1b2c3d4e5"
ORDER = """\
kind: order
version: {version}
initial: placed
states:
  placed: {{}}
  {target}: {{final: true}}
transitions:
  pay: {{from: placed, to: {target}}}
"""


def order(version: int = 1, target: str = "paid") -> Definitions:
    """Definitions of one kind, in one version."""
    return Definitions((parse_definition(ORDER.format(version=version, target=target)),))


def function(role: str, **changes: Any) -> FunctionFacts:
    """The function of that role, well."""
    name = f"shop-{role.title()}"
    arn = f"arn:aws:lambda:eu-west-1:123456789012:function:{name}"
    facts = FunctionFacts(role, name, arn, "shop-Table", code="one", log=f"/aws/lambda/shop-{role}", retention_days=30)
    return replace(facts, **{"changed_at": NOW - timedelta(days=1), **changes})


TABLE = TableFacts(
    name="shop-Table",
    arn=STREAM.partition("/stream")[0],
    status="ACTIVE",
    stream_arn=STREAM,
    stream_view="NEW_AND_OLD_IMAGES",
    billing="PAY_PER_REQUEST",
    is_protected=True,
    indexes=INDEXES,
    about=3,
    recovery=True,
    expiry="expires_at",
)
MAPPING = MappingFacts(
    MAPPING_ID,
    STREAM,
    function("stream").arn,
    "Enabled",
    destination="arn:aws:s3:::shop-lost",
    patterns=(ENTITY_FILTER,),
)
SCHEDULE = ScheduleFacts(
    "shop-EveryMinute",
    "ENABLED",
    (
        ("--name", "shop-EveryMinute"),
        ("--group-name", "default"),
        ("--schedule-expression", "rate(1 minute)"),
        ("--flexible-time-window", '{"Mode": "OFF"}'),
        ("--target", f'{{"Arn": "{function("sweep").arn}", "RoleArn": "arn:aws:iam::123456789012:role/shop"}}'),
    ),
)


def alarm(metric: str, role: str = "", **changes: Any) -> AlarmFacts:
    """An alarm on a metric of the framework's own, or of the function of that role."""
    seen = (
        MetricFacts("AWS/Lambda", metric, frozenset({("FunctionName", function(role).name)}))
        if role
        else MetricFacts("Workflow", metric, frozenset({("table", "shop-Table")}))
    )
    name = f"shop-{metric}{'-' if role else ''}{role}"
    return replace(
        AlarmFacts(name, frozenset({seen}), actions=("arn:aws:sns:eu-west-1:123456789012:calls",)), **changes
    )


def alarm_on(watch: Watch, mapping_id: str) -> AlarmFacts:
    """The template's alarm."""
    counted_by = {
        "table": {"table": "shop-Table", **({"outcome": watch.outcome} if watch.outcome else {})},
        "function": {"FunctionName": function(watch.role).name},
        "mapping": {"EventSourceMappingUUID": mapping_id},
        "gateway": {"ApiId": API_ID},
    }[watch.of]
    return AlarmFacts(
        f"shop-{watch.name}",
        frozenset({MetricFacts(watch.namespace, watch.metric, frozenset(counted_by.items()))}),
        actions=("arn:aws:sns:eu-west-1:123456789012:calls",),
        missing_data=watch.missing_data,
        comparison=watch.comparison,
        threshold=watch.threshold,
        is_expression=watch.writes,
    )


def alarms_on(mapping_id: str) -> tuple[AlarmFacts, ...]:
    """All alarms of the template, where the stream's mapping is that one."""
    return tuple(alarm_on(watch, mapping_id) for watch in WATCHES)


ALARMS = alarms_on(MAPPING_ID)
HEALTHY = StackFacts(
    stack="shop",
    region="eu-west-1",
    endpoint_url="",
    is_embedded=False,
    now=NOW,
    table_name="shop-Table",
    failure_bucket="shop-lost",
    api_id=API_ID,
    table=TABLE,
    mappings=(MAPPING,),
    functions=(function("stream"), function("sweep"), function("webhook")),
    codes={"one": CodeFacts(order(), frozenset({"cpython-311"}))},
    schedules=(SCHEDULE,),
    alarms=ALARMS,
    recent=RecentFacts(10, 120.0, {"shop-Stream": 0}, {"shop-Stream": 0}, 10),
    parked=(),
    entities=EntityFacts(3, 3, {("order", 1): (3, "42")}),
    lost=LostFacts("shop-lost", 0),
    local=order(),
)


def stack(**changes: Any) -> StackFacts:
    """The healthy stack with these facts in place of its own."""
    return replace(HEALTHY, **changes)


def with_table(**changes: Any) -> StackFacts:
    """The healthy stack with another table."""
    return stack(table=replace(TABLE, **changes))


def with_mapping(**changes: Any) -> StackFacts:
    """The healthy stack with another mapping."""
    return stack(mappings=(replace(MAPPING, **changes),))


def with_function(role: str, **changes: Any) -> StackFacts:
    """The healthy stack with another function of that role."""
    return stack(functions=[function(role, **changes) if one.role == role else one for one in HEALTHY.functions])
