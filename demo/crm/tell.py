"""`make demo STORY=crm`: hundreds of changes in few calls; a CRM that is down, forgetful, and spoiled by one record."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from demo.crm.crm_server import CrmServer, crm_server
from demo.story import Story
from demo.telling import tell_story

SPOILED = "fair-07"
REFUSED = "fair-11"
FAIR = [f"fair-{number:02}" for number in range(1, 41)]
IMPORTED = [f"import-{number:03}" for number in range(1, 201)]
SLOW_SECONDS = 0.4


class Crm:
    """The chapters, and what is measured in them."""

    def __init__(self, crm: CrmServer) -> None:
        self._crm = crm
        self._calls_of_import: list[tuple[int, int]] = []

    def many_change(self, story: Story) -> None:
        """Two hundred contacts are imported."""
        story.chapter(
            "An import", f"{len(IMPORTED)} contacts are written. The CRM takes {SLOW_SECONDS} s for each call."
        )
        self._crm.slow_seconds = SLOW_SECONDS
        self._create(story, IMPORTED)
        story.wait()
        self._crm.slow_seconds = 0
        self._calls_of_import = list(self._crm.calls)
        print(f"   {len(IMPORTED)} contacts in {len(self._crm.calls)} calls: {[size for size, _ in self._crm.calls]}")

    def it_is_down(self, story: Story) -> None:
        """The CRM is down; what changes meanwhile is written when it is back, in order."""
        story.chapter("The CRM is down", "Ten contacts change, and change again. Nobody waits but the effects.")
        self._crm.is_down = True
        for one in IMPORTED[:10]:
            story.fire("contact", one, "opt_out", by="web")
        for one in IMPORTED[:10]:
            story.flow.fire("contact", one, "change", {"name": "Ada Lovelace"}, by="sales")
        story.wait()
        story.command("parked", most=4)
        self._crm.is_down, self._crm.busy, self._crm.cuts = False, 1, 1
        print("   The CRM is up again, turns a call away first, and forgets to answer another one:")
        story.wait_for_the_sweeper()

    def a_bad_record(self, story: Story) -> None:
        """One record spoils every call that it is in, another one is refused by its name."""
        story.chapter(
            "Two bad records", f"{SPOILED} has the CRM refuse whole calls; {REFUSED} is refused by name, in a good one."
        )
        self._crm.chokes_on.add(_email(SPOILED))
        self._crm.refuses.add(_email(REFUSED))
        before = len(self._crm.calls)
        self._crm.slow_seconds = SLOW_SECONDS
        self._create(story, FAIR)
        story.wait()
        self._crm.slow_seconds = 0
        print(f"   calls (records, answer): {self._crm.calls[before:]}")
        story.command(f"explain contact {SPOILED}", most=6)

    def they_are_put_right(self, story: Story) -> None:
        """A person corrects the contacts, and lets them go on."""
        story.chapter("Somebody puts them right", "The addresses are corrected; what cannot be written is skipped.")
        for one in (SPOILED, REFUSED):
            story.fire("contact", one, "change", {"email": f"right-{one}@example.com"}, by="sales")
            story.command(f"skip contact {one} --reason 'the address was wrong'")
        story.wait()
        story.wait_for_the_sweeper()

    def facts(self, story: Story) -> Iterator[tuple[bool, str]]:
        """What was counted."""
        calls = len(self._calls_of_import)
        # The busier the machine, the slower they are written, and the fewer of them wait for a call.
        yield calls <= len(IMPORTED) / 5, f"{len(IMPORTED)} contacts were imported in {calls} calls"
        contacts = list(story.flow.list("contact"))
        current = [one.id for one in contacts if self._crm.versions(one.id)[-1:] == [one.version]]
        yield len(current) == len(contacts), f"the CRM has the newest version of {len(current)} of {len(contacts)}"
        ordered = [one.id for one in contacts if self._crm.versions(one.id) == sorted(self._crm.versions(one.id))]
        yield len(ordered) == len(contacts), f"it was told of {len(ordered)} of them in the order of their versions"
        stand = {
            one.id: [o.status for entry in story.flow.effects("contact", one.id) for o in entry.outcomes.values()]
            for one in contacts
        }
        skipped = [one for one, found in stand.items() if "skipped" in found]
        yield skipped == [SPOILED, REFUSED], f"2 bad records held up nobody: only {' and '.join(skipped)} were skipped"
        done = sum(found.count("done") for found in stand.values())
        owed = sum(map(len, stand.values()))
        yield done == owed - 2 and not story.surprises, f"{owed} effects owed, {done} committed, {owed - done} skipped"

    def _create(self, story: Story, ids: Sequence[str]) -> None:
        began = time.perf_counter()
        for one in ids:
            story.flow.create("contact", one, {"email": _email(one), "name": "Ada"}, by="import")
        print(f"   {len(ids)} contacts written ({time.perf_counter() - began:.1f} s)")


def _email(contact: str) -> str:
    return f"{contact}@example.com"


def tell() -> bool:
    """The whole story; whether every fact at its end holds."""
    with crm_server() as server:
        told = Crm(server)
        return tell_story(
            "Contacts and a CRM, on a cloud of its own, with a CRM on this machine that fails.",
            [told.many_change, told.it_is_down, told.a_bad_record, told.they_are_put_right],
            told.facts,
            counted_in="the table, and in the CRM",
            given={"CrmUrl": server.url},
        )
