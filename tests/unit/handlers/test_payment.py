"""A payment as its provider reports it: in any order, again and again, and never a cent lost or given back twice."""

from __future__ import annotations

import random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from handlers import clients
from tests.fakes.clock import FakeClock
from tests.shipped import HANDLERS, REPOSITORY
from tests.unit.handlers.conftest import FakeMailService
from workflow import Workflow
from workflow.definition.load import load_definitions
from workflow.errors import GuardError, PayloadError, TransitionError
from workflow.testing import MemoryDelivery, MemoryStore

PAYMENT = {"email": "ada@example.com", "order": "42", "currency": "eur", "amount": 5990}
DEFINITIONS = load_definitions(REPOSITORY / "definitions")


class FakeHistory:
    """A table that knows the one condition that the projection gives."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.puts = 0
        self.turned_back: list[str] = []

    def put_item(self, *, TableName: str, Item: dict[str, Any], **condition: Any) -> None:  # noqa: N803 - boto3's names
        self.puts += 1
        key = Item["email"]["S"], Item["line"]["S"]
        if condition:
            assert condition["ConditionExpression"] == "attribute_not_exists(version) OR version <= :version"
            limit = int(condition["ExpressionAttributeValues"][":version"]["N"])
            if key in self.items and int(self.items[key]["version"]["N"]) > limit:
                raise ClientError({"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}}, "PutItem")
        if key in self.items and int(self.items[key]["version"]["N"]) > int(Item["version"]["N"]):
            self.turned_back.append(key[1])
        self.items[key] = Item

    def lines(self) -> list[tuple[str, ...]]:
        """Step, amount and state of each line, as the customer sees them."""
        found = [item for _, item in sorted(self.items.items()) if "step" in item]
        return [(i["step"]["S"], i.get("amount", {}).get("N", ""), i["state"]["S"]) for i in found]


class Till:
    """Payments in memory, with the projection's table and a mailbox."""

    def __init__(self, history: FakeHistory, mails: FakeMailService) -> None:
        self.history, self.mails = history, mails
        self.flow = Workflow(DEFINITIONS, MemoryStore(), handlers=HANDLERS, clock=FakeClock())
        self.flow.create("payment", "pi_1", PAYMENT)

    def report(self, *reports: tuple[str, dict[str, object]]) -> Till:
        for number, (trigger, payload) in enumerate(reports, 1):
            self.flow.fire("payment", "pi_1", trigger, {"at": 100 + number, **payload})
        return self

    def deliver(self) -> Till:
        assert MemoryDelivery(self.flow).run().failed == []
        return self

    def stands(self, id: str = "pi_1") -> tuple[str, int, int, int]:
        """State, and what was authorised, captured and refunded."""
        payment = self.flow.get("payment", id)
        return payment.state, payment.data["authorised"], payment.data["captured"], payment.data["refunded"]

    def subjects(self) -> list[tuple[str, str]]:
        return [
            (m["Destination"]["ToAddresses"][0], m["Content"]["Simple"]["Subject"]["Data"]) for m in self.mails.sent
        ]

    def texts(self) -> list[str]:
        texts = [m["Content"]["Simple"]["Body"]["Text"]["Data"] for m in self.mails.sent]
        return [text.partition("\n\nReference")[0] for text in texts]


@pytest.fixture
def till(monkeypatch: pytest.MonkeyPatch) -> Till:
    history, mails = FakeHistory(), FakeMailService()
    monkeypatch.setattr(clients, "_clients", {"dynamodb": history, "sesv2": mails})
    monkeypatch.setenv("PAYMENT_HISTORY_TABLE", "payments")
    monkeypatch.setenv("MAIL_FROM", "shop@example.com")
    monkeypatch.delenv("SMTP_URL", raising=False)
    return Till(history, mails)


AUTHORISED = ("authorise", {"authorised": 5990})
CAPTURED = ("capture", {"captured": 5990})
PARTLY = ("refund", {"refunded": 990, "captured": 5990})
WHOLLY = ("refund", {"refunded": 5990, "captured": 5990})
DECLINED = ("decline", {"reason": "card_declined"})
DISPUTED = ("dispute", {"dispute": "dp_1", "disputed": 5000})
WON = ("close_dispute", {"dispute": "dp_1", "outcome": "won"})
LOST = ("close_dispute", {"dispute": "dp_1", "outcome": "lost"})
DISPUTED_AGAIN = ("dispute", {"dispute": "dp_2", "disputed": 990})
DISPUTED_THIRD = ("dispute", {"dispute": "dp_3", "disputed": 990})
WON_AGAIN = ("close_dispute", {"dispute": "dp_2", "outcome": "won"})
LOST_AGAIN = ("close_dispute", {"dispute": "dp_2", "outcome": "lost"})
CANCELLED = ("cancel", {})


def test_from_the_first_report_to_the_last_each_step_is_a_line_of_the_history(till: Till) -> None:
    till.report(DECLINED, AUTHORISED, CAPTURED, PARTLY, WHOLLY).deliver()
    assert till.stands() == ("refunded", 5990, 5990, 5990)
    assert till.history.lines() == [
        ("create", "5990", "expected"),
        ("decline", "", "declined"),
        ("authorise", "5990", "authorised"),
        ("capture", "5990", "captured"),
        ("refund", "990", "partly_refunded"),
        ("refund", "5990", "refunded"),
    ]
    assert till.history.items["ada@example.com", "42#pi_1"] == {
        "email": {"S": "ada@example.com"},
        "line": {"S": "42#pi_1"},
        "payment": {"S": "pi_1"},
        "state": {"S": "refunded"},
        "version": {"N": "6"},
        "currency": {"S": "eur"},
        "amount": {"N": "5990"},
        "authorised": {"N": "5990"},
        "captured": {"N": "5990"},
        "refunded": {"N": "5990"},
    }


def test_a_report_that_comes_late_stands_where_it_belongs_and_turns_nothing_back(till: Till) -> None:
    till.flow.fire("payment", "pi_1", "refund", {"refunded": 990, "captured": 5990, "at": 30})
    till.flow.fire("payment", "pi_1", "capture", {"captured": 5990, "at": 20})
    till.flow.fire("payment", "pi_1", "authorise", {"authorised": 5990, "at": 10})
    till.deliver()
    assert till.stands() == ("partly_refunded", 0, 5990, 990)
    assert till.history.lines() == [
        ("create", "5990", "expected"),
        ("authorise", "5990", "partly_refunded"),
        ("capture", "5990", "partly_refunded"),
        ("refund", "990", "partly_refunded"),
    ]


def test_how_a_payment_stands_is_never_replaced_by_how_it_stood(till: Till) -> None:
    till.report(AUTHORISED, CAPTURED).deliver()
    kept = dict(till.history.items)
    # Beside live traffic: older events come after newer ones.
    assert till.flow.operations.rebuild("payment_history").events == 3
    assert till.history.items == kept
    assert (till.history.puts, till.history.turned_back) == (12, [])
    till.history.items.clear()
    assert till.flow.operations.rebuild("payment_history").failed == 0
    assert till.history.items == kept


def test_a_line_of_the_order_history_is_rebuilt_too(till: Till) -> None:
    assert "record_line" in till.flow.runtime.hooks.projections


# In any order.

LIVES = [
    [AUTHORISED, CAPTURED, PARTLY, ("refund", {"refunded": 2000, "captured": 5990}), WHOLLY],
    [DECLINED, AUTHORISED, ("capture", {"captured": 3000}), ("refund", {"refunded": 3000, "captured": 3000})],
    [AUTHORISED, CAPTURED, DISPUTED, WON, PARTLY],
    [AUTHORISED, CAPTURED, PARTLY, DISPUTED, LOST],
    [CAPTURED, DISPUTED, DISPUTED_AGAIN, WON, WON_AGAIN],
    [CAPTURED, DISPUTED, DISPUTED_AGAIN, LOST, WON_AGAIN],
    [CAPTURED, PARTLY, DISPUTED, WON, DISPUTED_AGAIN, WON_AGAIN],
    [DECLINED, AUTHORISED, CANCELLED],
    [DECLINED, DECLINED],
    [AUTHORISED, ("capture", {"captured": 1000}), ("refund", {"refunded": 1000, "captured": 1000}), CAPTURED],
]


def _send(till: Till, id: str, life: list[Any], chance: random.Random) -> None:
    """As a provider sends it: in no order, some of it twice, and what is refused again later."""
    sent = [(f"evt_{number}", trigger, {"at": number, **payload}) for number, (trigger, payload) in enumerate(life)]
    waiting = sent + [sent[chance.randrange(len(sent))] for _ in range(3)]
    chance.shuffle(waiting)
    for _ in range(len(waiting) ** 2):
        if not waiting:
            return
        event_id, trigger, payload = waiting.pop(0)
        try:
            till.flow.fire("payment", id, trigger, payload, request_id=event_id)
        except (GuardError, TransitionError):
            waiting.append((event_id, trigger, payload))
        data = till.flow.get("payment", id).data
        assert 0 <= data["refunded"] <= data["captured"] <= data["amount"]
    pytest.fail(f"nobody ever takes {waiting}")


@pytest.mark.parametrize("life", LIVES)
def test_reports_in_any_order_and_twice_come_to_the_same_and_none_loses_money(till: Till, life: list[Any]) -> None:
    till.report(*life)
    expected = till.stands()[0], *till.stands()[2:]
    for seed in range(40):
        id = f"pi_of_{seed}"
        till.flow.create("payment", id, PAYMENT)
        _send(till, id, life, random.Random(seed))
        assert (till.stands(id)[0], *till.stands(id)[2:]) == expected, seed


@pytest.mark.parametrize(
    ("before", "report", "stands"),
    [
        ([], CAPTURED, ("captured", 0, 5990, 0)),
        ([], DISPUTED, ("disputed", 0, 0, 0)),
        ([DISPUTED, WON], CAPTURED, ("captured", 0, 5990, 0)),
        ([CAPTURED], AUTHORISED, ("captured", 0, 5990, 0)),
        ([CAPTURED], DECLINED, ("captured", 0, 5990, 0)),
        ([AUTHORISED], DECLINED, ("authorised", 5990, 0, 0)),
        ([WHOLLY], PARTLY, ("refunded", 0, 5990, 5990)),
        ([WHOLLY], CAPTURED, ("refunded", 0, 5990, 5990)),
        ([DISPUTED], CAPTURED, ("disputed", 0, 5990, 0)),
        ([DISPUTED], PARTLY, ("disputed", 0, 5990, 990)),
        ([DISPUTED, WON], PARTLY, ("partly_refunded", 0, 5990, 990)),
        ([DISPUTED, PARTLY], WON, ("partly_refunded", 0, 5990, 990)),
        ([DISPUTED, WHOLLY], WON, ("refunded", 0, 5990, 5990)),
        ([CAPTURED], ("dispute", {"dispute": "dp_1", "disputed": 6100}), ("disputed", 0, 5990, 0)),
        ([CAPTURED, DISPUTED], LOST, ("disputed", 0, 5990, 0)),
        ([CAPTURED, DISPUTED, LOST], AUTHORISED, ("disputed", 0, 5990, 0)),
        ([CAPTURED, DISPUTED, LOST], DISPUTED, ("disputed", 0, 5990, 0)),
        ([CAPTURED, DISPUTED, DISPUTED_AGAIN], WON, ("disputed", 0, 5990, 0)),
        ([CAPTURED, DISPUTED, DISPUTED_AGAIN, WON], DISPUTED, ("disputed", 0, 5990, 0)),
        ([CAPTURED, DISPUTED, DISPUTED_AGAIN, WON], WON_AGAIN, ("captured", 0, 5990, 0)),
        ([CAPTURED, DISPUTED, DISPUTED_AGAIN, WON_AGAIN], WON, ("captured", 0, 5990, 0)),
        ([CAPTURED, DISPUTED, DISPUTED_AGAIN, LOST], WON_AGAIN, ("disputed", 0, 5990, 0)),
        ([CAPTURED, DISPUTED, DISPUTED_AGAIN, WON_AGAIN], LOST, ("disputed", 0, 5990, 0)),
        ([], CANCELLED, ("cancelled", 0, 0, 0)),
        ([DECLINED], CANCELLED, ("cancelled", 0, 0, 0)),
        ([AUTHORISED], CANCELLED, ("cancelled", 5990, 0, 0)),
        ([CANCELLED], AUTHORISED, ("cancelled", 0, 0, 0)),
        ([CANCELLED], DECLINED, ("cancelled", 0, 0, 0)),
    ],
)
def test_what_comes_of_a_report(till: Till, before: list[Any], report: Any, stands: tuple[str, int, int, int]) -> None:
    assert till.report(*before, report).stands() == stands


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        ("won", "captured"),
        ("warning_closed", "captured"),
        ("lost", "disputed"),
        ("prevented", "disputed"),
        ("a word of tomorrow", "disputed"),
    ],
)
def test_only_what_took_no_money_settles_a_dispute(till: Till, outcome: str, state: str) -> None:
    till.report(CAPTURED, DISPUTED, ("close_dispute", {"dispute": "dp_1", "outcome": outcome}))
    assert till.stands()[0] == state
    assert till.flow.get("payment", "pi_1").data["outcome"] == outcome
    assert till.report(DISPUTED_AGAIN).flow.get("payment", "pi_1").data.get("outcome") is None


# What is refused.


@pytest.mark.parametrize(
    ("before", "trigger", "payload", "error"),
    [
        ([], "capture", {"captured": 5991}, GuardError),
        ([], "capture", {"captured": 0}, GuardError),
        ([], "capture", {"captured": -5}, GuardError),
        ([], "capture", {"captured": "59.90"}, PayloadError),
        ([], "capture", {"captured": 59.9}, PayloadError),
        ([], "capture", {}, PayloadError),
        ([], "authorise", {"authorised": 10**30}, GuardError),
        ([], "refund", {"refunded": 6000, "captured": 5990}, GuardError),
        ([], "refund", {"refunded": 1, "captured": 0}, GuardError),
        ([CAPTURED], "refund", {"refunded": 0, "captured": 5990}, GuardError),
        ([CAPTURED], "dispute", {"dispute": "dp_1", "disputed": 0}, GuardError),
        ([CAPTURED], "close_dispute", {"dispute": "dp_1", "outcome": "won"}, TransitionError),
        ([DISPUTED, WON], "dispute", DISPUTED[1], GuardError),
        ([DISPUTED], "close_dispute", WON_AGAIN[1], GuardError),
        ([DISPUTED], "close_dispute", LOST_AGAIN[1], GuardError),
        ([DISPUTED, DISPUTED_AGAIN, WON], "close_dispute", WON[1], GuardError),
        ([DISPUTED, DISPUTED_AGAIN, WON], "close_dispute", LOST[1], GuardError),
        ([DISPUTED, DISPUTED_AGAIN], "close_dispute", {**WON[1], "dispute": "dp_3"}, GuardError),
        ([DISPUTED, DISPUTED_AGAIN, DISPUTED_THIRD, WON], "close_dispute", WON[1], GuardError),
        ([DISPUTED, PARTLY], "close_dispute", WON_AGAIN[1], GuardError),
        ([DISPUTED, WHOLLY], "close_dispute", WON_AGAIN[1], GuardError),
        ([DISPUTED, DISPUTED_AGAIN, PARTLY, WON], "close_dispute", WON[1], GuardError),
        ([DISPUTED, DISPUTED_AGAIN, WHOLLY, WON], "close_dispute", WON[1], GuardError),
        ([CAPTURED], "cancel", {}, TransitionError),
        ([CANCELLED], "capture", CAPTURED[1], TransitionError),
        ([], "decline", {"reason": None}, PayloadError),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line_and_nothing_is_written(
    till: Till, before: list[Any], trigger: str, payload: dict[str, object], error: type[Exception]
) -> None:
    till.report(*before)
    events = till.flow.history("payment", "pi_1")
    with pytest.raises(error) as raised:
        till.report((trigger, payload))
    assert "\n" not in str(raised.value)
    assert "ada@example.com" not in str(raised.value)
    assert till.flow.history("payment", "pi_1") == events


# Who is told.


def test_the_customer_hears_of_each_refund_once_and_how_much_it_is_in_all(till: Till) -> None:
    till.report(CAPTURED, PARTLY, PARTLY, ("refund", {"refunded": 500, "captured": 5990}), WHOLLY).deliver()
    assert till.subjects() == [("ada@example.com", "Your order 42 is refunded")] * 2
    assert till.texts() == [
        "We have sent 9.90 EUR back to your card, 9.90 EUR in all.",
        "We have sent 50.00 EUR back to your card, 59.90 EUR in all.",
    ]


def test_the_shop_hears_that_a_payment_is_disputed_and_how_that_ended(till: Till) -> None:
    till.report(CAPTURED, DISPUTED, DISPUTED, LOST).deliver()
    assert till.subjects() == [
        ("shop@example.com", "Payment pi_1: dispute opened"),
        ("shop@example.com", "Payment pi_1: dispute lost"),
    ]
    assert till.texts() == [
        "Dispute dp_1 of order 42, about 50.00 EUR, has until the date that Stripe names to be answered.",
        "Dispute dp_1 of order 42 is over: lost.",
    ]


def test_a_dispute_that_ended_without_a_word_is_told_as_over(till: Till) -> None:
    till.report(CAPTURED, DISPUTED, ("close_dispute", {"dispute": "dp_1", "outcome": ""})).deliver()
    assert till.texts()[1] == "Dispute dp_1 of order 42 is over: ."


def test_of_two_disputes_the_shop_hears_which_one_it_is(till: Till) -> None:
    till.report(CAPTURED, DISPUTED, DISPUTED_AGAIN, DISPUTED, LOST, LOST, LOST_AGAIN).deliver()
    assert till.texts() == [
        "Dispute dp_1 of order 42, about 50.00 EUR, has until the date that Stripe names to be answered.",
        "Dispute dp_2 of order 42, about 9.90 EUR, has until the date that Stripe names to be answered.",
        "Dispute dp_1 of order 42 is over: lost.",
        "Dispute dp_2 of order 42 is over: lost.",
    ]


def test_without_its_table_the_projection_says_what_is_missing(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAYMENT_HISTORY_TABLE")
    (told,) = till.flow.operations.rebuild("payment_history").told
    assert told == (
        "payment pi_1 version 1: LookupError: PAYMENT_HISTORY_TABLE is not set; give the name of the table for "
        "payment histories"
    )


def test_what_else_the_table_answers_is_a_failure(till: Till) -> None:
    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "PutItem")

    till.history.put_item = refuse  # type: ignore[method-assign]
    assert "AccessDeniedException" in till.flow.operations.rebuild("payment_history").told[0]
