"""Every delivery gets one plain answer, in the order size, signature, body, mapping, transition."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tests.samples import ORDER
from tests.unit.runtime.webhooks.posting import Post
from workflow.definition.definition import Definitions, Field, Guard, Transition
from workflow.runtime.hooks import Hooks
from workflow.runtime.webhooks import receive
from workflow.runtime.webhooks.receive import Answer, Delivery

UNSIGNED = Answer(401, {"error": "the signature does not fit"}, "unsigned")
SECRET_TEXT = "hunter2"
PAID = {"kind": "order", "id": "42", "version": 2, "state": "paid"}


@pytest.fixture
def post() -> Post:
    post = Post()
    post.order()
    return post


def error_of(answer: Answer) -> str:
    assert answer.content is not None
    assert list(answer.content) == ["error"]
    text = str(answer.content["error"])
    assert "\n" not in text
    return text


def test_a_signed_delivery_makes_its_transition(post: Post) -> None:
    answer = post.github("paid", {"id": "42", "amount": 100, "sender": {"login": "ann"}}, request_id="d-1")

    event = post.store.find_event("order", "42", 2)
    assert answer == Answer(200, PAID, "accepted")
    assert event is not None
    assert (event.trigger, event.payload, event.by, event.request_id) == (
        "pay",
        {"amount": 100},
        "github:ann",
        "github:d-1",
    )


def test_a_delivery_may_create_an_entity_with_a_number_for_its_id() -> None:
    post = Post()

    answer = post.github("opened", b'{"id": 7, "total": 12.50, "email": null}')

    assert answer == Answer(200, {"kind": "order", "id": "7", "version": 1, "state": "placed"}, "accepted")
    event = post.store.find_event("order", "7", 1)
    assert event is not None
    assert (str(event.changes["total"]), "email" in event.changes, event.by) == ("12.5", False, "webhook:github")


def test_a_repetition_gets_the_same_answer_and_writes_nothing(post: Post) -> None:
    body = {"id": "42", "amount": 100}
    first = post.github("paid", body, request_id="d-1")
    post.github("any", {"kind": "order", "id": "42", "trigger": "cancel", "carrier": ""}, request_id="d-2")

    again = post.github("paid", body, request_id="d-1")

    assert again == first._replace(outcome="repeated")
    assert [trigger for _, _, trigger in post.written()] == ["create", "pay", "cancel"]


@pytest.mark.parametrize("times", range(1, 11))
def test_the_same_delivery_however_often_at_once_is_one_event(times: int) -> None:
    post = Post()
    post.order()
    with ThreadPoolExecutor(times) as threads:
        posted = [threads.submit(post.github, "paid", {"id": "42", "amount": 100}, "d-1") for _ in range(times)]
        answers = [one.result() for one in posted]

    assert [answer[:2] for answer in answers] == [(200, PAID)] * times
    assert sorted(answer.outcome for answer in answers) == ["accepted", *["repeated"] * (times - 1)]
    assert post.written() == [("42", 1, "create"), ("42", 2, "pay")]


def test_the_same_creation_however_often_at_once_is_one_entity() -> None:
    post = Post()
    with ThreadPoolExecutor(10) as threads:
        posted = [threads.submit(post.github, "opened", {"id": "7"}, "d-1") for _ in range(10)]
        answers = {str(one.result().content) for one in posted}

    assert len(answers) == 1
    assert post.written() == [("7", 1, "create")]


@pytest.mark.parametrize(
    ("kind", "body", "outcome"),
    [
        ("ping", {"zen": "Keep it logically awesome."}, "undeclared"),
        ("", [], "undeclared"),
        ("paid", {"id": "42", "amount": 100, "draft": True}, "ignored"),
        ("paid", {"draft": True}, "ignored"),
    ],
)
def test_what_is_not_declared_or_is_to_be_ignored_is_let_pass(post: Post, kind: str, body: Any, outcome: str) -> None:
    assert post.github(kind, body, request_id="d-1") == Answer(204, None, outcome)
    assert post.written() == [("42", 1, "create")]


BAD: list[tuple[str, Any, int, str, str]] = [
    ("paid", b"", 400, "malformed", "the body is not JSON: line 1, column 1"),
    ("paid", b"payload=%7B%7D", 400, "malformed", "the body is not JSON: line 1, column 1"),
    ("paid", b'{"id": "42", "amou', 400, "malformed", "the body is not JSON: line 1, column 14"),
    ("paid", b'{"id": "\xff"}', 400, "malformed", "the body is not UTF-8 at byte 8"),
    ("paid", b"[" * 100, 400, "malformed", "the body is nested deeper than 64 levels"),
    ("paid", b'{"id": "42", "id": "43"}', 400, "malformed", "an object in the body has a key twice"),
    ("paid", b'{"amount": NaN}', 400, "malformed", "a number in the body is none: NaN and Infinity are not JSON"),
    ("paid", b"[]", 400, "malformed", "the id, body.id, is not in the delivery"),
    ("paid", b'"text"', 400, "malformed", "the id, body.id, is not in the delivery"),
    ("paid", {"amount": 100}, 400, "malformed", "the id, body.id, is not in the delivery"),
    ("paid", {"id": ""}, 400, "malformed", "the id, body.id, is not in the delivery"),
    ("paid", {"id": True}, 400, "malformed", "the id, body.id, is neither text nor a whole number"),
    ("paid", {"id": 1.5}, 400, "malformed", "the id, body.id, is neither text nor a whole number"),
    ("paid", {"id": ["42"]}, 400, "malformed", "the id, body.id, is neither text nor a whole number"),
    ("paid", {"id": "\ud800"}, 400, "malformed", "the id: body.id holds half of a surrogate pair; give valid Unicode"),
    ("paid", {"id": "42", "sender": {"login": []}}, 400, "malformed", "the asker, body.sender.login, is neither text"),
    ("any", {"id": "42"}, 400, "malformed", "the kind, body.kind, is no name in the delivery"),
    ("any", {"id": "42", "kind": "o" * 65}, 400, "malformed", "the kind, body.kind, is no name in the delivery"),
    ("any", {"id": "42", "kind": "order", "trigger": 5}, 400, "malformed", "the trigger, body.trigger, is no name"),
    ("any", {"id": "1", "kind": "x", "trigger": "pay", "carrier": ""}, 422, "refused", "no definition of kind 'x'"),
    ("any", {"id": "1", "kind": "order", "trigger": "pay"}, 422, "refused", "payload.carrier: 'length(body.carrier)'"),
    ("paid", {"id": "42"}, 422, "refused", "order 42: 'pay': payload.amount is missing"),
    ("paid", {"id": "42", "amount": "much"}, 422, "refused", "order 42: 'pay': payload.amount takes a number, not"),
    (
        "paid",
        b'{"id": "42", "amount": %b}' % (b"1" * 39),
        422,
        "refused",
        "body.amount does not fit DynamoDB's numbers",
    ),
    ("paid", {"id": "i" * 901, "amount": 1}, 422, "refused", "order: the id has 901 bytes; at most 900 fit"),
    ("paid", {"id": "42", "amount": 99}, 403, "refused", "order 42: 'pay' from 'placed' (version 1) needs: payload."),
    ("paid", {"id": "43", "amount": 99}, 404, "unknown", "there is no order 43; create it first"),
    ("paid", {"id": "4\n2", "amount": 99}, 404, "unknown", "there is no order 4 2; create it first"),
    ("opened", {"id": "42"}, 409, "refused", "order 42 exists already, in 'placed' (version 1)"),
    ("any", {"id": "42", "kind": "order", "trigger": "ship", "carrier": "x"}, 409, "refused", "no transition 'ship'"),
]


@pytest.mark.parametrize(("kind", "body", "status", "outcome", "said"), BAD)
def test_bad_input_gets_its_status_and_one_line_and_nothing_is_written(
    post: Post, kind: str, body: Any, status: int, outcome: str, said: str
) -> None:
    answer = post.github(kind, body, request_id="d-1")

    assert (answer.status, answer.outcome) == (status, outcome), answer
    assert said in error_of(answer)
    assert post.written() == [("42", 1, "create")]
    assert [request.id for request in post.store.requests("order", "42")] == ["github:create-42"]


def test_without_a_request_id_nothing_is_written(post: Post) -> None:
    answer = post.github("paid", {"id": "42", "amount": 100}, request_id="")

    assert answer == Answer(
        400, {"error": 'the request id, headers."x-github-delivery", is not in the delivery'}, "malformed"
    )


def test_a_request_id_of_any_length_is_known_again(post: Post) -> None:
    body = {"id": "42", "amount": 100}

    outcomes = [post.github("paid", body, request_id="d" * 5000).outcome for _ in range(2)]

    assert outcomes == ["accepted", "repeated"]


def test_a_request_id_that_was_used_for_something_else_is_refused(post: Post) -> None:
    post.github("paid", {"id": "42", "amount": 100}, request_id="d-1")

    answer = post.github("paid", {"id": "42", "amount": 101}, request_id="d-1")

    assert (answer.status, answer.outcome) == (409, "refused")
    assert "'github:d-1' was used for something else" in error_of(answer)


def test_a_source_that_is_not_declared_is_not_there(post: Post) -> None:
    answer = post.receiver.receive(Delivery("stripe", {}, b"{}"))

    assert answer == Answer(404, {"error": "there is no webhook of that name here"}, "unknown")


def test_a_body_that_is_too_large_is_refused_before_anything_is_computed_of_it(post: Post) -> None:
    post.secrets.stored.clear()

    answer = post.receiver.receive(Delivery("github", {}, b" " * (1024 * 1024 + 1)))

    assert answer == Answer(413, {"error": "the body has more than 1048576 bytes"}, "too_large")


def test_what_is_not_signed_is_not_read(post: Post) -> None:
    for body in (b"{", b"\xff", b"[" * 1000, b'{"id": "42"}'):
        assert post.receiver.receive(Delivery("github", {"x-github-event": "paid"}, body)) == UNSIGNED


BUSY = Answer(503, {"error": "the delivery cannot be recorded at this moment; send it again"}, "unavailable")
FAILED = Answer(500, {"error": "the delivery could not be handled; the log of this service says why"}, "failed")


@pytest.mark.parametrize(("fault", "said"), [("throttle", "was not recorded"), ("lost answer", "may or may not have")])
def test_what_may_succeed_later_is_to_be_sent_again_and_only_the_log_says_why(
    post: Post, fault: Any, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    post.store.faults = [fault] * 8

    answer = post.github("paid", {"id": "42", "amount": 100}, request_id="d-1")
    again = post.github("paid", {"id": "42", "amount": 100}, request_id="d-1")

    assert answer == BUSY
    assert f"webhook github:d-1: order 42: 'pay' {said}" in caplog.text
    assert again[:2] == (200, PAID)


def test_a_fault_of_ours_is_told_to_the_log_and_not_to_the_sender(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    post.store.faults = ["denied"]

    answer = post.github("paid", {"id": "42", "amount": 100})

    assert (answer.status, answer.outcome) == (500, "failed")
    assert "injected" not in error_of(answer)
    assert "injected: denied" in caplog.text


def test_what_the_log_is_told_begins_no_line_of_its_own(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    post.store.faults = ["denied"]

    assert post.github("paid", {"id": "42", "amount": 100}, request_id='1\n{"_aws": {}}\n') == FAILED
    assert caplog.messages[-1].startswith('webhook github:1 {"_aws": {}} : ')


def test_a_guard_that_fails_is_a_fault_of_ours_and_no_refusal(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: object) -> bool:
        raise ZeroDivisionError(SECRET_TEXT)

    post = Post()
    post.order()
    pay = replace(ORDER.transitions[0], guard=Guard(function="is_enough"))
    guarded = replace(ORDER, transitions=(pay, *ORDER.transitions[1:]))
    hooks = Hooks()
    hooks.guards["is_enough"] = broken
    post.use(Definitions((guarded,)), hooks)

    answer = post.github("paid", {"id": "42", "amount": 100})

    assert answer == FAILED
    assert "the guard 'is_enough' failed: ZeroDivisionError" in caplog.text
    assert SECRET_TEXT not in caplog.text
    assert post.written() == [("42", 1, "create")]


def test_what_nobody_thought_of_is_told_without_any_value(
    post: Post, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError(SECRET_TEXT)

    monkeypatch.setattr(receive, "fire", broken)

    answer = post.github("paid", {"id": "42", "amount": 100, "email": SECRET_TEXT})

    assert (answer.status, answer.outcome) == (500, "failed")
    assert SECRET_TEXT not in error_of(answer) + caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert "in broken" in caplog.text


SECRETIVE = replace(
    ORDER,
    data={**ORDER.data, "card": Field("card", "map", optional=True, sensitive=True)},
    transitions=(
        Transition(
            "pay",
            "placed",
            "paid",
            requires={
                "amount": Field("amount", "decimal"),
                "email": Field("email", "any", optional=True, sensitive=True),
            },
            sets={"card": "payload.email"},
            guard=Guard("payload.amount > `5` && contains(payload.email, 'a')"),
        ),
    ),
)


@pytest.mark.parametrize(
    "body",
    [
        {"id": "42", "amount": 9, "email": "hunter2@example.com"},
        {"id": "42", "email": "hunter2@example.com"},
        {"id": "42", "amount": "hunter2@example.com", "email": 5},
        {"id": "42", "amount": 9, "email": {"hunter2@example.com": {"": 1}}},
        {"id": "42", "amount": 9, "email": {"a": {"hunter2@example.com": 1e200}}},
        {"id": "42", "amount": 9, "email": ["a", "hunter2@example.com"]},
        {"id": "hunter2@example.com", "amount": 9, "email": "hunter2@example.com"},
    ],
)
def test_no_error_tells_a_sensitive_value(body: Any, caplog: pytest.LogCaptureFixture) -> None:
    post = Post()
    post.order()
    post.use(Definitions((SECRETIVE,)), Hooks())

    answer = post.github("paid", body)

    assert answer.status in (403, 404, 422)
    assert "hunter2" not in error_of(answer) + caplog.text


def test_an_answer_is_json() -> None:
    post = Post()
    answers = [post.github("opened", {"id": "1", "total": 1.5}), post.github("paid", {"id": "1", "amount": 1})]

    assert [json.loads(json.dumps(answer.content)) for answer in answers] == [answer.content for answer in answers]


def test_a_long_refusal_is_cut(post: Post) -> None:
    wordy = "x" * 800

    answer = post.github("paid", {"id": wordy, "amount": 1})

    assert error_of(answer) == f"there is no order {wordy}"[:500] + " ..."
