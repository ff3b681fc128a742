"""An invoice: what is paid and what is corrected is more than nothing."""

from __future__ import annotations

import pytest

from tests.shipped import REPOSITORY
from workflow import Workflow
from workflow.errors import GuardError
from workflow.testing import MemoryPublisher, MemoryStore


@pytest.fixture
def flow() -> Workflow:
    return Workflow(REPOSITORY / "definitions", MemoryStore(), hooks_required=False, publisher=MemoryPublisher())


def issue(flow: Workflow, amount: str) -> None:
    flow.create("invoice", "1", {"customer": "c-1", "email": "a@b.c", "currency": "EUR", "amount": amount})


@pytest.mark.parametrize("amount", ["0", "-5"])
def test_an_invoice_is_not_corrected_to_nothing_or_less(flow: Workflow, amount: str) -> None:
    issue(flow, "120.50")
    with pytest.raises(GuardError):
        flow.fire("invoice", "1", "correct", {"amount": amount})
    flow.fire("invoice", "1", "correct", {"amount": "0.01"})
    assert str(flow.get("invoice", "1").data["amount"]) == "0.01"


@pytest.mark.parametrize(("amount", "paid"), [("0", "0"), ("-5", "0"), ("-5", "-5"), ("120.50", "120.49")])
def test_an_invoice_is_not_paid_with_nothing_or_with_too_little(flow: Workflow, amount: str, paid: str) -> None:
    issue(flow, amount)
    with pytest.raises(GuardError):
        flow.fire("invoice", "1", "pay", {"amount": paid})
    assert flow.get("invoice", "1").state == "issued"


@pytest.mark.parametrize("paid", ["120.50", "121"])
def test_an_invoice_is_paid_with_all_of_it_or_more(flow: Workflow, paid: str) -> None:
    issue(flow, "120.50")
    assert flow.fire("invoice", "1", "pay", {"amount": paid}).entity.state == "paid"
