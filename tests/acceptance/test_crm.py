"""Contacts change by the hundred, and a CRM that takes many at once, and fails, is to know of every change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest

from demo.crm.crm_server import CrmServer, crm_server
from tests.acceptance.conftest import Deployed, eventually

MANY = 1000


@pytest.fixture(scope="module")
def server(deployed: Deployed) -> Iterator[CrmServer]:
    """A CRM on this machine, which the functions call."""
    with crm_server() as server:
        deployed.cloud.redeploy({"CrmUrl": server.url})
        yield server
        deployed.cloud.redeploy({"CrmUrl": ""})


@pytest.fixture
def crm(server: CrmServer) -> CrmServer:
    """The same, in good health, and with an empty list of calls."""
    server.calls.clear()
    return server


@contextmanager
def backlog(deployed: Deployed) -> Iterator[None]:
    """Nobody reads the stream meanwhile: what is written comes in full batches then, as it does where much changes."""
    with patch.object(deployed.cloud.pump, "_read", lambda shard: False):
        yield


def contacts(deployed: Deployed, name: str, count: int) -> list[str]:
    ids = [f"{name}-{number:03}" for number in range(count)]
    for one in ids:
        deployed.flow.create("contact", one, {"email": f"{one}@example.com", "name": "Ada"})
    return ids


def swept_until(deployed: Deployed, crm: CrmServer, versions: dict[str, int]) -> None:
    def is_known() -> bool:
        deployed.sweep()
        return all(crm.writes[one] and crm.versions(one)[-1] == version for one, version in versions.items())

    eventually(is_known)
    deployed.settle()


def statuses(deployed: Deployed, ids: list[str]) -> dict[str, list[str]]:
    return {one: [status for status, _ in deployed.effects("contact", one).values()] for one in ids}


def test_a_thousand_changes_of_a_thousand_contacts_take_a_fiftieth_of_the_calls(
    deployed: Deployed, crm: CrmServer
) -> None:
    with backlog(deployed):
        ids = contacts(deployed, "many", MANY)
    deployed.settle()
    assert [crm.versions(one) for one in ids] == [[1]] * MANY
    assert len(crm.calls) <= MANY / 50, crm.calls


def test_what_the_crm_refuses_of_one_contact_holds_up_nobody_else(deployed: Deployed, crm: CrmServer) -> None:
    crm.refuses.add("refused-001@example.com")
    ids = contacts(deployed, "refused", 5)
    deployed.settle()
    assert statuses(deployed, ids) == {one: ["parked" if one == "refused-001" else "done"] for one in ids}
    assert "CrmRefusedError: VALIDATION_ERROR: Property values" in deployed.why("contact", "refused-001")
    deployed.flow.fire("contact", "refused-001", "change", {"email": "right@example.com"})
    deployed.flow.operations.skip("contact", "refused-001", reason="the address was wrong; it is corrected")
    swept_until(deployed, crm, {"refused-001": 2})
    assert crm.writes["refused-001"][-1]["email"] == "right@example.com"


def test_a_record_that_spoils_whole_calls_is_found_and_the_others_are_written(
    deployed: Deployed, crm: CrmServer
) -> None:
    crm.chokes_on.add("spoils-007@example.com")
    with backlog(deployed):
        ids = contacts(deployed, "spoils", 20)
    deployed.settle()
    assert crm.calls[0] == (20, 400)
    assert statuses(deployed, ids) == {one: ["parked" if one == "spoils-007" else "done"] for one in ids}
    assert [crm.versions(one) for one in ids if one != "spoils-007"] == [[1]] * 19


def test_while_the_crm_is_down_contacts_wait_and_are_written_together_when_it_is_back(
    deployed: Deployed, crm: CrmServer
) -> None:
    crm.is_down = True
    ids = contacts(deployed, "down", 10)
    deployed.settle()
    assert {status for one in statuses(deployed, ids).values() for status in one} == {"failed"}
    for one in ids:
        deployed.flow.fire("contact", one, "opt_out")
    deployed.settle()
    crm.is_down = False
    swept_until(deployed, crm, dict.fromkeys(ids, 2))
    assert [crm.versions(one) for one in ids] == [[1, 2]] * 10
    assert {crm.writes[one][-1]["contactable"] for one in ids} == {"false"}


def test_a_call_whose_answer_was_lost_is_made_again_and_changes_nothing(deployed: Deployed, crm: CrmServer) -> None:
    crm.cuts = 1
    contacts(deployed, "lost", 1)
    deployed.settle()
    assert crm.versions("lost-000") == [1, 1]
    assert crm.writes["lost-000"][0] == crm.writes["lost-000"][1]
    assert deployed.effects("contact", "lost-000") == {"1 sync_contact": ("done", 2)}
