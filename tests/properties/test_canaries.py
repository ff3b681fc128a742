"""No sensitive value of any shipped kind is in a log, a metric, a trace, an error, or what the command line shows.

What is planted follows from the definitions: a new field is looked for as soon as it is declared.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from tempfile import mkdtemp
from typing import Any

import pytest
from aws_xray_sdk.core import AWSXRayRecorder
from click.testing import CliRunner

from tests.fakes.clock import FakeClock
from tests.fakes.records import image, record, records
from tests.properties.canaries import Canaries, Indiscreet, found_in, opened, wrong
from tests.properties.tracers import shipped_tracers
from tests.shipped import REPOSITORY
from tests.unit.aws.test_api_handler import request
from workflow import Definitions, Refused, Retryable, Workflow
from workflow.aws.json_log import JsonLines
from workflow.aws.lambdas.api import ApiHandler
from workflow.aws.lambdas.stream import StreamHandler
from workflow.aws.lambdas.sweep import SweepHandler
from workflow.aws.lambdas.webhook import WebhookHandler
from workflow.aws.metrics import EmfMeter
from workflow.aws.tracing.otel import OtelTracer
from workflow.cli.commands import workflow
from workflow.definition.definition import Definition, Field, Transition
from workflow.definition.fields import FIELD_TYPES, fit
from workflow.definition.load import load_definitions
from workflow.definition.webhooks.load import parse_webhook
from workflow.engine.entity import Entity
from workflow.runtime.tracing import NO_TRACER, Tracer
from workflow.testing import MemoryPublisher, MemoryStore

MINUTE = 60_000
SHIPPED = Definitions(tuple(load_definitions(REPOSITORY / "definitions")))
PROJECTIONS = frozenset({"record_line", "payment_history"})
SECRET = b"the secret of the webhooks"


class OneSecret:
    def get(self, name: str, *, afresh: bool = False) -> bytes:
        return SECRET


@dataclass
class Shop:
    """All shipped kinds in one place, with hooks that tell everything they know."""

    canaries: Canaries = field(default_factory=Canaries)
    clock: FakeClock = field(default_factory=FakeClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    tracer: Tracer = NO_TRACER
    errors: list[str] = field(default_factory=list)
    hooks_quote: bool = True
    delivered: int = 0

    def __post_init__(self) -> None:
        self.meter = EmfMeter("shop", self.clock)
        self.hooks = Indiscreet(
            SHIPPED,
            self.canaries,
            batched=frozenset({"sync_contact", "send_receipt"}),
            projections=PROJECTIONS,
            hooks_quote=self.hooks_quote,
        )
        self.flow = self._flow(SHIPPED)
        self._gone: dict[int, int] = {}
        self._open: dict[int, Workflow] = {}
        self.stream = StreamHandler(self.flow.runtime, meter=self.meter, workers=2)
        self.sweeper = SweepHandler(self.flow.runtime, meter=self.meter, workers=2)

    def _flow(self, definitions: Definitions) -> Workflow:
        return Workflow(
            definitions,
            self.store,
            handlers=self.hooks.handlers,
            clock=self.clock,
            tracer=self.tracer,
            meter=self.meter,
            publisher=MemoryPublisher(),
        )

    def way_from(self, definition: Definition, entity: Entity | None) -> Transition:
        """A transition out of the entity's state, of those the one that was gone least."""
        assert entity is not None
        ways = [way for way in definition.transitions if way.source == entity.state]
        if not ways:
            return definition.transitions[0]
        way = min(ways, key=lambda way: self._gone.get(id(way), 0))
        self._gone[id(way)] = self._gone.get(id(way), 0) + 1
        return way

    def open_for(self, way: Transition) -> Workflow:
        """The same, where no guard stands in that way."""
        if id(way) not in self._open:
            self._open[id(way)] = self._flow(opened(SHIPPED, way))
        return self._open[id(way)]

    def ask(self, call: Any, *arguments: Any, **given: Any) -> bool:
        """Asks for something that may be refused; the refusal is kept."""
        try:
            call(*arguments, **given)
        except (Refused, Retryable) as error:
            self.errors += [str(error), repr(error)]
            return False
        return True

    def run(self) -> None:
        """Delivers what is new, and sweeps when all that was put aside is due."""
        fresh = records(self.store, self.delivered)
        self.delivered += len(fresh)
        self.stream.handle(fresh, MINUTE)
        self.clock.advance(86_400)
        self.sweeper.handle(MINUTE)

    def settle(self, kind: str) -> None:
        """Runs all that is owed, a person's help included."""
        for _ in range(30):
            if not any(self.flow.operations.parked(kind=kind)):
                break
            run(self, "redrive", kind, "--waiting", "--yes")
            self.run()

    def has_gone(self, definition: Definition) -> bool:
        """Whether every transition of the kind was tried."""
        return all(id(way) in self._gone for way in definition.transitions)


def leaks(lines: Iterable[str]) -> list[str]:
    """The first lines with a canary in them."""
    return [line[:2000] for line in lines if found_in(line)][:5]


def live(shop: Shop, definition: Definition, entity_id: str, *, steps: int = 8) -> None:
    """An entity that is created and asked for everything that its state allows, one after the other, each time also in
    wrong ways, in one that its guard may refuse, and twice under one request id."""
    kind = definition.kind
    assert shop.ask(shop.flow.create, kind, entity_id, shop.canaries.data(definition))
    for number in range(steps):
        way = shop.way_from(definition, shop.flow.runtime.store.find_entity(kind, entity_id))
        flow = shop.open_for(way)
        payload = shop.canaries.payload(definition, way)
        for fires, given in (
            (shop.flow, payload),
            (flow, {name: wrong(value) for name, value in payload.items()}),
            (flow, {**payload, "email": "x", "more": payload}),
        ):
            shop.ask(fires.fire, kind, entity_id, way.trigger, given)
        for again in (payload, payload, shop.canaries.payload(definition, way)):
            shop.ask(flow.fire, kind, entity_id, way.trigger, again, request_id=f"{number}")
        if number % 3 == 2:
            shop.run()


def damage(shop: Shop, definition: Definition, entity_id: str) -> None:
    """What somebody wrote past the framework: undeclared steps, other types, values that nobody can read."""
    item = image(shop.store, shop.store.find_entity(definition.kind, entity_id))
    assert item is not None
    secret = {"S": str(shop.canaries.data(definition))}
    fields = {name: {"N": secret["S"]} for name in definition.data}
    edited = [
        {**item, "state": {"S": "elsewhere"}},
        {**item, "version": {"N": "900"}, "data": {"M": fields}},
        {**item, "data": secret},
        {**item, "version": {"N": str(int(item["version"]["N"]) + 1)}, "data": {"M": fields}},
    ]
    batch = [record(10_000 + number, item, one) for number, one in enumerate(edited)]
    shop.stream.handle([*batch, record(20_000, item, None)], MINUTE)


def webhook_of(definition: Definition) -> str:
    """A webhook that takes every trigger of a kind."""
    data = ", ".join(f"{name}: body.{name}" for name in definition.data)
    take = f"kind: {definition.kind}, id: body.id, trigger"
    accepts = [f"  - {{when: body.trigger == 'create', {take}: create, payload: {{{data}}}}}"]
    for trigger in dict.fromkeys(t.trigger for t in definition.transitions):
        names = {name for t in definition.transitions if t.trigger == trigger for name in (*t.requires, *t.sets)}
        payload = ", ".join(f"{name}: body.{name}" for name in sorted(names))
        when = f"body.trigger == '{trigger}'"
        accepts.append(f"  - {{when: {when}, {take}: {trigger}")
        accepts[-1] += f", payload: {{{payload}}}}}" if payload else "}"
    head = (
        f"webhook: {definition.kind}\nsignature: {{scheme: hmac, header: X-Signature, secrets: [ssm:/workflow/x]}}\n"
        'request_id: headers."x-request"\naccept:\n'
    )
    return head + "\n".join(accepts) + "\n"


def post(shop: Shop, handler: WebhookHandler, source: str, body: bytes, *, signed: bool = True) -> None:
    """A request of a sender who knows the secret, or does not. It is told of its own body; nobody else is."""
    signature = hmac.new(SECRET if signed else b"?", body, hashlib.sha256).hexdigest()
    number = f"post-{len(shop.errors)}-{len(body)}"
    handler.handle(
        {
            "rawPath": f"/webhooks/{source}",
            "headers": {"x-signature": signature, "x-request": number, "authorization": f"Bearer {body[:80]!r}"},
            "requestContext": {"http": {"method": "POST"}},
            "rawQueryString": body[:80].decode("latin-1"),
            "body": body.decode("latin-1"),
        }
    )


def receive(shop: Shop, definition: Definition) -> None:
    """Webhooks for a kind: right, wrong, unsigned, broken."""
    webhooks = parse_webhook(webhook_of(definition), shop.flow.definitions)
    handler = WebhookHandler(shop.flow.runtime, webhooks, OneSecret(), meter=shop.meter)
    triggers = ["create", *dict.fromkeys(t.trigger for t in definition.transitions), "unheard"]
    for trigger in triggers:
        data = shop.canaries.data(definition) | {
            name: value
            for t in definition.transitions
            if t.trigger == trigger
            for name, value in shop.canaries.payload(definition, t).items()
        }
        body = {"trigger": trigger, "id": "posted", **data}
        for told in (body, {name: wrong(value) for name, value in body.items()}, {**body, "id": data}, data):
            sent = json.dumps(told).encode()
            for bytes_sent in (sent, sent[:-3], sent * 2):
                post(shop, handler, definition.kind, bytes_sent)
            post(shop, handler, definition.kind, sent, signed=False)
            post(shop, handler, "elsewhere", sent)


def ask_over_http(shop: Shop, definition: Definition) -> None:
    """Requests of a caller whom IAM knows: right, wrong, broken, twice. What is refused is told without what was sent;
    what is answered of an entity is the caller's own."""
    handler, place = ApiHandler(shop.flow.runtime, meter=shop.meter), f"/entities/{definition.kind}/over-http"
    asked = [("PUT", place, shop.canaries.data(definition))]
    asked += [("POST", f"{place}/{t.trigger}", shop.canaries.payload(definition, t)) for t in definition.transitions]
    for number, (method, path, given) in enumerate(asked):
        sent = json.dumps(given)
        astray = json.dumps({name: wrong(value) for name, value in given.items()})
        bodies = [sent, sent[:-3], astray, f"[{sent}]", json.dumps({**given, "more": given}), sent]
        requests: list[tuple[str, dict[str, str]]] = [(body, {}) for body in bodies]
        for headers in ({"idempotency_key": f"{number}"}, {"if_match": '"99"'}):
            requests += [(sent, headers), (astray, headers)]
        for body, headers in requests:
            response = handler.handle(request(method, path, body, **headers))
            if response["statusCode"] >= 400:
                shop.errors.append(response["body"])
    for path in (place, f"{place}/history", f"/entities/{definition.kind}"):
        handler.handle(request("GET", path))


def shown_of_all(shop: Shop, definition: Definition) -> Iterator[tuple[str, str]]:
    """What the command line says of whole tables: what is lost and mended, built anew, and brought elsewhere."""
    folder = mkdtemp()
    yield run(shop, "reconcile", "--afresh")
    for name in sorted(definition.hooks & PROJECTIONS):
        shop.hooks.fail_again()
        yield run(shop, "rebuild", name)
    yield run(shop, "archive", folder)
    # Elsewhere one of them is there already, with another history.
    other = Shop(canaries=shop.canaries)
    assert other.ask(other.flow.create, definition.kind, "1", other.canaries.data(definition))
    for there in (shop, other):
        yield run(there, "hydrate", folder)


def shown(shop: Shop, definition: Definition, entity_id: str) -> Iterator[tuple[str, str]]:
    """What the command line says of an entity and its kind, as text and as JSON."""
    of_one = [(name, definition.kind, entity_id) for name in ("show", "history", "explain")]
    commands: list[tuple[str, ...]] = [
        *of_one,
        ("explain", definition.kind, entity_id, "--trace"),
        *(("list", definition.kind), ("parked", definition.kind), ("redrive", definition.kind, "--dry-run")),
        ("create", definition.kind, entity_id, "--data", json.dumps(shop.canaries.data(definition))),
        ("create", definition.kind, f"{entity_id}-by-hand", "--data", json.dumps(shop.canaries.data(definition))),
        ("skip", definition.kind, entity_id, "--reason", "by hand"),
        *(("verify",), ("stats", definition.kind), ("lanes", definition.kind), ("export", definition.kind, mkdtemp())),
    ]
    for transition in definition.transitions:
        payload = json.dumps(shop.canaries.payload(definition, transition))
        commands.append(("fire", definition.kind, entity_id, transition.trigger, "--payload", payload))
    yield from (run(shop, *command, *form) for command in commands for form in ((), ("--json",)))


def run(shop: Shop, *arguments: str) -> tuple[str, str]:
    """What a command wrote; it must not have failed by what nobody expected."""
    result = CliRunner().invoke(workflow, arguments, obj=lambda settings: shop.flow, env={"COLUMNS": "400"})
    assert result.exception is None or isinstance(result.exception, SystemExit), (arguments, result.exception)
    return " ".join(arguments[:3]), result.output


@pytest.fixture
def written() -> Iterator[list[str]]:
    """Every line that is logged, by anybody and of any level, as a function would write it."""
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonLines("shop").format(record))

    root, log, kept = logging.getLogger(), logging.getLogger("workflow"), Kept()
    levels = root.level, log.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    log.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(kept)
    root.setLevel(levels[0])
    log.setLevel(levels[1])


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture(scope="module")
def recorder() -> Iterator[AWSXRayRecorder]:
    """A recorder of the SDK's own; making one takes long."""
    recorder = AWSXRayRecorder()
    yield recorder
    recorder.emitter._socket.close()


def fail_at_everything(shop: Shop, definition: Definition) -> None:
    """All that may go wrong with a kind, in entities of its own, in webhooks and over HTTP."""
    for number in range(20):
        if not shop.has_gone(definition):
            live(shop, definition, str(number))
            damage(shop, definition, str(number))
    shop.settle(definition.kind)
    receive(shop, definition)
    ask_over_http(shop, definition)
    shop.run()


@pytest.mark.parametrize("type_name", FIELD_TYPES)
def test_a_value_is_made_for_a_sensitive_field_of_every_type(type_name: str) -> None:
    secret = Field("secret", type_name, sensitive=True)
    value = fit(secret, Canaries().value(secret), "secret")
    assert bool(found_in(str(value))) is (type_name != "boolean")


@pytest.mark.parametrize("kind", SHIPPED.kinds)
def test_a_life_in_which_everything_fails_tells_nothing(
    written: list[str], capsys: pytest.CaptureFixture[str], recorder: AWSXRayRecorder, kind: str
) -> None:
    definition = SHIPPED.find(kind)
    assert definition is not None
    with shipped_tracers(recorder) as sent:
        shop = Shop(tracer=sent.tracer)
        fail_at_everything(shop, definition)
    counted = capsys.readouterr().out
    assert definition.hooks <= shop.hooks.ran
    assert shop.hooks.quoted or not definition.hooks
    assert shop.hooks.given or not definition.hooks - PROJECTIONS
    assert leaks(written) == []
    assert leaks(counted.splitlines()) == []
    assert leaks(shop.errors) == []
    assert_traced(sent.to_xray())
    assert_traced(sent.to_opentelemetry())


def assert_traced(told: list[str]) -> None:
    """Many spans, and nothing in them."""
    assert len(told) >= 20
    assert leaks(told) == []


@pytest.mark.parametrize("kind", SHIPPED.kinds)
def test_only_what_hooks_raise_quotes_any_value_at_all(
    written: list[str], capsys: pytest.CaptureFixture[str], recorder: AWSXRayRecorder, kind: str
) -> None:
    # So here they raise without a word. What a caller is told of what he sent is between him and us.
    definition = SHIPPED.find(kind)
    assert definition is not None
    with shipped_tracers(recorder) as sent:
        # One tracer is told what the other is.
        shop = Shop(canaries=Canaries(everywhere=SHIPPED), tracer=OtelTracer(), hooks_quote=False)
        fail_at_everything(shop, definition)
    counted = capsys.readouterr().out
    assert definition.hooks <= shop.hooks.ran
    assert leaks(written) == []
    assert leaks(counted.splitlines()) == []
    assert_traced(sent.to_opentelemetry())


@pytest.mark.parametrize("kind", SHIPPED.kinds)
def test_the_command_line_shows_nothing_that_nobody_asked_to_reveal(shop: Shop, written: list[str], kind: str) -> None:
    definition = SHIPPED.find(kind)
    assert definition is not None
    live(shop, definition, "1")
    outputs = [*shown(shop, definition, "1"), *shown_of_all(shop, definition)]
    told = [(command, leaks(output.splitlines())) for command, output in outputs]
    assert [one for one in told if one[1]] == []
    assert leaks(written) == []
    assert found_in(run(shop, "show", kind, "1", "--reveal")[1])
