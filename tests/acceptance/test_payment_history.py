"""Order history after a card transaction: reports come in any order, twice and forged; the customer sees what was, and
sees it again after the table was lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from demo.facts import read_table
from demo.payment.stripe import Reply, authorised, captured, closed, declined, disputed, post, refunded
from tests.acceptance.conftest import Deployed
from workflow.errors import WorkflowError

SECRET = "ssm:/workflow/stripe-webhook"
NOON = 1_795_000_000


class Till:
    """What the shop and Stripe do to one payment, and what its customer sees; each test has one of its own."""

    def __init__(self, deployed: Deployed, id: str) -> None:
        self.deployed, self.id, self.email = deployed, id, f"{id}@pays.example.com"
        data = {"email": self.email, "order": f"of-{id}", "currency": "eur", "amount": 5990}
        deployed.flow.create("payment", id, data, by="shop")

    def post(self, event: dict[str, Any], *, secret: bytes = b"", at: int | None = None) -> Reply:
        cloud = self.deployed.cloud
        return post(f"{cloud.webhook_url}/stripe", secret or cloud.get_secret(SECRET), event, at=at)

    def lines(self) -> list[dict[str, Any]]:
        """The read model's lines of this customer, in their order."""
        found = self.deployed.dynamodb.query(
            TableName=self.deployed.cloud.env["PAYMENT_HISTORY_TABLE"],
            KeyConditionExpression="email = :email",
            ExpressionAttributeValues={":email": {"S": self.email}},
            ConsistentRead=True,
        )
        return list(found["Items"])

    def steps(self) -> list[tuple[str, str]]:
        """The steps that the customer sees, and where each led to."""
        return [(line["step"]["S"], line["state"]["S"]) for line in self.lines() if "step" in line]

    def stands(self) -> tuple[str, int, int]:
        """State, what was captured and what was refunded."""
        payment = self.deployed.flow.get("payment", self.id)
        return payment.state, payment.data["captured"], payment.data["refunded"]

    def forget(self) -> None:
        """Deletes all that the customer sees."""
        for line in self.lines():
            self.deployed.dynamodb.delete_item(
                TableName=self.deployed.cloud.env["PAYMENT_HISTORY_TABLE"],
                Key={name: line[name] for name in ("email", "line")},
            )


def _rebuild(deployed: Deployed, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as a person calls it, with the permissions that the environment gives."""
    return subprocess.run(
        [sys.executable, "-m", "workflow", "rebuild", *arguments],
        cwd=deployed.cloud.project,
        env={**os.environ, **deployed.cloud.env},
        capture_output=True,
        text=True,
        check=False,
    )


def _sorted(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(lines, key=lambda line: (line["email"]["S"], line["line"]["S"]))


def test_a_payment_from_the_declined_card_to_the_refund_is_what_its_customer_sees(deployed: Deployed) -> None:
    till = Till(deployed, "pi_life")
    replies = [
        till.post(declined("evt_1", till.id, NOON)),
        till.post(authorised("evt_2", till.id, NOON + 30, 5990)),
        till.post(captured("evt_3", till.id, NOON + 31, 5990)),
        till.post(refunded("evt_4", till.id, NOON + 900, 990, 5990)),
        till.post(refunded("evt_5", till.id, NOON + 950, 5990, 5990)),
    ]
    deployed.settle()
    assert [(reply.status, reply.content["state"]) for reply in replies] == [
        (200, "declined"),
        (200, "authorised"),
        (200, "captured"),
        (200, "partly_refunded"),
        (200, "refunded"),
    ]
    assert till.steps() == [
        ("create", "expected"),
        ("decline", "declined"),
        ("authorise", "authorised"),
        ("capture", "captured"),
        ("refund", "partly_refunded"),
        ("refund", "refunded"),
    ]
    mails = deployed.mails_to(till.email)
    assert [mail.body.partition("\n")[0] for mail in mails] == [
        "We have sent 9.90 EUR back to your card, 9.90 EUR in all.",
        "We have sent 50.00 EUR back to your card, 59.90 EUR in all.",
    ]


def test_reports_in_the_wrong_order_and_each_twice_lose_no_money_and_turn_nothing_back(deployed: Deployed) -> None:
    till = Till(deployed, "pi_wrong")
    events = [
        refunded("evt_3", till.id, NOON + 900, 990, 5990),
        captured("evt_2", till.id, NOON + 31, 5990),
        authorised("evt_1", till.id, NOON + 30, 5990),
    ]
    replies = [till.post(event) for event in events]
    with ThreadPoolExecutor(6) as pool:
        again = list(pool.map(till.post, events * 2))
    deployed.settle()
    assert again == replies * 2
    assert till.stands() == ("partly_refunded", 5990, 990)
    # Where each belongs, whenever it came.
    assert [step for step, _ in till.steps()] == ["create", "authorise", "capture", "refund"]
    assert len(deployed.mails_to(till.email)) == 1


def test_a_dispute_is_told_to_the_shop_and_what_is_won_goes_back_to_where_it_was(deployed: Deployed) -> None:
    till = Till(deployed, "pi_asked")
    for event in (
        captured("evt_1", till.id, NOON, 5990),
        refunded("evt_2", till.id, NOON + 10, 990, 5990),
        disputed("evt_3", till.id, NOON + 20, 5000),
        closed("evt_4", till.id, NOON + 30, "won"),
    ):
        assert till.post(event).status == 200
    deployed.settle()
    assert till.steps()[-2:] == [("dispute", "disputed"), ("close_dispute", "partly_refunded")]
    told = [s for s in deployed.subjects_to(deployed.cloud.env["MAIL_FROM"]) if till.id in s]
    assert told == ["Payment pi_asked: dispute opened", "Payment pi_asked: dispute won"]


@pytest.mark.parametrize(
    ("event", "status", "said"),
    [
        (captured("evt_b1", "pi_bad", NOON, 5991), 403, "payload.captured <= data.amount"),
        (captured("evt_b2", "pi_bad", NOON, 59.9), 422, "payload.captured takes a whole number"),
        (refunded("evt_b3", "pi_bad", NOON, 5990, 900), 403, "payload.refunded <= payload.captured"),
        (closed("evt_b4", "pi_bad", NOON, "won"), 409, "no transition 'close_dispute' from 'captured'"),
        (captured("evt_b5", "pi_nobody", NOON, 10), 404, "there is no payment pi_nobody"),
        ({**captured("evt_b6", "pi_bad", NOON, 10), "type": "customer.created"}, 204, ""),
        ({**captured("", "pi_bad", NOON, 10)}, 400, "the request id, body.id, is not in the delivery"),
    ],
)
def test_what_does_not_fit_gets_one_clear_answer_and_nothing_is_written(
    deployed: Deployed, event: dict[str, Any], status: int, said: str
) -> None:
    if deployed.flow.find("payment", "pi_bad") is None:
        assert Till(deployed, "pi_bad").post(captured("evt_0", "pi_bad", NOON, 5990)).status == 200
    deployed.settle()
    before = deployed.items("payment#pi_bad")
    secret = deployed.cloud.get_secret(SECRET)
    reply = post(f"{deployed.cloud.webhook_url}/stripe", secret, event)
    assert reply.status == status
    assert said in reply.content.get("error", "")
    assert "\n" not in reply.content.get("error", "")
    assert deployed.items("payment#pi_bad") == before


def test_whoever_cannot_sign_is_told_the_same_whatever_is_wrong(deployed: Deployed) -> None:
    till = Till(deployed, "pi_forged")
    event = captured("evt_f", till.id, NOON, 5990)
    replies = [till.post(event, secret=b"a guess"), till.post(event, at=int(time.time()) - 600)]
    assert replies == [Reply(401, {"error": "the signature does not fit"})] * 2
    assert till.stands() == ("expected", 0, 0)


def test_a_lost_table_is_made_again_while_all_other_hooks_stay_silent(deployed: Deployed) -> None:
    tills = [Till(deployed, f"pi_lost{number}") for number in range(6)]
    for number, till in enumerate(tills):
        till.post(captured(f"evt_l{number}", till.id, NOON, 5990))
        till.post(refunded(f"evt_m{number}", till.id, NOON + 5, 990, 5990))
    deployed.settle()
    shown = [till.lines() for till in tills]
    table = deployed.cloud.env["PAYMENT_HISTORY_TABLE"]
    everything, mails = read_table(deployed.cloud, table), len(deployed.cloud.mails())
    ledger = [deployed.effects("payment", till.id) for till in tills]
    assert {len(lines) for lines in shown} == {4}
    for till in tills:
        till.forget()
    assert tills[0].lines() == []

    done = _rebuild(deployed, "payment_history", "--workers", "4")
    deployed.settle()
    assert (done.returncode, done.stdout[:17]) == (0, "payment_history: "), done.stdout + done.stderr
    assert [till.lines() for till in tills] == shown
    # Those of other payments were written once more, and are the same.
    assert _sorted(read_table(deployed.cloud, table)) == _sorted(everything)
    assert len(deployed.cloud.mails()) == mails
    assert [deployed.effects("payment", till.id) for till in tills] == ledger


def test_payments_go_on_beside_a_rebuild_and_the_newer_stays(deployed: Deployed) -> None:
    till = Till(deployed, "pi_beside")
    till.post(captured("evt_n", till.id, NOON, 5990))
    with ThreadPoolExecutor(1) as pool:
        rebuilt = pool.submit(_rebuild, deployed, "payment_history")
        for number in range(8):
            till.post(refunded(f"evt_r{number}", till.id, NOON + 10 + number, 100 * (number + 1), 5990))
        assert rebuilt.result().returncode == 0
    deployed.settle()
    (standing,) = (line for line in till.lines() if "step" not in line)
    assert (standing["version"]["N"], standing["refunded"]["N"]) == ("10", "800")
    assert len(till.steps()) == 10


def test_what_cannot_be_rebuilt_is_one_line_and_ends_with_1(deployed: Deployed) -> None:
    done = _rebuild(deployed, "payment_histroy")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        "Error: no projection 'payment_histroy'; did you mean 'payment_history'? registered: "
    )
    assert _rebuild(deployed, "send_receipt").stderr.startswith("Error: 'send_receipt' is a hook and no projection")
    with pytest.raises(WorkflowError):
        deployed.flow.operations.rebuild("send_receipt")
