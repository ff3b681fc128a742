"""Contacts and the CRM: many in one call, and what the CRM says of one is said of that one."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import handlers.contact
from demo.crm.crm_server import CrmServer, crm_server
from handlers import parameters
from handlers.crm import CrmNotReachedError, CrmRefusedError, Record, upsert
from tests.shipped import REPOSITORY
from tests.unit.handlers.servers import Answered, Asked, serve
from workflow import Definitions, Workflow
from workflow.definition.load import load_definitions
from workflow.testing import MemoryDelivery, MemoryStore

TOKEN = "pat-secret"


def record(contact: str, email: str = "") -> Record:
    return Record(contact, {"email": email or f"{contact}@example.com", "source_version": "1"})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[CrmServer]:
    with crm_server(TOKEN) as server:
        monkeypatch.setenv("CRM_URL", f"{server.url}/")
        monkeypatch.setenv("CRM_TOKEN", f"{TOKEN}\n")
        yield server


@pytest.fixture
def flow(server: CrmServer) -> Workflow:
    contact = next(d for d in load_definitions(REPOSITORY / "definitions") if d.kind == "contact")
    return Workflow(Definitions((contact,)), MemoryStore(), handlers=[handlers.contact])


def statuses(flow: Workflow, contact: str) -> list[str]:
    return [o.status for entry in flow.effects("contact", contact) for o in entry.outcomes.values()]


def test_every_change_of_a_contact_is_written_in_order(flow: Workflow, server: CrmServer) -> None:
    flow.create("contact", "7", {"email": "ada@example.com", "name": "Ada"})
    flow.fire("contact", "7", "change", {"phone": "+44 20"})
    flow.fire("contact", "7", "opt_out")
    MemoryDelivery(flow).run()
    plain = {"email": "ada@example.com", "name": "Ada", "phone": "", "contactable": "true", "source_version": "1"}
    assert server.writes["7"] == [
        plain,
        {**plain, "phone": "+44 20", "source_version": "2"},
        {**plain, "phone": "+44 20", "contactable": "false", "source_version": "3"},
    ]


def test_contacts_that_change_at_once_are_written_in_one_call(flow: Workflow, server: CrmServer) -> None:
    for number in range(150):
        flow.create("contact", str(number), {"email": f"{number}@example.com", "name": "Ada"})
    MemoryDelivery(flow).run()
    assert sum(size for size, _ in server.calls) == 150
    assert len(server.calls) <= 3


def test_what_is_refused_by_name_parks_that_contact_alone(flow: Workflow, server: CrmServer) -> None:
    server.refuses.add("2@example.com")
    for contact in "123":
        flow.create("contact", contact, {"email": f"{contact}@example.com", "name": "Ada"})
    MemoryDelivery(flow).run()
    assert [statuses(flow, contact) for contact in "123"] == [["done"], ["parked"], ["done"]]
    assert server.calls == [(3, 207)]


def test_a_record_that_spoils_the_call_is_found(flow: Workflow, server: CrmServer) -> None:
    server.chokes_on.add("2@example.com")
    for contact in "123":
        flow.create("contact", contact, {"email": f"{contact}@example.com", "name": "Ada"})
    MemoryDelivery(flow).run()
    assert [statuses(flow, contact) for contact in "123"] == [["done"], ["parked"], ["done"]]
    assert sorted(server.calls) == [(1, 200), (1, 200), (1, 400), (3, 400)]


def test_a_crm_that_turns_calls_away_gets_no_more_of_them_than_before(flow: Workflow, server: CrmServer) -> None:
    server.busy = 2
    for contact in "123":
        flow.create("contact", contact, {"email": f"{contact}@example.com", "name": "Ada"})
    MemoryDelivery(flow).run()
    assert [statuses(flow, contact) for contact in "123"] == [["done"]] * 3
    assert server.calls == [(3, 429), (3, 429), (3, 200)]


@pytest.mark.parametrize(
    ("answer", "error", "told"),
    [
        (Answered(400, {"message": "Invalid input"}), CrmRefusedError, "400 Invalid input"),
        (Answered(409, {"message": "Contact already exists"}), CrmRefusedError, "409 Contact already exists"),
        (Answered(413, "no map"), CrmRefusedError, "413 "),
        (Answered(422, {"message": "x" * 500}), CrmRefusedError, f"422 {'x' * 200}"),
        (Answered(401, {"message": "no token"}), CrmNotReachedError, "401 no token"),
        (Answered(404, {}), CrmNotReachedError, "404 "),
        (Answered(301, {}, {"Location": "https://elsewhere.example.com/"}), CrmNotReachedError, "301 "),
        (Answered(429, {"message": "slower"}, {"Retry-After": "60"}), CrmNotReachedError, "429 slower"),
        (Answered(503, "<html>"), CrmNotReachedError, "503 "),
        (Answered(0), CrmNotReachedError, "ProtocolError"),
        (Answered(200, "<html>"), CrmNotReachedError, "nobody can read what the CRM answered: AttributeError"),
        (Answered(200, []), CrmNotReachedError, "nobody can read what the CRM answered: AttributeError"),
        (Answered(200, {}), CrmNotReachedError, "nobody can read what the CRM answered: KeyError"),
        (Answered(200, {"results": 5}), CrmNotReachedError, "nobody can read what the CRM answered: TypeError"),
        (Answered(200, {"results": []}), CrmNotReachedError, "the CRM's answer says nothing of 2 of 2 records"),
        (
            Answered(207, {"results": [], "errors": [{"category": "X"}]}),
            CrmNotReachedError,
            "nobody can read what the CRM answered: KeyError",
        ),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Answered) else "",
)
def test_what_the_crm_says_of_a_call_is_told_without_the_token(
    monkeypatch: pytest.MonkeyPatch, answer: Answered, error: type[Exception], told: str
) -> None:
    monkeypatch.setenv("CRM_TOKEN", TOKEN)
    with serve(lambda asked: answer) as url:
        monkeypatch.setenv("CRM_URL", url)
        with pytest.raises(error) as raised:
            upsert([record("1"), record("2")])
    assert str(raised.value).endswith(told)
    assert TOKEN not in str(raised.value)


def test_a_call_holds_what_hubspot_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Asked] = []

    def answer(one: Asked) -> Answered:
        asked.append(one)
        return Answered(200, {"results": [{"properties": {"contact_id": "1"}}]})

    monkeypatch.delenv("CRM_TOKEN", raising=False)
    with serve(answer) as url:
        monkeypatch.setenv("CRM_URL", url)
        assert upsert([record("1")]) == {}
    (call,) = asked
    assert (call.method, call.path) == ("POST", "/crm/v3/objects/contacts/batch/upsert")
    assert "authorization" not in call.headers
    properties = {"email": "1@example.com", "source_version": "1"}
    assert json.loads(call.body) == {"inputs": [{"idProperty": "contact_id", "id": "1", "properties": properties}]}


def test_what_is_no_token_is_not_quoted(monkeypatch: pytest.MonkeyPatch, server: CrmServer) -> None:
    monkeypatch.setenv("CRM_TOKEN", "pat\nsecret")
    with pytest.raises(CrmNotReachedError, match=r"^CRM_TOKEN is no token: .* no header takes$"):
        upsert([record("1")])
    assert server.calls == []


def test_without_an_address_nothing_is_called(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("CRM_URL", raising=False)
    with caplog.at_level(logging.DEBUG, "handlers.crm"):
        assert upsert([record("1")]) == {}
    assert caplog.messages == ["CRM_URL is not set: 1 contacts are not brought to the CRM"]


def test_the_token_may_come_from_the_parameter_store(monkeypatch: pytest.MonkeyPatch, server: CrmServer) -> None:
    class Parameters:
        def get_parameter(self, **request: Any) -> dict[str, object]:
            assert request == {"Name": "/hooks/crm", "WithDecryption": True}
            return {"Parameter": {"Value": TOKEN}}

    client: Callable[[str], Parameters] = lambda service: Parameters()  # noqa: E731
    monkeypatch.delenv("CRM_TOKEN")
    monkeypatch.setenv("CRM_TOKEN_NAME", "/hooks/crm")
    monkeypatch.setattr(parameters, "_kept", {})
    monkeypatch.setattr(parameters, "client", client)
    assert upsert([record("1")]) == {}
    assert server.calls == [(1, 200)]


def test_no_address_of_any_contact_of_a_call_gets_into_an_error(flow: Workflow, server: CrmServer) -> None:
    def quote(path: str, token: str, body: bytes) -> tuple[int, dict[str, Any]]:
        emails = [one["properties"]["email"] for one in json.loads(body)["inputs"]]
        return 400, {"message": f"one of {', '.join(emails)} is not valid"}

    server.answer = quote  # type: ignore[method-assign]
    for contact in "12":
        flow.create("contact", contact, {"email": f"canary-{contact}@example.com", "name": "Ada"})
    MemoryDelivery(flow).run()
    entries = [repr(flow.effects("contact", contact)) for contact in "12"]
    assert "one of [hidden], [hidden] is not valid" in entries[0]
    assert "canary" not in "".join(entries)
