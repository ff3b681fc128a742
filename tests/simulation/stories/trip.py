"""The trip: a company that sells out, is down, and forgets to say what it did. What is not kept is given back, once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

import handlers.travel
import handlers.trip
from demo.trip.company import PARTS, Company, trip_of
from handlers.travel import TravelDownError
from tests.simulation.stories.in_place import put_in_place
from workflow.definition.load import load_definitions
from workflow.definition.undo_names import undone_effect
from workflow.runtime.hooks import Hooks
from workflow.runtime.records import EntityRecords
from workflow.testing.simulation import Scenario

_DEFINITION = Path(__file__).parents[3] / "definitions" / "trip.yaml"
_BOOKED, _OVER = ("confirmed", "travelled"), ("failed", "cancelled")
_LAST_WORDS = ("send_apology", "send_cancellation")
_PARTS = handlers.trip._PARTS


class _World:
    """The company, which fails at some of its calls, and the mails: what was bought and not given back when each one
    was first sent."""

    def __init__(self) -> None:
        self.company, self.mails = Company(), dict[str, set[str]]()

    def begin(self) -> None:
        """Begins anew, in the place of what is outside."""
        put_in_place(handlers.travel, _call=self.call)
        put_in_place(handlers.trip, send_mail=self.send)
        self.company, self.mails = Company(), {}

    def send(self, to: str, subject: str, text: str, *, key: str) -> None:
        """Stands for `send_mail`."""
        trip = trip_of(key)
        self.mails.setdefault(key, self._keys("buys", trip) - self._keys("gives back", trip))

    def call(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> object:
        """Stands for the way to the company."""
        company, turn = self.company, self.company.calls % 11
        company.down = {path.split("/")[1]} if turn == 4 else set()
        company.sold_out = {*PARTS} if turn == 7 else set()
        company.cuts = int(turn == 9)
        status, said = company.answer(method, path, unquote((headers or {}).get("Idempotency-Key", "")))
        if not status:
            raise TravelDownError("nobody knows")
        if status >= 300:
            handlers.travel._refuse(f"{method} {path}: {status}", status)
        return said

    def _keys(self, what: str, trip: str) -> set[str]:
        return {one.key for one in self.company.done if (one.what, one.trip) == (what, trip)}

    def check(self, trips: Sequence[EntityRecords]) -> None:
        """The rule of the story; what a person skipped is that person's business."""
        for found in trips:
            self._check(found, _skipped(found))

    def _check(self, found: EntityRecords, skipped: set[str]) -> None:
        trip, state = found.entity_id, found.entity.state if found.entity else ""
        done = [one for one in self.company.done if one.trip == trip and one.key not in skipped]
        bought = [one.key for one in done if one.what == "buys"]
        back = [one.key for one in done if one.what == "gives back"]
        if state in _BOOKED:
            parts = {one.part for one in done} | {_PARTS.get(_hook(key), "") for key in skipped}
            assert parts >= {*PARTS}, f"{trip} is {state}, and not all of it is bought: {done}"
        expected = bought[::-1] if state in _OVER else []
        assert back == expected, f"{trip} is {state}, and given back is {back}"
        self._check_mails(trip, state, skipped)

    def _check_mails(self, trip: str, state: str, skipped: set[str]) -> None:
        ends = {key: kept for key, kept in self.mails.items() if trip_of(key) == trip and _hook(key) in _LAST_WORDS}
        for key, kept in ends.items():
            assert kept <= skipped, f"{key} was sent before {kept - skipped} was given back"
        is_skipped = any(_hook(key) in _LAST_WORDS for key in skipped)
        assert is_skipped or len(ends) == (state in _OVER), f"{trip} is {state}, and the customer was told {ends}"


def _skipped(found: EntityRecords) -> set[str]:
    """The keys of the effects that a person skipped, and of those whose undo was."""
    skipped = [
        (entry.version, name)
        for entry in found.entries
        for name, outcome in entry.outcomes.items()
        if outcome.status == "skipped"
    ]
    return _keys(found, skipped) | _keys(found, (undone_effect(name) for _, name in skipped))


def _keys(found: EntityRecords, effects: Iterable[tuple[int, str]]) -> set[str]:
    return {f"{found.kind}#{found.entity_id}#{version}#{name}" for version, name in effects}


def _hook(key: str) -> str:
    return key.rpartition("#")[2]


def scenario() -> Scenario:
    """The shipped trips, with a company of their own."""
    world = _World()
    definitions = load_definitions(_DEFINITION)
    return Scenario(definitions, Hooks([handlers.trip]), before_each=world.begin, check_records=world.check)
