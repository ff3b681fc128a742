"""`make demo STORY=trace`: one order's way through a shop, a stream, a sweeper and a warehouse, as one trace."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.models.trace_header import TraceHeader

from demo.facts import owed
from demo.shipment.carrier import Carrier, Scan, report
from demo.story import Story
from demo.telling import tell_story
from demo.trace.daemon import TraceDaemon
from demo.trace.functions import trace_functions
from demo.trace.picture import draw
from demo.trace.pieces import Piece, in_order, pieces, shown
from workflow.aws.client import make_client
from workflow.local.mailbox import verify_sender

ORDER, PARCEL = "3001", "PARCEL-1"
EMAIL, NAME, SIGNED_BY = "ada@example.com", "Ada Lovelace", "A. LOVELACE"
LAMP = {"email": EMAIL, "name": NAME, "currency": "EUR", "total": 120}
LINES = [{"sku": "LAMP", "quantity": 1, "price": 120}]
DELIVERED = Scan("delivered", "2026-11-20T10:57:00Z", "Delivered, Front Desk/Reception")


class Traced:
    """The chapters, and what came of them."""

    def __init__(self, daemon: TraceDaemon, picture: Path | None) -> None:
        self._daemon, self._picture = daemon, picture

    def a_customer_pays(self, story: Story) -> None:
        """In a request of the shop, which its own middleware traces; the mail provider refuses the receipt."""
        story.chapter("A customer pays", "In one request to the shop. The mail provider does not know the sender.")
        trace_functions(story.cloud, self._daemon.address)
        mails = make_client("ses", endpoint_url=story.cloud.endpoint_url)
        mails.delete_identity(Identity=story.cloud.env["MAIL_FROM"])
        with request("shop"):
            story.create("order", ORDER, {**LAMP, "lines": LINES}, by="shop")
            story.fire("order", ORDER, "pay", {"amount": 120, "payment": "pi_1"}, by="stripe")
        story.wait()

    def a_person_helps(self, story: Story) -> None:
        """The receipt waits for a person."""
        story.chapter("Somebody helps", "The receipt waits; the sender is made known, and the order goes on.")
        verify_sender(story.cloud.endpoint_url, story.cloud.env["MAIL_FROM"])
        story.command(f"redrive order {ORDER}")
        story.cloud.sweep()
        print("   ... the sweeper, once a minute on AWS and now here, has taken it up")
        story.wait()

    def it_leaves(self, story: Story) -> None:
        """The warehouse's own process goes on from the trace that the order keeps."""
        story.chapter("It leaves", "The warehouse is another process: it goes on from the trace that the order keeps.")
        trace = story.flow.get("order", ORDER).trace
        print(f"   {trace}")
        with request("warehouse", trace):
            story.fire("order", ORDER, "pack", by="warehouse")
            story.fire("order", ORDER, "ship", {"carrier": "USPS", "parcels": [PARCEL]}, by="warehouse")
        story.wait()

    def it_arrives(self, story: Story) -> None:
        """A carrier's webhook, whose trace Lambda begins."""
        story.chapter("It arrives", "The carrier posts a report. Whoever posts knows of no trace: Lambda begins one.")
        Carrier(story).post(report(PARCEL, [DELIVERED], signed_by=SIGNED_BY))
        story.wait()

    def the_traces(self, story: Story) -> None:
        """Both, as trees."""
        story.chapter("The traces", "What the daemon was sent: when each began, and how long it took.")
        for trace in self._traces(story):
            print_tree(trace)
        if self._picture is not None:
            self._picture.write_bytes(draw(self._traces(story)[0]))
            print(f"   The first one as a picture: {self._picture}\n")

    def facts(self, story: Story) -> Iterator[tuple[bool, str]]:
        """Each fact in words, and whether it holds."""
        first, second = self._traces(story)
        documents = self._daemon.documents()
        known = {piece.id for piece in first}
        roots = [piece for piece in first if piece.parent not in known]
        services = {piece.service for piece in first}
        yield (
            [root.name for root in roots] == ["shop"] and len(services) == 4,
            f"{len(first)} segments and subsegments of {len(services)} programs are one trace, each under what led to "
            f"it",
        )
        history = story.flow.history("order", ORDER)
        spans = {f"Parent={piece.id}" for piece in first + second if piece.name.endswith(" order")}
        kept = [event.trace.split(";")[1] in spans for event in history]
        yield all(kept), f"{len(kept)} transitions of the order: each event keeps the span that made it"
        due = [f"{hook} {event.version}" for event in history for hook in owed(story.flow, event)]
        runs = [piece for piece in first + second if "hook" in piece.notes and piece.notes["kind"] == "order"]
        ran = {f"{piece.notes['hook']} {piece.notes['version']}" for piece in runs}
        yield ran == set(due), f"{len(due)} effects of the order, {len(runs)} runs of hooks: each is a subsegment"
        failed = [piece for piece in first + second if piece.is_failed and "hook" in piece.notes]
        yield (
            [piece.name for piece in failed] == ["send_receipt"],
            f"{len(failed)} run failed, and is marked: {failed[0].name if failed else 'none'}",
        )
        calls = [piece for piece in first + second if piece.sort == "aws"]
        parents = {piece.id for piece in first + second if piece.sort == "span"}
        yield all(call.parent in parents for call in calls), f"{len(calls)} calls of AWS services, each under its span"
        roots_of_both = {first[0].trace, second[0].trace}
        sent = [document for document in documents if document["trace_id"] in roots_of_both]
        text = json.dumps(documents)
        quoted = [value for value in (EMAIL, NAME, SIGNED_BY) if value in text]
        yield not quoted, f"{len(sent)} documents, and no name, address or signature in any of them"

    def _traces(self, story: Story) -> tuple[list[Piece], list[Piece]]:
        """The order's trace, and the one that the carrier's report began."""
        history = story.flow.history("order", ORDER)
        roots = [event.trace.partition(";")[0].removeprefix("Root=") for event in (history[0], history[-1])]
        found = pieces(self._daemon.documents())
        one, other = ([piece for piece in found if piece.trace == root] for root in roots)
        return one, other


@contextmanager
def request(name: str, follows: str = "") -> Iterator[None]:
    """A request to an application that traces by itself, as the SDK's middleware does."""
    header = TraceHeader.from_header_str(follows)
    xray_recorder.begin_segment(name, header.root, header.parent, 1)
    try:
        yield
    finally:
        xray_recorder.end_segment()


def print_tree(trace: list[Piece]) -> None:
    """Each piece under its parent: when it began, since the trace did, and how long it took."""
    began = trace[0].began
    print(f"   {trace[0].trace}")
    for depth, piece in in_order(trace):
        name = f"{'  ' * depth}{shown(piece)}"
        error = f"  ! {piece.errors[0].partition(':')[0] if piece.errors else 'failed'}" if piece.is_failed else ""
        took = (piece.ended - piece.began) * 1000
        print(f"   {(piece.began - began) * 1000:>7.0f} ms {took:>6.0f} ms  {name}{error}")
    print()


def tell(picture: Path | None = None) -> bool:
    """The whole story; whether every fact at its end holds. `picture` gets the trace as a PNG."""
    with TraceDaemon() as daemon:
        os.environ["AWS_XRAY_DAEMON_ADDRESS"] = daemon.address
        # Each request is kept, and not one a second.
        xray_recorder.configure(sampling=False)
        xray_recorder.emitter.set_daemon_address(daemon.address)
        traced = Traced(daemon, picture)
        return tell_story(
            "One order's way as X-Ray sees it, on a cloud of this machine's own.",
            (
                traced.a_customer_pays,
                traced.a_person_helps,
                traced.it_leaves,
                traced.it_arrives,
                traced.the_traces,
            ),
            traced.facts,
            counted_in="the documents that X-Ray's daemon was sent, and the table",
            given={"Tracing": "xray"},
            # It sweeps when the story says so: a sweep that was under way while its function was told of the daemon
            # would go on without one.
            sweep_seconds=3600,
        )
