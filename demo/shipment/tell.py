"""`make demo STORY=shipment`: whatever a carrier says and when, parcels go forward and their customers hear once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random

from demo.shipment.carrier import SECRET, Carrier, Scan, deliver, report
from demo.story import Story
from demo.telling import tell_story
from workflow import Event

LAMP = {"name": "Ada", "currency": "EUR", "total": 120, "lines": [{"sku": "LAMP", "quantity": 1, "price": 120}]}
PARCELS = {
    "2001": ("SLOW-1",),
    "2002": ("TABLE-1", "TABLE-2", "TABLE-3"),
    "2003": ("BACK-1",),
    **{f"21{number:02}": (f"PAIR-{number}A", f"PAIR-{number}B") for number in range(1, 5)},
}
"""The orders, and what each of them leaves in."""

SCANS = (
    Scan("pre_transit", "2026-11-16T14:02:00Z", "Shipping Label Created, USPS Awaiting Item"),
    Scan("in_transit", "2026-11-16T18:41:00Z", "Accepted at USPS Origin Facility"),
    Scan("in_transit", "2026-11-17T03:15:00Z", "Departed USPS Regional Facility"),
    Scan("held_by_customs_dog", "2026-11-17T09:30:00Z", "Woof"),
    Scan("out_for_delivery", "2026-11-19T07:32:00Z", "Out for Delivery"),
    Scan("failure", "2026-11-19T16:20:00Z", "Address Vacant"),
    Scan("out_for_delivery", "2026-11-20T07:41:00Z", "Out for Delivery"),
    Scan("delivered", "2026-11-20T10:57:00Z", "Delivered, Front Desk/Reception"),
)
LATE = (4, 0, 1, 3, 6, 5, 2, 7)
"""In which order they are reported: the first to come is the fifth that was scanned."""

MILESTONES = ("out_for_delivery", "exception", "going_back", "delivered")


class Parcels:
    """The chapters, and what is counted in them."""

    def __init__(self) -> None:
        self._forged = self._early = 0
        self._carrier: Carrier | None = None

    def _of(self, story: Story) -> Carrier:
        if self._carrier is None:
            self._carrier = Carrier(story)
        return self._carrier

    def orders_leave(self, story: Story) -> None:
        """Orders, and their shipments."""
        story.chapter("Orders leave", "Each in its parcels; the definition creates a shipment for every one of them.")
        for order, parcels in PARCELS.items():
            story.create("order", order, LAMP | {"email": f"{order}@example.com"}, by="shop")
            story.fire("order", order, "pay", {"amount": 120, "payment": f"pi_{order}"}, by="stripe")
            story.fire("order", order, "ship", {"carrier": "USPS", "parcels": parcels}, by="warehouse")
        story.wait()

    def in_no_order(self, story: Story) -> None:
        """One parcel's reports, shuffled and repeated."""
        story.chapter(
            "In no order", "Reports overtake each other, come twice and late, and one word nobody ever heard."
        )
        carrier, reports = self._of(story), [report("SLOW-1", [scan]) for scan in SCANS]
        for number in LATE:
            carrier.post(reports[number])
        for number in (7, 4):
            carrier.post(reports[number], "repeated")
        carrier.post(report("SLOW-1", [SCANS[6]]))
        story.wait()
        story.command("history shipment SLOW-1")

    def strangers(self, story: Story) -> None:
        """Who is not the carrier, and what is not there yet."""
        story.chapter("Strangers", "A report that the carrier has not signed, and one that comes before its shipment.")
        url = f"{story.cloud.webhook_url}/easypost"
        self._forged = deliver(url, b"a guess", report("TABLE-1", [SCANS[7]])).status
        early = report("SOON-1", [SCANS[1]])
        self._early = deliver(url, story.cloud.get_secret(SECRET), early).status
        print(f"   forged: {self._forged}; too early: {self._early}, and the carrier sends it again:")
        story.create("shipment", "SOON-1", {"carrier": "USPS"}, by="warehouse")
        self._of(story).post(early)

    def the_last_one(self, story: Story) -> None:
        """Parcels that arrive one by one, and at the same moment."""
        story.chapter(
            "The last one", "An order has arrived when all of its parcels have: one after another, and at once."
        )
        for parcel in PARCELS["2002"]:
            self._of(story).post(report(parcel, [SCANS[7]]))
        story.wait()
        print()
        reports = [report(parcel, [SCANS[7]]) for order in PARCELS if order > "21" for parcel in PARCELS[order]]
        Random(7).shuffle(reports)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self._of(story).post, reports))
        story.wait()

    def another_way(self, story: Story) -> None:
        """An order that goes back while its parcel arrives."""
        story.chapter(
            "Another way", "An order is sent back; then its parcel is scanned as delivered. Nobody is called."
        )
        story.fire("order", "2003", "return", {"reason": "changed my mind"}, by="support")
        self._of(story).post(report("BACK-1", [SCANS[7]]))
        story.wait()
        story.command("explain shipment BACK-1", most=4)
        for entry in story.flow.effects("shipment", "BACK-1"):
            print(f"   the ledger notes: {entry.outcomes['fire:order.parcel_delivered'].note}")

    def facts(self, story: Story) -> Iterator[tuple[bool, str]]:
        """What was counted."""
        flow = story.flow
        parcels = {listed.id: list(flow.history("shipment", listed.id)) for listed in flow.list("shipment")}
        scans = [event for events in parcels.values() for event in events[1:]]
        taken = self._of(story).posted - story.answers["repeated"]
        yield (
            not story.surprises and len(scans) == taken and (self._forged, self._early) == (401, 404),
            f"{self._of(story).posted} reports, {story.answers['repeated']} of them again: {len(scans)} scans in the "
            f"histories, one each; a forged one and one too early were turned away",
        )
        moves = [event for event in scans if event.changes]
        yield (
            not any(map(backwards, parcels.values())),
            f"{len(moves)} of them moved their parcels, {len(scans) - len(moves)} are only kept; none went backwards",
        )
        reached = [(parcel, state) for parcel, events in parcels.items() for state in milestones(events)]
        owners = {parcel for of_order in PARCELS.values() for parcel in of_order}
        told = [mail.subject for mail in story.cloud.mails() if mail.subject.startswith("Your parcel ")]
        owed = [one for one in reached if one[0] in owners]
        yield (
            len(told) == len(set(told)) == len(owed),
            f"{len(owed)} milestones, {len(told)} mails to customers, each of them once",
        )
        yield from self._orders(story, parcels)
        entries = [
            entry for kind in ("order", "shipment") for one in flow.list(kind) for entry in flow.effects(kind, one.id)
        ]
        outcomes = [outcome for entry in entries for outcome in entry.outcomes.values()]
        verified = flow.operations.verify()
        yield (
            all(outcome.status == "done" for outcome in outcomes) and not verified.findings,
            f"{len(outcomes)} effects owed, {len(outcomes)} done; `workflow verify` finds nothing wrong",
        )

    def _orders(self, story: Story, parcels: dict[str, list[Event]]) -> Iterator[tuple[bool, str]]:
        histories = {order: story.flow.history("order", order) for order in PARCELS}
        arrivals = {
            order: sum(event.source != event.target == "delivered" for event in events)
            for order, events in histories.items()
        }
        complete = {o for o, own in PARCELS.items() if all(parcels[one][-1].target == "delivered" for one in own)}
        returned = {order for order, events in histories.items() if events[-1].target == "returned"}
        due = complete - returned
        yield (
            arrivals == {order: int(order in due) for order in PARCELS},
            f"{len(due)} orders of {sum(len(PARCELS[order]) for order in due)} parcels were delivered once each, with "
            f"the last of them; {len(returned)} went another way",
        )


def backwards(events: list[Event]) -> bool:
    """Whether a parcel was moved by a scan that was older than what was known of it."""
    times = [str(event.changes["at"]) for event in events[1:] if event.changes]
    return times != sorted(times)


def milestones(events: list[Event]) -> list[str]:
    """Those that a parcel came to."""
    return [state for state in MILESTONES if any(event.target == state for event in events)]


def tell() -> bool:
    """The whole story; whether every fact at its end holds."""
    told = Parcels()
    return tell_story(
        "Parcels, on a cloud of its own, with a carrier whose reports come in any order.",
        [told.orders_leave, told.in_no_order, told.strangers, told.the_last_one, told.another_way],
        told.facts,
        counted_in="the histories, the ledger and the mailbox",
    )
