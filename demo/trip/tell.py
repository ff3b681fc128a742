"""`make demo STORY=trip`: a flight, a hotel, and no car; what was done is taken back, the last first, once each."""

from __future__ import annotations

from collections.abc import Iterator

from demo.story import Story
from demo.telling import tell_story
from demo.trip.company import PARTS, Company, open_company

GOOD, NO_CAR, CHANGED_MIND, DOWN = "T-1", "T-2", "T-3", "T-4"
LOST = "T-5"
OVER = (NO_CAR, CHANGED_MIND, DOWN)
BACK = [("gives back", part) for part in reversed(PARTS)]


class Trips:
    """The chapters, and what came of them."""

    def __init__(self, company: Company) -> None:
        self._company = company

    def all_is_well(self, story: Story) -> None:
        """A trip as it should be, and one whose hotel took its time to say so."""
        story.chapter("A trip", "A payment, a flight, a hotel and a car, one after the other. Each step is a state.")
        self._ask(story, GOOD)
        story.command(f"history trip {GOOD}")
        print("   Another one, and an answer is lost after the company has done what it was asked for:")
        self._company.cuts = 1
        self._ask(story, LOST)
        story.wait_for_the_sweeper()

    def no_car(self, story: Story) -> None:
        """The third booking cannot be had."""
        story.chapter("No car is left", "`catch` fires `fail`, which says `compensate: true`.")
        self._company.sold_out.add("cars")
        self._ask(story, NO_CAR)
        story.command(f"history trip {NO_CAR}")
        self._company.sold_out.clear()

    def changes_their_mind(self, story: Story) -> None:
        """A confirmed trip is cancelled."""
        story.chapter("Not going after all", "A confirmed trip is cancelled: the same hooks, no line of code more.")
        self._ask(story, CHANGED_MIND)
        story.fire("trip", CHANGED_MIND, "cancel", by="ada")
        story.wait()

    def down_in_the_middle(self, story: Story) -> None:
        """What takes back fails like anything else, and stays visible."""
        story.chapter("The hotel is out of order", "Just when it is to be cancelled. Nothing is forgotten meanwhile.")
        self._ask(story, DOWN)
        self._company.down.add("hotels")
        story.fire("trip", DOWN, "cancel", by="ada")
        story.wait()
        story.command(f"explain trip {DOWN}", most=6)
        self._company.down.clear()
        print("   The hotel works again:")
        story.command(f"redrive trip {DOWN}")
        story.wait_for_the_sweeper()

    def facts(self, story: Story) -> Iterator[tuple[bool, str]]:
        """What was counted."""
        changed = {trip: self._company.changed(trip) for trip in (GOOD, LOST, *OVER)}
        bought = [("buys", part) for part in PARTS]
        yield (
            changed[GOOD] == changed[LOST] == bought and not story.surprises,
            f"2 confirmed trips have all {len(PARTS)} parts, none of them twice, and nothing was given back",
        )
        yield (
            changed[NO_CAR] == [*bought[:3], *BACK[1:]],
            "the trip without a car: hotel, flight and money were given back, in that order, once each",
        )
        yield (
            changed[CHANGED_MIND] == changed[DOWN] == bought + BACK,
            "2 cancelled trips: all 4 parts were given back, the last first, once each",
        )
        kept = sum(len(found) - 2 * len([one for one in found if one[0] == "gives back"]) for found in changed.values())
        yield kept == 2 * len(PARTS), f"{kept} parts are bought and not given back: those of the 2 confirmed trips"
        mails = [mail.subject for mail in story.cloud.mails()]
        told = {subject: mails.count(subject) for subject in dict.fromkeys(mails)}
        yield (
            told == {"Your trip is booked": 4, "Your trip could not be booked": 1, "Your trip is cancelled": 2},
            f"{len(mails)} mails: " + ", ".join(f"{count} x {subject!r}" for subject, count in told.items()),
        )
        verified = story.flow.operations.verify()
        yield (
            not verified.findings,
            f"`workflow verify`: {verified.events} events, {verified.effects} effects, every promise holds",
        )

    def _ask(self, story: Story, trip: str) -> None:
        wanted = {"email": f"{trip.lower()}@example.com", "currency": "EUR", "price": "1290.00"}
        story.create("trip", trip, wanted, by="shop")
        story.wait()


def tell() -> bool:
    """The whole story; whether every fact at its end holds."""
    with open_company() as company:
        trips = Trips(company)
        return tell_story(
            "Trips, on a cloud of its own, bought from a company on this machine.",
            [trips.all_is_well, trips.no_car, trips.changes_their_mind, trips.down_in_the_middle],
            trips.facts,
            counted_in="the table, in the mailbox, and at the company",
            given={"TravelUrl": company.url},
        )
