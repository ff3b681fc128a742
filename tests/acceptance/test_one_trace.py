"""A carrier reports that a parcel has arrived, a program asks for an order to be shipped: each is one trace, from the
request to the last that it caused."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from demo.shipment.carrier import SECRET, Scan, deliver, report
from demo.trace.functions import functions_traced
from demo.trace.pieces import Piece, in_order, pieces
from tests.acceptance.conftest import Deployed, an_order, eventually
from tests.fakes.xray_daemon import XrayDaemon

EMAIL, NAME = "canary-address@trace.example.com", "Canary Name"
SIGNED_BY = "CANARY SIGNATURE"
DELIVERED = Scan("delivered", "2026-11-20T10:57:00Z", "Delivered, Front Desk/Reception")


@pytest.fixture
def daemon(deployed: Deployed) -> Iterator[XrayDaemon]:
    with XrayDaemon() as daemon, functions_traced(deployed.cloud, daemon.address):
        yield daemon


def shipped(deployed: Deployed, order: str, parcel: str) -> None:
    """An order that has left, before anybody traces."""
    deployed.flow.create("order", order, {**an_order(EMAIL), "name": NAME})
    deployed.flow.fire("order", order, "pay", {"amount": "59.90", "payment": "pi_1"})
    deployed.flow.fire("order", order, "ship", {"carrier": "USPS", "parcels": [parcel]})
    deployed.settle()


def arrive(deployed: Deployed, parcel: str) -> None:
    content = report(parcel, [DELIVERED], signed_by=SIGNED_BY)
    assert deliver(f"{deployed.cloud.webhook_url}/easypost", deployed.cloud.get_secret(SECRET), content).status == 200
    deployed.settle()


def without_calls(found: list[Piece]) -> list[tuple[int, str, str]]:
    """Spans, each with how deep it lies, and the function it ran in."""
    return [(depth, piece.name, piece.service) for depth, piece in in_order(found) if piece.sort == "span"]


def the_trace(deployed: Deployed, daemon: XrayDaemon, order: str) -> list[Piece]:
    """All pieces of the trace that the order's last event keeps."""
    root = deployed.flow.get("order", order).trace.partition(";")[0].removeprefix("Root=")
    return [piece for piece in pieces(daemon.documents()) if piece.trace == root]


def attempts(deployed: Deployed, daemon: XrayDaemon) -> list[Piece]:
    """The runs of the hook that fails, in the trace of the order it belongs to."""
    return [piece for piece in the_trace(deployed, daemon, "red") if piece.name == "tell_customer"]


def canaries(daemon: XrayDaemon) -> list[str]:
    """What must not be in any document, and is."""
    text = json.dumps(daemon.documents())
    return [canary for canary in (EMAIL, NAME, SIGNED_BY) if canary in text]


def test_what_a_request_causes_is_one_trace_with_every_call_under_the_hook_that_made_it(
    deployed: Deployed, daemon: XrayDaemon
) -> None:
    deployed.verify_sender()
    shipped(deployed, "traced", "TRACE-1")
    arrive(deployed, "TRACE-1")
    eventually(lambda: len(without_calls(the_trace(deployed, daemon, "traced"))) >= 6)
    found = the_trace(deployed, daemon, "traced")

    webhook = deployed.cloud.stack.outputs["WebhookFunctionName"]
    stream = deployed.cloud.stack.function_name
    assert without_calls(found) == [
        (1, "webhook easypost", webhook),
        (2, "scan shipment", webhook),
        (4, "fire:order.parcel_delivered", stream),
        (5, "parcel_delivered order", stream),
        (7, "record_line", stream),
        (4, "tell_customer", stream),
    ]
    spans = {piece.name: piece for piece in found if piece.sort == "span"}
    calls = [(_name(spans, piece), piece.aws["operation"]) for piece in found if piece.sort == "aws"]
    assert set(calls) >= {
        ("scan shipment", "TransactWriteItems"),
        ("parcel_delivered order", "TransactWriteItems"),
        ("record_line", "PutItem"),
        ("tell_customer", "SendEmail"),
    }
    assert _id(spans["record_line"]) == {
        "kind": "order",
        "id": "traced",
        "version": 4,
        "state": "delivered",
        "trigger": "parcel_delivered",
        "hook": "record_line",
        "attempt": 1,
        "effects": 1,
    }
    # Lambda began the trace, and names it to whoever looks at the later invocations as well.
    assert "invocation" in spans["record_line"].notes
    assert "invocation" not in spans["webhook easypost"].notes
    assert canaries(daemon) == []


def test_a_request_for_an_entity_is_one_trace_with_the_transition_that_its_hook_makes(
    deployed: Deployed, daemon: XrayDaemon
) -> None:
    deployed.verify_sender()
    assert deployed.ask("PUT", "order/asked", {**an_order(EMAIL), "name": NAME}) == 201
    assert deployed.ask("POST", "order/asked/pay", {"amount": "59.90", "payment": "pi_1"}) == 200
    deployed.settle()
    assert deployed.ask("POST", "order/asked/ship", {"carrier": "USPS", "parcels": ["ASKED-1"]}) == 200
    deployed.settle()
    eventually(lambda: len(without_calls(the_trace(deployed, daemon, "asked"))) >= 6)
    found = the_trace(deployed, daemon, "asked")

    api, stream = deployed.cloud.stack.outputs["ApiFunctionName"], deployed.cloud.stack.function_name
    assert without_calls(found) == [
        (1, "api POST", api),
        (2, "ship order", api),
        (4, "fire:shipment.create", stream),
        (5, "create shipment", stream),
        (4, "send_shipping_notice", stream),
        (4, "record_line", stream),
    ]
    traces = [deployed.flow.get(*entity).trace for entity in (("order", "asked"), ("shipment", "ASKED-1"))]
    assert {trace.partition(";")[0] for trace in traces} == {f"Root={found[0].trace}"}
    assert canaries(daemon) == []


def test_a_hook_that_fails_is_red_in_the_trace_and_its_next_attempt_is_not(
    deployed: Deployed, daemon: XrayDaemon
) -> None:
    shipped(deployed, "red", "RED-1")
    deployed.forget_sender()
    arrive(deployed, "RED-1")
    deployed.verify_sender()
    deployed.flow.operations.redrive("shipment", "RED-1")
    eventually(lambda: bool(deployed.sweep()))
    eventually(lambda: len(attempts(deployed, daemon)) >= 2)
    tries = attempts(deployed, daemon)

    assert [piece.is_failed for piece in tries] == [True, False]
    (error,) = tries[0].errors
    assert error.startswith("MailRefusedError: MailRefusedError: ")
    assert canaries(daemon) == []


def _name(spans: dict[str, Piece], call: Piece) -> str:
    return next((piece.name for piece in spans.values() if piece.id == call.parent), "?")


def _id(piece: Piece) -> dict[str, object]:
    return {name: value for name, value in piece.notes.items() if name != "invocation"}
