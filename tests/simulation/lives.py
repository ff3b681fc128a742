"""Fixed lives of an order, a job and a shipment, for faults at every point: all of the happy way, an effect that is
tried again, one that waits for a person and is redriven, and a timer where the kind has one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

from handlers.order import are_parcels
from handlers.repository import open_job
from tests.simulation.scenarios import SHIPPED
from workflow import Definitions, Effect, hook
from workflow.definition.definition import Definition
from workflow.errors import Refused
from workflow.runtime.hooks import HookFunction, Hooks
from workflow.testing.simulation import Command, Scenario

_TIMER_SECONDS = 150


class _NotNowError(Exception):
    """What a hook raises that comes round by itself."""


class _NeverError(Refused):
    """What a hook raises that waits for a person."""


def _stand_in(name: str, *, refused: bool = False, tried_again: bool = False) -> HookFunction:
    @hook(name=name)
    def stands_in(effect: Effect) -> None:
        if refused and effect.attempt == 1 and effect.version <= 4:
            raise _NeverError("no, and never")
        if tried_again and effect.version == 1 and effect.attempt <= 3:
            raise _NotNowError("come again")

    return stands_in


_REFUSED = ("send_receipt", "record_duration", "alert_shop")
_OTHERS = (
    *("record_line", "send_shipping_notice", "send_refund_notice", "notify_requester"),
    *("post_status", "start_build", "stop_build", "tell_customer"),
)


def _hooks(failing: Collection[str]) -> Hooks:
    refused = [_stand_in(name, refused=name in failing) for name in _REFUSED]
    others = [_stand_in(name, tried_again=name in failing) for name in _OTHERS]
    return Hooks([are_parcels, open_job, *refused, *others])


def _hurried(definition: Definition) -> Definition:
    """With all timers so short that a life is a few sweeps and not a hundred."""
    states = {
        name: replace(state, timers=tuple(replace(timer, after_seconds=_TIMER_SECONDS) for timer in state.timers))
        for name, state in definition.states.items()
    }
    return replace(definition, states=states)


_KINDS = ("order", "shipment", "job", "repository")
"""Those that are lived here; the other kinds are played with hooks of their own, as stories."""

_DEFINITIONS = Definitions(tuple(_hurried(definition) for definition in SHIPPED if definition.kind in _KINDS))


class Life(NamedTuple):
    """A fixed scenario, and its name."""

    name: str
    scenario: Scenario


def _life(name: str, *steps: tuple[float, Command], failing: Collection[str] = ()) -> Life:
    # A client for each step: one that crashes takes no other step with it.
    scripts = [[Command("wait", seconds=at), command] for at, command in steps]
    return Life(name, Scenario(_DEFINITIONS, _hooks(failing), scripts))


_ORDER = {"email": "a@b.c", "name": "A", "currency": "EUR", "total": 100, "lines": [{"sku": "s", "quantity": 1}]}
_PAYMENT = {"amount": 100, "payment": "p"}
_PARCELS = {"carrier": "DHL", "parcels": ["T1", "T2"]}


def _order(trigger: str, payload: dict[str, object] | None = None, request_id: str = "") -> Command:
    return Command("fire", "order", "42", trigger, payload or {}, request_id=request_id)


def _job(trigger: str, payload: dict[str, object] | None = None, request_id: str = "") -> Command:
    return Command("fire", "job", "7", trigger, payload or {}, request_id=request_id)


def _scan(status: str, hour: int, request_id: str = "", parcel: str = "T1") -> Command:
    scan: dict[str, object] = {"status": status, "at": f"2026-01-31T{hour:02}:00:00Z"}
    return Command("fire", "shipment", parcel, "scan", scan, request_id=request_id)


_LOG = {"attempt": 1, "log_url": "https://log"}
_COMMIT = {"repository": "r", "commit": "c", "requested_by": "a@b.c"}

LIVES = (
    _life(
        "order",
        (0, Command("create", "order", "42", payload=_ORDER, request_id="checkout")),
        (1, Command("create", "order", "never paid", payload=_ORDER)),
        (5, _order("pay", _PAYMENT, "stripe:1")),
        (6, _order("pack")),
        (7, _order("ship", _PARCELS)),
        (70, Command("redrive")),
        (130, _order("deliver")),
        (140, _order("refund", {"amount": 40}, "refund:1")),
        (141, _order("refund", {"amount": 60})),
        (190, Command("sweep")),
        failing=("send_receipt", "record_line"),
    ),
    _life(
        "job",
        (0, Command("create", "job", "7", payload=_COMMIT, request_id="push")),
        (10, _job("fail", {**_LOG, "exit_code": 1}, "runner:1")),
        (11, _job("retry")),
        (70, Command("redrive")),
        (190, _job("retry")),
        (200, _job("pass", {**_LOG, "attempt": 3}, "runner:3")),
        failing=("record_duration",),
    ),
    _life(
        "shipment",
        (0, Command("create", "order", "42", payload=_ORDER)),
        (1, _order("pay", _PAYMENT)),
        (2, _order("ship", _PARCELS)),
        (5, _scan("in_transit", 2, "tracker:1")),
        (6, _scan("pre_transit", 1)),
        (7, _scan("failure", 3)),
        (50, Command("redrive")),
        (70, _scan("delivered", 5, "tracker:5")),
        (70, _scan("delivered", 5, parcel="T2")),
        failing=("alert_shop",),
    ),
)

CORE = _life(
    "core",
    (0, Command("create", "order", "42", payload=_ORDER)),
    (1, _order("pay", _PAYMENT, "stripe:1")),
)
"""Create, one fire with a request id, delivery of its two hooks."""
