"""The application's own view of the framework: definitions, hooks and a store put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from workflow.aws.clock import SystemClock
from workflow.definition.definition import CREATE, Definitions
from workflow.engine.entity import Entity
from workflow.engine.events import Event
from workflow.errors import EntityNotFoundError, PayloadError, SettingsError
from workflow.operations import Operations
from workflow.runtime.accepted import Accepted
from workflow.runtime.ask import Ask, check_id
from workflow.runtime.fire import create, fire
from workflow.runtime.hooks import Handlers, Hooks, require
from workflow.runtime.ledger_entry import LedgerEntry
from workflow.runtime.metering import NO_METER, Meter
from workflow.runtime.ports import Clock, Ledger, Listed, Store, Violation
from workflow.runtime.publish.port import Publisher
from workflow.runtime.records import Records
from workflow.runtime.runtime import MAX_DEPTH, Runtime
from workflow.runtime.tracing import NO_TRACER, Tracer
from workflow.settings import Settings, read_settings


class Workflow:
    """Creates entities, fires triggers and reads histories; one serves a whole process and all its threads.

    Every method may raise the Retryable errors of its store (ThrottledError, StoreUnavailableError) and
    StoreAccessError.
    """

    def __init__(
        self,
        definitions: Definitions | Path | str,
        store: Store,
        *,
        handlers: Handlers = (),
        hooks_required: bool = True,
        ledger: Ledger | None = None,
        clock: Clock | None = None,
        records: Records | None = None,
        max_depth: int = MAX_DEPTH,
        publisher: Publisher | None = None,
        tracer: Tracer = NO_TRACER,
        meter: Meter = NO_METER,
    ) -> None:
        """Loads the definitions (a folder, a file, or loaded ones) and checks them against the handlers.

        With `hooks_required=False` the definitions may name hooks that no handler registers. `ledger` and `records` are
        the store's own unless they are given; only `operations` needs `records`. `max_depth` is how many transitions
        may lead one to another. `publisher` takes the messages that the definitions publish; without one these effects
        wait. `tracer` keeps traces and `meter` counts. Raises DefinitionError with all problems, RegisterHookError, or
        SettingsError if there is no ledger.
        """
        hooks = Hooks(handlers)
        if not isinstance(definitions, Definitions):
            definitions = read_definitions(definitions, hooks if hooks_required else None)
        elif hooks_required:
            require(hooks, definitions)
        ledger = ledger or getattr(store, "ledger", None)
        if ledger is None:
            raise SettingsError(f"{type(store).__name__} brings no ledger; give one with ledger=")
        clock = clock or SystemClock()
        self._runtime = Runtime(
            definitions, hooks, store, ledger, clock, max_depth, publisher=publisher, tracer=tracer, meter=meter
        )
        self._records = records or getattr(store, "records", None)

    @classmethod
    def from_env(cls, *, hooks_required: bool = True, folder: Path | None = None, meter: Meter = NO_METER) -> Workflow:
        """The application that WORKFLOW_TABLE, WORKFLOW_DEFINITIONS and WORKFLOW_HANDLERS (or `[tool.workflow]` of the
        pyproject.toml in `folder`) describe, at AWS_ENDPOINT_URL if that is set; raises SettingsError too."""
        return cls.from_settings(read_settings(folder=folder), hooks_required=hooks_required, meter=meter)

    @classmethod
    def from_settings(cls, settings: Settings, *, hooks_required: bool = True, meter: Meter = NO_METER) -> Workflow:
        """The application that the settings describe."""
        # An application that brings its own store never pays for importing botocore.
        from workflow.aws.compose import open_ports, open_publisher, open_tracer, read_compiled

        store, ledger, records = open_ports(settings)
        compiled = settings.definitions.endswith(".json")
        definitions = read_compiled(settings.definitions) if compiled else settings.definitions
        return cls(
            definitions,
            store,
            handlers=settings.handlers,
            hooks_required=hooks_required,
            ledger=ledger,
            records=records,
            max_depth=settings.max_depth,
            publisher=open_publisher(settings),
            tracer=open_tracer(settings),
            meter=meter,
        )

    @property
    def definitions(self) -> Definitions:
        """The loaded definitions."""
        return self._runtime.definitions

    @property
    def runtime(self) -> Runtime:
        """The definitions, hooks and ports in use, for those that deliver or test."""
        return self._runtime

    @property
    def operations(self) -> Operations:
        """What people do about effects and whole tables; raises SettingsError if the store brings no records."""
        if self._records is None:
            raise SettingsError(f"{type(self._runtime.store).__name__} brings no records; give some with records=")
        return Operations(self._runtime, self._records)

    def create(
        self,
        kind: str,
        id: str,
        data: Mapping[str, object] | None = None,
        *,
        request_id: str | None = None,
        by: str | None = None,
    ) -> Accepted:
        """Creates the entity in its initial state; the same request id again gives the same answer.

        Raises CreateError if it exists, PayloadError listing all that is wrong with the data, UnknownKindError,
        RequestReuseError.
        """
        data = {} if data is None else data
        return create(self._runtime, Ask(kind, id, CREATE, data, request_id=_given(request_id), by=_given(by)))

    def fire(
        self,
        kind: str,
        id: str,
        trigger: str,
        payload: Mapping[str, object] | None = None,
        *,
        request_id: str | None = None,
        by: str | None = None,
        held: Entity | None = None,
    ) -> Accepted:
        """Makes the transition, or raises and writes nothing; the same request id again gives the same answer.

        `held`: the entity, if you have it at hand; no read is needed then, unless it has moved on. Raises
        TransitionError, GuardError, PayloadError, EntityNotFoundError, RequestReuseError, UnknownKindError, and
        ContentionError if other writers were faster every time.
        """
        if trigger == CREATE:
            raise PayloadError(f"{kind} {id}: {CREATE!r} is no trigger to fire; call create()")
        if held is not None and (not isinstance(held, Entity) or held.key != f"{kind}#{id}"):
            given = f"{held.kind} {held.id}" if isinstance(held, Entity) else type(held).__name__
            raise PayloadError(f"{kind} {id}: the entity given as held is {given}")
        payload = {} if payload is None else payload
        ask = Ask(kind, id, trigger, payload, request_id=_given(request_id), by=_given(by), held=held)
        return fire(self._runtime, ask)

    def find(self, kind: str, id: str) -> Entity | None:
        """The entity as it is now, or None; raises UnknownKindError, or PayloadError for what cannot be an id."""
        self._check(kind, id)
        return self._runtime.store.find_entity(kind, id)

    def get(self, kind: str, id: str) -> Entity:
        """The entity as it is now; raises EntityNotFoundError, UnknownKindError, PayloadError."""
        entity = self.find(kind, id)
        if entity is None:
            raise EntityNotFoundError(f"there is no {kind} {id}")
        return entity

    def history(self, kind: str, id: str, *, after: int = 0, limit: int | None = None) -> Sequence[Event]:
        """The events with a version above `after`, in version order, at most `limit`; empty for an unknown entity."""
        self._check(kind, id)
        if limit is not None and limit < 0:
            raise PayloadError(f"{kind} {id}: the limit of a history is {limit}; give 0 or more")
        return list(self._runtime.store.events(kind, id, after=after, limit=limit))

    def effects(self, kind: str, id: str) -> Sequence[LedgerEntry]:
        """How the effects of each event stand, in version order; events that owe none, or were not yet delivered,
        have no entry."""
        self._check(kind, id)
        return list(self._runtime.ledger.entries(kind, id))

    def violations(self, kind: str, id: str) -> Sequence[Violation]:
        """The changes that were made past the framework, as the stream showed them, oldest first."""
        self._check(kind, id)
        return self._runtime.store.violations(kind, id)

    def _check(self, kind: str, id: str) -> None:
        self._runtime.get_definition(kind)
        check_id(kind, id)

    def list(self, kind: str, state: str | None = None) -> Iterator[Listed]:
        """The entities of a kind, of one state or state by state, read page by page; may lag behind by moments.

        Raises UnknownKindError, or PayloadError for a state that the definition does not have.
        """
        states = self._runtime.get_definition(kind).states
        if state is not None and state not in states:
            raise PayloadError(f"{kind} has no state {state!r}; it has: {', '.join(states)}")
        wanted = states if state is None else [state]
        return (listed for name in wanted for listed in self._runtime.store.listing(kind, name))


def _given(text: str | None) -> str:
    # None is what an optional header that is not there comes as.
    return "" if text is None else text


def read_definitions(path: Path | str, hooks: Hooks | None) -> Definitions:
    """The definitions of a folder or file, checked against the hooks if some are given; raises DefinitionError with all
    problems, and SettingsError if what reads YAML is not installed."""
    # Reading YAML needs pydantic, which a process on compiled definitions never imports.
    try:
        from workflow.definition.load import load_definitions
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"reading definitions needs {error.name}: pip install 'stream-workflow[definitions]', "
            f"or give compiled ones ('workflow build')"
        ) from error

    return load_definitions(path, registered=None if hooks is None else hooks.registered)
