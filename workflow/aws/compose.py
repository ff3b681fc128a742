"""Putting things together from settings: the table, the clock, the definitions and the hooks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workflow.aws.client import make_client
from workflow.aws.clock import SystemClock
from workflow.aws.failures import translated
from workflow.aws.ledger import TableLedger
from workflow.aws.publish.late import LatePublisher
from workflow.aws.table import TableStore
from workflow.definition.definition import Definitions
from workflow.errors import SettingsError
from workflow.runtime.hooks import Hooks, require
from workflow.runtime.metering import NO_METER, Meter
from workflow.runtime.runtime import Runtime
from workflow.runtime.tracing import NO_TRACER, Tracer
from workflow.settings import Settings

if TYPE_CHECKING:
    from workflow.aws.records import TableRecords
    from workflow.definition.webhooks.webhook import Webhooks


def open_table(settings: Settings, client: Any = None) -> tuple[TableStore, TableLedger]:
    """Store and ledger on the table that the settings name, through that client if one is given; raises SettingsError
    if they name none, and StoreAccessError where region, profile or credentials are not configured."""
    client, table = client or open_client(settings), settings.get_table()
    region = settings.region
    return TableStore(client, table, region=region), TableLedger(client, table, region)


def open_ports(settings: Settings) -> tuple[TableStore, TableLedger, TableRecords]:
    """Store, ledger and, for people, everything that the table keeps; raises as `open_table` does."""
    # Here and not above: no Lambda reads it all.
    from workflow.aws.records import TableRecords

    client, table = open_client(settings), settings.get_table()
    region = settings.region
    store, ledger = TableStore(client, table, region=region), TableLedger(client, table, region)
    return store, ledger, TableRecords(client, table, region)


def open_runtime(settings: Settings, meter: Meter = NO_METER, client: Any = None) -> Runtime:
    """A runtime on compiled definitions, for a Lambda; raises SettingsError, StoreAccessError, or RegisterHookError if
    a hook that the definitions ask for is not registered."""
    definitions, hooks = read_compiled(settings.definitions), Hooks(settings.handlers)
    require(hooks, definitions)
    store, ledger = open_table(settings, client)
    clock, publisher = SystemClock(), open_publisher(settings)
    tracer = open_tracer(settings)
    return Runtime(
        definitions, hooks, store, ledger, clock, settings.max_depth, publisher=publisher, tracer=tracer, meter=meter
    )


def open_tracer(settings: Settings) -> Tracer:
    """What keeps traces, as the settings say; raises SettingsError if what it needs is not installed."""
    if not settings.tracing:
        return NO_TRACER
    # Here and not above: the SDK costs more than a client of DynamoDB, and most processes trace nothing.
    from workflow.aws.tracing import open_adapter

    return open_adapter(settings.tracing)


def open_publisher(settings: Settings) -> LatePublisher:
    """What publishes to the targets that definitions name; no client is made before it is asked to."""
    return LatePublisher(settings.event_source or f"/workflow/{settings.table}", dict(settings.targets))


def open_client(settings: Settings) -> Any:
    """The client of the table that the settings name; raises StoreAccessError, and SettingsError if it would write to
    another region than the one that they say."""
    # Making a client already fails where no region or an unknown profile is configured.
    with translated(f"opening table {settings.get_table()}"):
        client = make_client("dynamodb", endpoint_url=settings.endpoint_url or None)
    # At an endpoint of its own, a region is nothing but a name.
    if not settings.endpoint_url:
        _check_region(settings, client.meta.region_name)
    return client


def _check_region(settings: Settings, written_to: str) -> None:
    if settings.region and settings.region != written_to:
        raise SettingsError(
            f"table {settings.table}: region (or WORKFLOW_REGION) is {settings.region}, and this process would write "
            f"to the replica in {written_to}, which is another deployment's; set AWS_DEFAULT_REGION={settings.region}, "
            f"or AWS_PROFILE to a profile of that region; functions are deployed with GlobalTable=yes, which names the "
            f"region of their own stack"
        )


def read_compiled(file: str) -> Definitions:
    """Definitions that were compiled to plain data; needs neither pydantic nor YAML. Raises SettingsError."""
    # The plain form is all that a deployed Lambda imports of the definition floor's readers.
    from workflow.definition.plain import from_plain

    try:
        return from_plain(json.loads(Path(file).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise SettingsError(f"compiled definitions {file!r} cannot be read: {error}; run 'workflow build'") from None


def read_compiled_webhooks(file: str) -> Webhooks:
    """Webhooks that were compiled to plain data; none where there is no such file. Raises SettingsError."""
    # Here and not above: of the four Lambdas one has webhooks.
    from workflow.definition.webhooks.plain import from_plain
    from workflow.definition.webhooks.webhook import Webhooks

    try:
        return from_plain(json.loads(Path(file).read_text(encoding="utf-8")))
    except FileNotFoundError:
        # What a build leaves of a project that declares none.
        return Webhooks()
    except (OSError, ValueError) as error:
        raise SettingsError(f"compiled webhooks {file!r} cannot be read: {error}; run 'workflow build'") from None
