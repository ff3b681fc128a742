"""`make demo STORY=hydrate`: ten years of an old system's parcels become entities with histories, and no hook runs."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from demo.facts import read_table
from demo.hydrate.old_system import BAD, ENCODING, PARCELS, write_export
from demo.story import Story
from demo.telling import PROJECT, tell_story
from workflow.aws.bulk import records_of
from workflow.aws.client import make_client
from workflow.aws.table import TableStore
from workflow.engine.entity import Entity
from workflow.engine.events import Event, fold

MAP = "demo/hydrate/parcels.yaml"
KILLED_AFTER = PARCELS // 4
FRESH = "orders-copy"
_COPIED = ("KeySchema", "AttributeDefinitions")
_DEADLINE_SECONDS = 240


class MovingIn:
    """The chapters, and what is counted in them."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._export = folder, folder / "parcels.csv"
        self._hydrate = f"hydrate {self._export} --map {MAP} --encoding {ENCODING}"
        self._answers: dict[str, dict[str, Any]] = {}
        self._killed, self._is_unchanged = 0, False

    def the_old_system(self, story: Story) -> None:
        """What there is, and the command that comes first to mind."""
        story.chapter(
            "What the old system left", f"A CSV of {PARCELS:,} parcels since 2014. {MAP} says what its columns mean."
        )
        write_export(self._export)
        for line in self._export.read_text(encoding=ENCODING).splitlines()[:3]:
            print(f"   {line}")
        print("\n   Whoever forgets in which encoding it is has one clear line, and an empty table:")
        self._answers["refused"] = self._run(story, self._hydrate.removesuffix(f" --encoding {ENCODING}"))
        story.surprises += bool(self._items(story))

    def killed_in_the_middle(self, story: Story) -> None:
        """Killed, and called again."""
        story.chapter("Hydrated, killed, and hydrated again", "kill -9 in the middle; the same command goes on.")
        process = subprocess.Popen(
            _command(self._hydrate), cwd=PROJECT, env=_environment(story), stderr=subprocess.DEVNULL
        )
        try:
            self._killed = self._wait_for(story, KILLED_AFTER, process)
        finally:
            process.kill()
            process.wait()
        print(f"   kill -9 {process.pid}: it had come to {self._killed:,} parcels")
        began = time.monotonic()
        self._answers["first"] = self._run(story, self._hydrate)
        took = time.monotonic() - began
        answer = self._answers["first"]
        print(
            f"   {answer['loaded']:,} parcels with {answer['events']:,} events in {took:.1f} s, all of them read again"
        )

    def bad_lines(self, story: Story) -> None:
        """What was put aside."""
        story.chapter("What was put aside", f"Lines that are no parcels lie in {self._rejected.name}, each with why:")
        for one in self._put_aside():
            print(f"   line {one['line']:>4}: {one['why']}")

    def nothing_happens(self, story: Story) -> None:
        """No hook, no mail, no change."""
        story.chapter(
            "Nothing happens", "No hook runs for what is long past. The same command once more changes nothing:"
        )
        _settle(story)
        before = self._items(story)
        self._answers["again"] = self._run(story, self._hydrate)
        self._is_unchanged = self._items(story) == before
        story.command("history shipment JJD00000000")

    def life_goes_on(self, story: Story) -> None:
        """A parcel of the old system moves, and that owes a mail."""
        story.chapter("Life goes on", "A parcel that the old system had lost is found: its customer hears of it.")
        scan = {"status": "delivered", "at": "2026-11-20T10:00:00Z", "signed_by": "Krämer"}
        story.fire("shipment", "JJD00000017", "scan", scan, by="dhl")
        story.wait()

    def moved_on(self, story: Story) -> None:
        """Archived, and hydrated into a table of another name."""
        story.chapter("Moved on", "All of it archived, and hydrated into a fresh table, which becomes the same.")
        _create_like(story, FRESH)
        folder = self._folder / "archive"
        self._answers["archived"] = self._run(story, f"archive {folder}")
        self._answers["moved"] = self._run(story, f"--table {FRESH} hydrate {folder}")

    def facts(self, story: Story) -> Iterator[tuple[bool, str]]:
        """What was counted."""
        yield (
            not story.surprises
            and self._answers["refused"]["loaded"] == 0
            and "--encoding latin-1" in self._answers["refused"]["told"][0],
            "read in the wrong encoding: one error with file, line, column and the way out; nothing was written",
        )
        first = self._answers["first"]
        yield (
            0 < self._killed < PARCELS
            and first["loaded"] + first["there"] == PARCELS + 1
            and first["checked"] >= PARCELS,
            f"{PARCELS:,} parcels, killed in the middle and hydrated again: each one once, each read again and right",
        )
        aside = self._put_aside()
        yield (
            first["wrong"] == len(aside) == BAD and "@" not in "".join(one["why"] for one in aside),
            f"{len(aside)} bad lines put aside with number and reason, which quotes no address; the rest went on",
        )
        yield from self._histories(story)
        yield (
            self._answers["again"]["loaded"] == 0
            and self._answers["again"]["there"] == PARCELS + 1
            and self._is_unchanged,
            "the same command once more changed no item of the table",
        )
        mails = [mail.recipients for mail in story.cloud.mails()]
        yield (
            len(mails) == 1,
            f"no hook ran for what happened: {len(mails)} mail, for the one parcel that moved since",
        )
        yield self._is_the_same(story), f"archived and hydrated into {FRESH}: entities, events and times are the same"
        found = story.flow.operations.verify()
        yield (
            not found.findings and not found.unknown,
            f"`workflow verify` finds nothing wrong with {found.entities:,} entities, {found.events:,} events, "
            f"{found.effects:,} effects",
        )

    def _histories(self, story: Story) -> Iterator[tuple[bool, str]]:
        listed = [one.id for one in story.flow.list("shipment")]
        histories = {id: list(story.flow.history("shipment", id)) for id in listed[::20]}
        whole = all(
            [event.version for event in events] == list(range(1, len(events) + 1))
            and fold(events) == story.flow.get("shipment", id)
            for id, events in histories.items()
        )
        yield (
            whole and len(listed) == PARCELS,
            f"{len(listed):,} shipments; of {len(histories)} looked at, each history is 1..n and makes its entity",
        )

    def _is_the_same(self, story: Story) -> bool:
        ours, theirs = (_histories(story, table) for table in (story.cloud.stack.table_name, FRESH))
        return ours == theirs and self._answers["archived"]["entities"] == self._answers["moved"]["loaded"] == PARCELS

    @property
    def _rejected(self) -> Path:
        return self._export.with_name(f"{self._export.name}.rejected.jsonl")

    def _put_aside(self) -> list[dict[str, Any]]:
        lines = self._rejected.read_text(encoding="utf-8").splitlines()
        return sorted(map(json.loads, lines), key=lambda one: int(one["line"]))

    def _items(self, story: Story) -> list[dict[str, Any]]:
        return read_table(story.cloud, story.cloud.stack.table_name)

    def _wait_for(self, story: Story, parcels: int, process: subprocess.Popen[bytes]) -> int:
        """Waits until so many have arrived, and returns how many it were when somebody looked."""
        client = make_client("dynamodb", endpoint_url=story.cloud.endpoint_url)
        deadline = time.monotonic() + _DEADLINE_SECONDS
        arrived = 0
        while arrived < parcels and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
            arrived = client.query(
                TableName=story.cloud.stack.table_name,
                IndexName="by_state",
                KeyConditionExpression="listed = :listed",
                ExpressionAttributeValues={":listed": {"S": "shipment#delivered"}},
                Select="COUNT",
            )["Count"]
        return int(arrived)

    def _run(self, story: Story, line: str) -> dict[str, Any]:
        """Runs the command in a process of its own, shows what it answers, and returns that."""
        done = subprocess.run(
            _command(f"{line} --json"), cwd=PROJECT, env=_environment(story), capture_output=True, text=True
        )
        assert done.stdout, f"{line}: {done.stderr}"
        answer: dict[str, Any] = json.loads(done.stdout)
        shown = line.replace(f"{self._folder}/", "")
        print(f"   $ workflow {shown}")
        for told in answer.get("told", ())[:1]:
            print(f"     not loaded: {told}".replace(f"{self._folder}/", ""))
        counts = ("loaded", "there", "checked", "wrong", "entities", "events", "parts")
        print("     " + ", ".join(f"{answer[name]:,} {name}" for name in counts if name in answer) + "\n")
        return answer


def _settle(story: Story) -> None:
    """As Story.wait, for as many records as come at once here."""
    began = time.monotonic()
    story.cloud.pump.wait_until_idle(timeout_seconds=_DEADLINE_SECONDS)
    print(f"   ... the stream's Lambda has seen every parcel ({time.monotonic() - began:.1f} s)")


def _command(line: str) -> list[str]:
    return [sys.executable, "-m", "workflow", *shlex.split(line)]


def _environment(story: Story) -> dict[str, str]:
    return {**os.environ, **story.cloud.env}


def _histories(story: Story, table: str) -> dict[str, tuple[Entity | None, Sequence[Event]]]:
    """Every entity of the table with its events."""
    client = make_client("dynamodb", endpoint_url=story.cloud.endpoint_url)
    found = records_of(TableStore(client, table)).all(0, 1)
    return {one.entity_id: (one.entity, one.events) for one in found}


def _create_like(story: Story, name: str) -> None:
    """A table of the same shape, empty."""
    client = make_client("dynamodb", endpoint_url=story.cloud.endpoint_url)
    described = client.describe_table(TableName=story.cloud.stack.table_name)["Table"]
    indexes = [
        {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
        for index in described["GlobalSecondaryIndexes"]
    ]
    shape = {key: described[key] for key in _COPIED}
    client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", GlobalSecondaryIndexes=indexes, **shape)


def tell() -> bool:
    """The whole story; whether every fact at its end holds."""
    with tempfile.TemporaryDirectory(prefix="hydrate-") as folder:
        told = MovingIn(Path(folder))
        return tell_story(
            "Moving in, on a cloud of its own: an old system's parcels become entities with histories.",
            [
                told.the_old_system,
                told.killed_in_the_middle,
                told.bad_lines,
                told.nothing_happens,
                told.life_goes_on,
                told.moved_on,
            ],
            told.facts,
            counted_in="the tables, the mailbox, and what the commands answered",
            # Nothing here waits for a sweep, and each looks through all that is owed.
            sweep_seconds=60,
        )
