"""Spans as X-Ray gets them: sent by the real SDK to a daemon that refuses what X-Ray would refuse."""

from __future__ import annotations

import re
import threading
import time
from typing import Any

import pytest

from demo.trace.pieces import Piece, in_order, pieces
from tests.fakes.xray_daemon import XrayDaemon
from workflow.aws.tracing.place import find_place
from workflow.aws.tracing.xray import XrayTracer
from workflow.errors import TransitionError


def told(daemon: XrayDaemon, documents: int) -> list[Piece]:
    """The pieces of so many documents; nothing else has come."""
    found = daemon.documents(documents)
    assert len(found) == documents
    return pieces(found)


def tree(found: list[Piece]) -> list[tuple[int, str, str]]:
    return [(depth, piece.sort, piece.name) for depth, piece in in_order(found)]


def the_first(found: list[Piece], name: str) -> Piece:
    return next(piece for piece in found if piece.name == name)


def a_root(began: float) -> str:
    return f"1-{int(began):08x}-{'ab' * 12}"


def test_a_span_is_a_subsegment_in_a_segment_of_its_process_with_its_notes(
    tracer: XrayTracer, daemon: XrayDaemon
) -> None:
    with tracer.span("pay order", {"kind": "order", "id": "42", "trigger": "pay"}) as span:
        span.note({"state": "paid", "version": 2})

    found = told(daemon, 1)
    assert tree(found) == [(0, "segment", "shop"), (1, "span", "pay order")]
    assert found[1].notes == {"kind": "order", "id": "42", "trigger": "pay", "state": "paid", "version": 2}
    assert span.trace == f"Root={found[0].trace};Parent={found[1].id};Sampled=1"
    assert (found[0].parent, found[1].is_failed) == ("", False)


def test_what_follows_a_span_is_a_segment_of_the_same_trace_under_that_span(
    tracer: XrayTracer, daemon: XrayDaemon
) -> None:
    with tracer.span("pay order", {}) as first:
        pass
    with tracer.span("send_receipt", {}, follows=first.trace):
        pass

    found = told(daemon, 2)
    assert tree(found) == [
        (0, "segment", "shop"),
        (1, "span", "pay order"),
        (2, "segment", "shop"),
        (3, "span", "send_receipt"),
    ]
    assert len({piece.trace for piece in found}) == 1


def test_a_span_within_another_is_a_subsegment_of_it_whatever_it_follows(
    tracer: XrayTracer, daemon: XrayDaemon
) -> None:
    other = f"Root={a_root(time.time())};Parent={'1' * 16};Sampled=1"
    with tracer.span("send_receipt", {}) as outer:
        assert tracer.current() == outer.trace
        with tracer.span("ship order", {}, follows=other) as inner:
            assert tracer.current() == inner.trace
        assert tracer.current() == outer.trace
    assert tracer.current() == ""

    found = told(daemon, 1)
    assert tree(found) == [(0, "segment", "shop"), (1, "span", "send_receipt"), (2, "span", "ship order")]
    # The trace that it has to do with can be found all the same.
    assert found[2].notes == {"follows": a_root(time.time())}


def test_a_span_in_an_applications_own_segment_is_a_part_of_it_and_leaves_it_open(
    tracer: XrayTracer, recorder: Any, daemon: XrayDaemon
) -> None:
    recorder.begin_segment("middleware", traceid=a_root(time.time()), sampling=1)
    recorder.begin_subsegment("request")
    with tracer.span("pay order", {}) as span:
        pass
    recorder.end_subsegment()
    recorder.end_segment()

    found = told(daemon, 1)
    assert tree(found) == [(0, "segment", "middleware"), (1, "span", "request"), (2, "span", "pay order")]
    assert span.trace == f"Root={a_root(time.time())};Parent={found[2].id};Sampled=1"


def test_a_thread_of_the_hooks_own_goes_on_by_what_it_is_told_to_follow(tracer: XrayTracer, daemon: XrayDaemon) -> None:
    with tracer.span("send_receipt", {}) as outer:

        def work() -> None:
            assert tracer.current() == ""
            with tracer.span("ship order", {}, follows=outer.trace):
                pass

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    assert [(depth, name) for depth, _, name in tree(told(daemon, 2))] == [
        (0, "shop"),
        (1, "send_receipt"),
        (2, "shop"),
        (3, "ship order"),
    ]


def test_what_is_not_sampled_is_not_kept_and_the_header_goes_on(tracer: XrayTracer, daemon: XrayDaemon) -> None:
    header = f"Root={a_root(time.time())};Parent={'1' * 16};Sampled=0"
    with tracer.span("send_receipt", {"kind": "order"}, follows=header) as outer:
        assert (outer.trace, tracer.current()) == (header, header)
        outer.fail("no", "ValueError")
        with tracer.span("ship order", {}) as inner:
            assert inner.trace == header
    assert tracer.current() == ""

    # What is sent comes in the order it was sent.
    with tracer.span("after", {}):
        pass
    assert [piece.name for piece in told(daemon, 1)] == ["shop", "after"]


def test_what_the_sampler_does_not_keep_begins_a_trace_that_nobody_keeps(
    tracer: XrayTracer, recorder: Any, daemon: XrayDaemon
) -> None:
    class Never:
        def should_trace(self, request: object = None) -> bool:
            return False

    recorder.configure(sampling=True, sampler=Never())
    with tracer.span("pay order", {}) as span:
        assert tracer.current().partition(";")[2] == "Sampled=0"
    place = find_place(span.trace)
    assert place is not None
    assert (place.sampled, place.span_id, int(place.trace_id, 16) > 0) == (False, "", True)
    assert daemon.documents() == []


def test_a_header_without_a_decision_leaves_it_to_the_sampler(tracer: XrayTracer, daemon: XrayDaemon) -> None:
    with tracer.span("pay order", {}, follows=f"Root={a_root(time.time())}"):
        pass
    assert [piece.trace for piece in told(daemon, 1)] == [a_root(time.time())] * 2


@pytest.mark.parametrize(
    "follows",
    [
        "x",
        "Root=",
        "Root=1-zz;Parent=1;Sampled=1",
        f"Root=1-{'0' * 8}-{'0' * 24};Parent={'1' * 16};Sampled=1",
        "Root=" * 1000,
        ";=;=;;",
        "\x00\ud800",
        "00-" + "0" * 32 + "-" + "1" * 16 + "-01",
        "Root=1-٣٣٣٣٣٣٣٣-" + "a" * 24,
    ],
)
def test_what_follows_nothing_that_is_a_trace_begins_a_new_one(
    tracer: XrayTracer, daemon: XrayDaemon, follows: str
) -> None:
    with tracer.span("send_receipt", {}, follows=follows) as span:
        pass
    found = told(daemon, 1)
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=1", span.trace)
    assert (tree(found), found[0].parent) == ([(0, "segment", "shop"), (1, "span", "send_receipt")], "")


@pytest.mark.parametrize("days", [-30, 1])
def test_a_trace_that_xray_no_longer_takes_is_named_by_the_new_one(
    tracer: XrayTracer, daemon: XrayDaemon, days: int
) -> None:
    old = a_root(time.time() + days * 86400)
    with tracer.span("expire order", {}, follows=f"Root={old};Parent={'1' * 16};Sampled=1"):
        pass
    found = told(daemon, 1)
    assert found[0].trace != old
    assert (found[0].parent, found[1].notes) == ("", {"follows": old})


def test_a_traceparent_of_another_tracer_is_gone_on_from(tracer: XrayTracer, daemon: XrayDaemon) -> None:
    trace_id = f"{int(time.time()):08x}{'cd' * 12}"
    with tracer.span("send_receipt", {}, follows=f"00-{trace_id}-{'2' * 16}-01"):
        pass
    found = told(daemon, 1)
    assert (found[0].trace, found[0].parent) == (f"1-{trace_id[:8]}-{trace_id[8:]}", "2" * 16)


def test_the_trace_that_lambda_keeps_of_the_invocation_is_named(
    tracer: XrayTracer, daemon: XrayDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = a_root(time.time() - 10)
    monkeypatch.setenv("_X_AMZN_TRACE_ID", f"Root={root};Parent={'1' * 16};Sampled=1;Lineage=1:a:0")
    with tracer.span("send_receipt", {"hook": "send_receipt"}):
        pass
    assert the_first(told(daemon, 1), "send_receipt").notes == {"hook": "send_receipt", "invocation": root}


def test_a_failed_span_is_a_fault_in_the_words_it_was_given(tracer: XrayTracer, daemon: XrayDaemon) -> None:
    with tracer.span("send_receipt", {}) as span:
        span.fail("MailRefusedError: *** is not known", "MailRefusedError")

    segment, subsegment = daemon.documents(1)[0], daemon.documents(1)[0]["subsegments"][0]
    (error,) = subsegment["cause"]["exceptions"]
    assert (segment["fault"], subsegment["fault"]) == (True, True)
    assert subsegment["annotations"] == {"failed": "send_receipt", "error": "MailRefusedError"}
    assert {**error, "id": ""} == {
        "id": "",
        "type": "MailRefusedError",
        "remote": False,
        "message": "MailRefusedError: *** is not known",
    }


def test_an_error_that_leaves_the_block_is_marked_by_its_class_alone_and_goes_on(
    tracer: XrayTracer, daemon: XrayDaemon
) -> None:
    with pytest.raises(ValueError, match=r"ada@example\.com"), tracer.span("fails", {}):
        raise ValueError("ada@example.com")
    with pytest.raises(TransitionError), tracer.span("refused", {}):
        raise TransitionError("ada@example.com")

    failed, refused = daemon.documents(2)
    assert [(one.get("fault"), one.get("error")) for one in (failed, refused)] == [(True, None), (None, True)]
    assert [one["subsegments"][0]["annotations"] for one in (failed, refused)] == [
        {"failed": "fails", "error": "ValueError"},
        {"refused": "refused", "error": "TransitionError"},
    ]
    assert [piece.errors for piece in pieces([failed, refused]) if piece.errors] == [
        ("ValueError: ",),
        ("TransitionError: ",),
    ]
    assert "ada@" not in str([failed, refused])


def test_what_a_hooks_own_instrumentation_keeps_of_errors_goes_without_their_words(
    tracer: XrayTracer, recorder: Any, daemon: XrayDaemon
) -> None:
    with tracer.span("send_receipt", {}) as span:
        try:
            with recorder.in_subsegment("provider"):
                raise ValueError("ada@example.com is not known")
        except ValueError:
            span.fail("ValueError: *** is not known", "ValueError")

    found = told(daemon, 1)
    assert the_first(found, "provider").errors == ("ValueError: ",)
    assert the_first(found, "send_receipt").errors == ("ValueError: ValueError: *** is not known",)
    assert "ada@" not in str(daemon.documents())


def test_names_and_notes_that_xray_would_refuse_are_made_to_fit(tracer: XrayTracer, daemon: XrayDaemon) -> None:
    with tracer.span("fire:<order>\n42)" + "é" * 300, {"my-note": "x" * 5000, "none": "", "undo!": 3}):
        pass
    with tracer.span("", {}):
        pass

    found = told(daemon, 2)
    assert [piece.name for piece in found] == [
        "shop",
        "fire:_order__42_" + "é" * 184,
        "shop",
        "_",
    ]
    assert found[1].notes == {"my_note": "x" * 1000, "undo_": 3}


def test_a_hook_with_thousands_of_calls_is_sent_in_documents_of_a_size_that_is_taken(
    tracer: XrayTracer, recorder: Any, daemon: XrayDaemon
) -> None:
    with tracer.span("sync", {}):
        for _ in range(1000):
            recorder.begin_subsegment("dynamodb", "aws")
            recorder.current_subsegment().put_metadata("filler", "x" * 200)
            recorder.end_subsegment()

    deadline = time.monotonic() + 10
    while len(found := pieces(daemon.documents())) < 1002:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(found) == 1002
    assert {piece.parent for piece in found if piece.sort == "aws"} == {the_first(found, "sync").id}


@pytest.mark.parametrize("leaving", ["open", "ended", "cleared", "replaced"])
def test_a_hook_that_leaves_the_recorder_in_disorder_costs_the_next_one_nothing(
    tracer: XrayTracer, recorder: Any, daemon: XrayDaemon, leaving: str
) -> None:
    with tracer.span("messy", {}) as span:
        if leaving == "open":
            recorder.begin_subsegment("left open")
        elif leaving == "ended":
            recorder.end_subsegment()
            recorder.end_segment()
        elif leaving == "cleared":
            recorder.clear_trace_entities()
        else:
            recorder.begin_segment("its own", sampling=1)
        span.note({"late": 1})
        span.fail("late", "ValueError")
    assert tracer.current() == ""
    with tracer.span("next", {}):
        pass

    found = told(daemon, 2)
    assert tree([piece for piece in found if piece.began >= found[-2].began]) == [
        (0, "segment", "shop"),
        (1, "span", "next"),
    ]
    assert the_first(found, "messy").id == span.trace.split(";")[1].removeprefix("Parent=")


def test_without_a_daemon_nobody_notices(
    tracer: XrayTracer, recorder: Any, daemon: XrayDaemon, capfd: pytest.CaptureFixture[str]
) -> None:
    recorder.emitter.set_daemon_address("127.0.0.1:1")
    for _ in range(3):
        with tracer.span("send_receipt", {}) as span:
            span.fail("no", "ValueError")
    assert (daemon.documents(), capfd.readouterr()) == ([], ("", ""))


def test_a_recorder_that_breaks_never_breaks_the_work(
    tracer: XrayTracer, recorder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the recorder is broken")

    for name in ("begin_segment", "begin_subsegment", "clear_trace_entities", "stream_subsegments"):
        monkeypatch.setattr(recorder, name, broken)
        done = []
        with tracer.span("send_receipt", {"kind": "order"}) as span:
            span.note({"state": "paid"})
            span.fail("no", "ValueError")
            done.append(tracer.current())
        assert (done, span.trace) == ([""], "")
        recorder.context.clear_trace_entities()


def test_what_a_hook_began_and_never_ended_ends_with_it(tracer: XrayTracer, recorder: Any, daemon: XrayDaemon) -> None:
    with tracer.span("messy", {}):
        recorder.begin_subsegment("left open")
    (left,) = daemon.documents(1)[0]["subsegments"][0]["subsegments"]
    assert (left["name"], left["in_progress"]) == ("left open", False)


def test_many_spans_in_one_request_of_an_application_are_sent_before_it_ends(
    tracer: XrayTracer, recorder: Any, daemon: XrayDaemon
) -> None:
    recorder.begin_segment("middleware", sampling=1)
    for number in range(100):
        with tracer.span("pay order", {"id": str(number), "filler": "x" * 900}):
            pass
    assert len(daemon.documents(50)) >= 50
    recorder.end_segment()


def test_what_an_application_does_not_keep_is_kept_by_nobody_after_it(tracer: XrayTracer, recorder: Any) -> None:
    recorder.begin_segment("middleware", sampling=0)
    with tracer.span("pay order", {}) as span:
        pass
    recorder.clear_trace_entities()
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Sampled=0", span.trace)
