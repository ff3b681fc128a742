"""Payments: reports in any order and twice, and a history of them for the customer that can be made again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

import handlers.mail
import handlers.payment
from tests.simulation.stories.in_place import put_in_place
from workflow import Definitions
from workflow.definition.load import load_definitions
from workflow.engine.events import fold
from workflow.runtime.hooks import Hooks
from workflow.runtime.rebuild import rebuild
from workflow.runtime.records import EntityRecords
from workflow.runtime.runtime import Runtime
from workflow.testing import MemoryClock, MemoryStore
from workflow.testing.simulation import Scenario

_DEFINITIONS = Definitions(
    tuple(d for d in load_definitions(Path(__file__).parents[3] / "definitions") if d.kind == "payment")
)
_HOOKS = Hooks([handlers.payment])
_FAILS_EVERY = 9
_ENVIRONMENT = {"PAYMENT_HISTORY_TABLE": "payments", "MAIL_FROM": "shop@example.com", "SMTP_URL": ""}
_Items = dict[tuple[str, str], dict[str, Any]]


class _World:
    """The table of the history, and the mail service."""

    def __init__(self) -> None:
        self.items: _Items = {}
        self._puts = self._fails_every = 0

    def begin(self, fails_every: int = _FAILS_EVERY) -> None:
        """Forgets all; now and then a write is not taken."""
        self.items, self._puts, self._fails_every = {}, 0, fails_every

    def put_item(self, *, TableName: str, Item: dict[str, Any], **condition: Any) -> None:  # noqa: N803 - boto3's names
        self._puts += 1
        if self._fails_every and self._puts % self._fails_every == 0:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slower"}}, "PutItem")
        key = Item["email"]["S"], Item["line"]["S"]
        stands = self.items.get(key)
        if condition and stands and int(stands["version"]["N"]) > int(Item["version"]["N"]):
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}}, "PutItem")
        self.items[key] = Item

    def send_email(self, **mail: Any) -> None:
        """Takes every mail."""

    def client(self, service: str) -> _World:
        return self


class _Payments:
    def __init__(self) -> None:
        self.world = _World()

    def begin(self) -> None:
        """Begins anew, with the world in place of AWS."""
        os.environ.update(_ENVIRONMENT)
        for module in (handlers.payment, handlers.mail):
            put_in_place(module, client=self.world.client)
        self.world.begin()

    def check(self, kept: Sequence[EntityRecords]) -> None:
        """No money is lost; the customer sees what the history says; a table made again is the same."""
        for found in kept:
            _check_money(found)
        expected = {found.entity_id: _model(found) for found in kept}
        for found in kept:
            _check_lines(found, expected[found.entity_id], self._of(found.entity_id))
        self.world.begin(fails_every=0)
        runtime = Runtime(_DEFINITIONS, _HOOKS, (store := MemoryStore()), store.ledger, MemoryClock())
        rebuilt = rebuild(runtime, _Kept(kept), "payment_history", workers=1)  # type: ignore[arg-type]
        assert rebuilt.entities == len(kept), f"not rebuilt: {rebuilt.told}"
        for entity_id, model in expected.items():
            assert self._of(entity_id) == model, f"rebuilt, the history of {entity_id} is another one"

    def _of(self, payment: str) -> _Items:
        return {key: item for key, item in self.world.items.items() if item["payment"]["S"] == payment}


class _Kept:
    """As much of Records as a rebuild asks for."""

    def __init__(self, kept: Sequence[EntityRecords]) -> None:
        self._kept = kept

    def all(self, share: int, shares: int) -> Iterator[EntityRecords]:
        return iter(self._kept if share == 0 else ())


def _check_money(found: EntityRecords) -> None:
    """Against what was reported, and not against what the definition makes of it."""
    first, reported = fold(found.events[:1]), {"captured": 0, "refunded": 0}
    assert first is not None
    if not _fits(first.data):
        # Who creates a payment may give it any sums; the shop gives none.
        return
    for number, event in enumerate(found.events, 1):
        entity = fold(found.events[:number])
        assert entity is not None
        data = entity.data
        assert _fits(data), f"{entity!r} gave back what it had not"
        for name in reported:
            if event.trigger in ("capture", "refund") and isinstance(value := event.payload.get(name), int):
                reported[name] = max(reported[name], value)
            assert data[name] >= reported[name], f"{entity!r} has lost money that was {name}"


def _fits(data: Mapping[str, Any]) -> bool:
    return bool(0 <= data["refunded"] <= data["captured"] <= data["amount"])


def _check_lines(found: EntityRecords, expected: _Items, shown: _Items) -> None:
    """Each line is as it should be; only what a person skipped may be missing."""
    skipped = {e.version for e in found.entries if e.outcomes["payment_history"].status == "skipped"}
    for key, item in shown.items():
        if "step" in item:
            assert item == expected[key], f"{found.entity_id}: the line {key[1]} is wrong"
    missing = {int(item["version"]["N"]) for key, item in expected.items() if key not in shown and "step" in item}
    assert missing <= skipped, f"{found.entity_id}: the steps {sorted(missing - skipped)} are missing"
    standing = [item for item in shown.values() if "step" not in item]
    done = [event.version for event in found.events if event.version not in skipped]
    assert not done or int(standing[0]["version"]["N"]) >= done[-1], f"{found.entity_id} is shown as it stood before"


def _model(found: EntityRecords) -> _Items:
    """What the customer should see: read off the history, by other code than that of the projection."""
    lines: _Items = {}
    for number, event in enumerate(found.events, 1):
        entity = fold(found.events[:number])
        assert entity is not None
        for line in _lines(entity.data, entity.state, event.trigger, event.payload, number, found.entity_id):
            lines[line["email"]["S"], line["line"]["S"]] = line
    return lines


def _lines(
    data: Mapping[str, Any], state: str, trigger: str, payload: Mapping[str, Any], version: int, id: str
) -> Iterator[dict[str, Any]]:
    base = {
        "email": {"S": data["email"]},
        "payment": {"S": id},
        "state": {"S": state},
        "version": {"N": f"{version}"},
        "currency": {"S": data["currency"]},
    }
    name = f"{data['order']}#{id}"
    at = 0 if trigger == "create" else payload["at"]
    of = {"create": "amount", "authorise": "authorised", "capture": "captured", "refund": "refunded"}
    told = payload.get({**of, "dispute": "disputed"}.get(trigger, ""))
    amount = {} if told is None else {"amount": {"N": f"{told}"}}
    line = {"S": "%s#%012d#%06d" % (name, at, version)}  # noqa: UP031
    yield {**base, **amount, "line": line, "step": {"S": trigger}, "at": {"N": f"{at}"}}
    sums = {of: {"N": f"{data[of]}"} for of in ("amount", "authorised", "captured", "refunded")}
    yield {**base, **sums, "line": {"S": name}}


def scenario() -> Scenario:
    """The shipped payments, for customers whose table is not always taken to."""
    payments = _Payments()
    return Scenario(_DEFINITIONS, _HOOKS, before_each=payments.begin, check_records=payments.check)
