"""What is known of a deployed stack: plain facts, and what could not be looked at. Free of AWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from workflow.definition.definition import Definitions


@dataclass(frozen=True, slots=True)
class Unseen:
    """Something that could not be looked at: what, the permission that it needs ('' if that is not why), and why."""

    what: str
    needs: str
    why: str


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """An index as DescribeTable tells of it; `attributes` are those that it holds besides the keys."""

    name: str
    keys: tuple[str, ...]
    status: str = "ACTIVE"
    projection: str = "ALL"
    attributes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TableFacts:
    """The table of entities. `stream_arn` is '' where it has no stream; `recovery` and `expiry` (the attribute by which
    items expire, '' for none) are None where they could not be looked at. `about` so many entities were there when
    DynamoDB last counted, hours ago."""

    name: str
    arn: str
    status: str
    stream_arn: str
    stream_view: str
    billing: str
    is_protected: bool
    indexes: tuple[IndexFacts, ...]
    about: int = 0
    recovery: bool | None = None
    expiry: str | None = None


@dataclass(frozen=True, slots=True)
class MappingFacts:
    """An event source mapping of the stream's function; `retries` and `age_seconds` are -1 for no limit; `is_own`: it
    is one of the stack's, which CloudFormation knows."""

    mapping_id: str
    stream_arn: str
    function: str
    state: str
    state_reason: str = ""
    starting_position: str = "TRIM_HORIZON"
    reports_failures: bool = True
    bisects: bool = True
    retries: int = 20
    age_seconds: int = 43200
    destination: str = ""
    patterns: tuple[str, ...] = ()
    batch_size: int = 100
    window_seconds: int = 0
    parallel: int = 1
    last_result: str = ""
    metrics: tuple[str, ...] = ()
    is_own: bool = True


@dataclass(frozen=True, slots=True)
class FunctionFacts:
    """A deployed function and what it is for (`stream`, `sweep`, `webhook`, `api`); `home` is the region of a replica.

    `reserved` is its reserved concurrency, None where none is; `retention_days` of its log is 0 for never, None where
    it could not be looked at.
    """

    role: str
    name: str
    arn: str
    table: str
    home: str = ""
    state: str = "Active"
    state_reason: str = ""
    update: str = "Successful"
    update_reason: str = ""
    runtime: str = "python3.11"
    architecture: str = "arm64"
    code: str = ""
    timeout_seconds: int = 60
    reserved: int | None = None
    log: str = ""
    retention_days: int | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """What lies in a deployed package: compiled definitions, and what its file names tell of byte code (`cpython-311`)
    and of native libraries (`x86_64`)."""

    definitions: Definitions
    byte_code: frozenset[str]
    machines: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ScheduleFacts:
    """A schedule that wakes the sweep function. `settings` are what UpdateSchedule wants again, since it forgets
    what it is not told: options of the AWS CLI, each with its value."""

    name: str
    state: str
    settings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class MetricFacts:
    """A metric that an alarm looks at; dimensions as pairs."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class AlarmFacts:
    """An alarm of CloudWatch. `is_expression`: its threshold is one of a formula over its metrics. `changed_at` is when
    it was made, or got other settings."""

    name: str
    metrics: frozenset[MetricFacts]
    state: str = "OK"
    reason: str = ""
    description: str = ""
    is_enabled: bool = True
    actions: tuple[str, ...] = ()
    missing_data: str = "missing"
    comparison: str = "GreaterThanThreshold"
    threshold: float = 0
    is_expression: bool = False
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecentFacts:
    """What CloudWatch counted in the last `minutes`: the greatest age of a record in milliseconds (None: nothing told),
    throttles, failures and invocations by function, and how often the sweep function ran (None: nothing told)."""

    minutes: int
    age_ms: float | None = None
    throttles: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    errors: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    sweeps: int | None = None
    invocations: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class ParkedFacts:
    """An entity that was put aside: at which version and hook, why, since when, and whether it waits for a person."""

    kind: str
    entity_id: str
    version: int
    hook: str
    why: str
    since: datetime
    for_person: bool


@dataclass(frozen=True, slots=True)
class EntityFacts:
    """The entities that were looked at, `looked_at` of `about` so many: how many there are of each kind and version of
    its definition, with the id of one."""

    looked_at: int
    about: int
    versions: Mapping[tuple[str, int], tuple[int, str]]


@dataclass(frozen=True, slots=True)
class LostFacts:
    """What lies in the bucket of lost records under the prefixes where Lambda puts them: how many objects (`more`: at
    least), and from when."""

    bucket: str
    count: int
    more: bool = False
    first_at: datetime | None = None
    last_at: datetime | None = None
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StackFacts:
    """All that is known of a stack at the moment `now`. None: it could not be looked at, and `unseen` says why.

    `endpoint_url` is '' on AWS. `overdue_since` is when the longest waiting timer or effect was due, None where nothing
    is late. `local` are the project's own definitions, None outside of a project. `codes` are told by the function's
    code hash. `cut` names the queues, `parked` and `due`, of which only the first were looked at. `read_models` are the
    other tables of the stack.
    """

    stack: str
    region: str
    endpoint_url: str
    is_embedded: bool
    now: datetime
    table_name: str
    failure_bucket: str = ""
    api_id: str = ""
    table: TableFacts | None = None
    mappings: Sequence[MappingFacts] | None = None
    functions: Sequence[FunctionFacts] = ()
    codes: Mapping[str, CodeFacts] | None = None
    schedules: Sequence[ScheduleFacts] | None = None
    alarms: Sequence[AlarmFacts] | None = None
    recent: RecentFacts | None = None
    read_models: Sequence[TableFacts] = ()
    parked: Sequence[ParkedFacts] | None = None
    cut: frozenset[str] = frozenset()
    overdue_since: datetime | None = None
    entities: EntityFacts | None = None
    lost: LostFacts | None = None
    local: Definitions | None = None
    unseen: Sequence[Unseen] = ()

    def find_function(self, role: str) -> FunctionFacts | None:
        """The function of that role."""
        return next((function for function in self.functions if function.role == role), None)
