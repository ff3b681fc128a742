"""Parcels: scans in any order, twice and late, and orders that arrive when the last of their parcels does."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import handlers.order
import handlers.shipment
from tests.simulation.stories.in_place import put_in_place
from workflow import Definitions, Effect, hook
from workflow.definition.definition import Definition, HookUse
from workflow.definition.load import load_definitions
from workflow.runtime.hooks import Hooks
from workflow.testing.simulation import Command, Scenario

_SHIPPED = load_definitions(Path(__file__).parents[3] / "definitions")
_ORDERS = {"one": ("A", "B", "C"), "two": ("D",), "three": ("E",)}
_BACK = "E"
"""The parcel that is sent back."""

_MILESTONES = ("out_for_delivery", "exception", "going_back", "delivered")
_MOVES = {
    "in_transit": "on_the_way",
    "out_for_delivery": "out_for_delivery",
    "failure": "exception",
    "return_to_sender": "going_back",
    "delivered": "delivered",
}
"""Where a scan puts a parcel that has not arrived; every other word leaves it where it is."""

_ALONG = ("expected", *_MOVES.values())
"""Of two scans of one time, the one that leads further along this counts."""

_SCANS = (
    *((0, "pre_transit"), (1, "in_transit"), (2, "out_for_delivery"), (3, "failure"), (4, "eaten_by_dog")),
    *((5, "out_for_delivery"), (5, "in_transit"), (6, "delivered"), (7, "in_transit")),
)
"""The scans of a parcel and their hours, two of them the same; carriers report them in whatever order."""

_ALL_AT_ONCE = 300
"""After so many seconds all scans come; the orders were shipped by then, mostly."""


class _Step(NamedTuple):
    """One event of a shipment or order, and what it made of it."""

    payload: Mapping[str, object]
    source: str
    target: str
    before: Mapping[str, object]
    after: Mapping[str, object]


class _Witness:
    """What hooks saw: every event, and every mail by the key that it carries."""

    def __init__(self) -> None:
        self.steps: dict[tuple[str, str], dict[int, _Step]] = defaultdict(dict)
        self.mails: dict[str, set[str]] = defaultdict(set)
        self.asked = 0

    def forget(self) -> None:
        """Begins anew."""
        self.steps.clear()
        self.mails.clear()
        self.asked = 0

    def watch(self, effect: Effect) -> None:
        """Keeps what the event did."""
        before = effect.before
        source, earlier = (before.state, before.data) if before else ("", {})
        step = _Step(effect.event.payload, source, effect.entity.state, earlier, effect.entity.data)
        self.steps[effect.kind, effect.id][effect.version] = step

    def take(self, to: str, subject: str, text: str, *, key: str) -> None:
        """Stands for `send_mail`; now and then it does not answer, whether it took the mail or not."""
        self.asked += 1
        if self.asked % 7 == 3:
            raise ConnectionError("it is down")
        self.mails[key].add(subject)
        if self.asked % 7 == 5:
            raise TimeoutError("nobody knows whether it took it")

    def check(self) -> None:
        """The rules of the story, at rest."""
        for (kind, id), steps in list(self.steps.items()):
            in_order = [steps[version] for version in sorted(steps)]
            assert sorted(steps) == list(range(1, len(steps) + 1)), f"{kind} {id}: not every event was seen: {steps}"
            if kind == "shipment":
                self._check_parcel(id, in_order[1:])
            else:
                self._check_order(id, in_order)

    def _check_parcel(self, id: str, scans: list[_Step]) -> None:
        for scan in scans:
            moved = scan.before != scan.after or scan.source != scan.target
            if scan.before.get("at") and moved:
                assert str(scan.after["at"]) >= str(scan.before["at"]), f"{id} moved backwards: {scan}"
            assert scan.target == _leads(scan), f"{id}: {scan}"
        reached = {scan.target for scan in scans} & set(_MILESTONES)
        told = [
            subject
            for key, subjects in self.mails.items()
            for subject in subjects
            if key.startswith(f"shipment#{id}#") and key.endswith("tell_customer")
        ]
        assert len(told) == len(set(told)) == len(reached), f"{id} came to {sorted(reached)}, its customer heard {told}"

    def _check_order(self, id: str, steps: list[_Step]) -> None:
        arrivals = [step for step in steps if step.target == "delivered" != step.source]
        arrived = {parcel for parcel in _ORDERS[id] if self._has_arrived(parcel)}
        states = [step.target for step in steps]
        for step in arrivals:
            assert sorted(step.after["arrived"]) == sorted(_ORDERS[id]), f"{id} arrived without its parcels: {step}"
        assert len(arrivals) <= 1, f"{id} arrived twice: {states}"
        assert len(arrivals) == 0 or len(arrived) == len(_ORDERS[id]), f"{id} arrived before {arrived} were all"
        if len(arrived) == len(_ORDERS[id]) and "returned" not in states:
            assert arrivals, f"all parcels of {id} have arrived, and it has not: {states}"

    def _has_arrived(self, parcel: str) -> bool:
        return any(step.target == "delivered" for step in self.steps["shipment", parcel].values())


def _leads(scan: _Step) -> str:
    """Where the scan has to lead."""
    to = _MOVES.get(str(scan.payload["status"]), scan.source)
    if scan.source in ("going_back", "delivered"):
        return scan.source
    at, known = str(scan.payload["at"]), str(scan.before.get("at", ""))
    is_forward = _ALONG.index(to) >= _ALONG.index(scan.source)
    return to if at > known or (at == known and is_forward) or to == "going_back" else scan.source


def scenario() -> Scenario:
    """The shipped kinds with their own hooks, a mail service of its own, and somebody who sees every event."""
    witness = _Witness()
    own = (
        *(handlers.order.send_receipt, handlers.order.send_shipping_notice, handlers.order.send_refund_notice),
        *(handlers.shipment.tell_customer, handlers.shipment.alert_shop),
    )
    record_line, watch = hook(name="record_line")(lambda effect: None), hook(name="watch")(lambda e: witness.watch(e))
    hooks = Hooks([handlers.order.are_parcels, record_line, watch, *own])

    def begin() -> None:
        os.environ["MAIL_FROM"] = "shop@example.com"
        for module in (handlers.order, handlers.shipment):
            put_in_place(module, send_mail=witness.take)
        witness.forget()

    kinds = [_SHIPPED.find(kind) for kind in ("order", "shipment")]
    definitions = Definitions(tuple(_watched(kind) for kind in kinds if kind is not None))
    return Scenario(definitions, hooks, list(_scripts()), before_each=begin, check=witness.check)


def _watched(definition: Definition) -> Definition:
    """With one more effect for each event."""
    use = HookUse("watch")
    initial = definition.states[definition.initial]
    created = replace(initial, on_enter=(*initial.on_enter, use))
    return replace(
        definition,
        states={**definition.states, definition.initial: created},
        transitions=tuple(replace(one, effects=(use, *one.effects)) for one in definition.transitions),
    )


def _scripts() -> Iterator[list[Command]]:
    """A client for each request: all scans come at one moment, in the order that fate has, and each of them again."""
    for id, parcels in _ORDERS.items():
        yield list(_until_shipped(id, parcels))
        # Whoever was cut off asks again.
        yield [Command("wait", seconds=60), *_until_shipped(id, parcels)]
        for parcel in parcels:
            back = ((4, "return_to_sender"),) if parcel == _BACK else ()
            for hour, status in (*_SCANS, *back):
                scan: dict[str, object] = {"status": status, "at": f"2026-01-31T{hour:02}:00:00Z"}
                request_id = f"easypost:{parcel}-{hour}-{status}"
                asked = Command("fire", "shipment", parcel, "scan", scan, request_id=request_id)
                for seconds in (_ALL_AT_ONCE, _ALL_AT_ONCE + hour % 4 * 60) if hour % 2 else (_ALL_AT_ONCE,):
                    yield [Command("wait", seconds=seconds), asked]
                if status == "delivered":
                    yield [Command("wait", seconds=_ALL_AT_ONCE + 900), asked]
                    yield [Command("wait", seconds=_ALL_AT_ONCE + 9000), asked]
    yield [Command("wait", seconds=_ALL_AT_ONCE), Command("fire", "order", "two", "return", {"reason": "refused"})]


def _until_shipped(id: str, parcels: tuple[str, ...]) -> Iterator[Command]:
    order = {"email": "a@b.c", "name": "A", "currency": "EUR", "total": 1, "lines": [{"sku": "s", "quantity": 1}]}
    steps: tuple[tuple[str, dict[str, object]], ...] = (
        ("pay", {"amount": 1, "payment": "p"}),
        ("ship", {"carrier": "DHL", "parcels": list(parcels)}),
    )
    yield Command("create", "order", id, payload=dict(order), request_id=f"{id} create")
    for trigger, payload in steps:
        yield Command("fire", "order", id, trigger, payload, request_id=f"{id} {trigger}")
