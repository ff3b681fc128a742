"""What every chapter of the demo does: asks, tells, counts, waits, and calls the command line."""

from __future__ import annotations

import contextlib
import io
import shlex
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Mapping

from rich.console import Console

from workflow import Accepted, Refused, Workflow
from workflow.cli.commands import workflow as command_line
from workflow.console.entity_history import read_history
from workflow.console.history import history_view
from workflow.local.errors import NotIdleError
from workflow.local.session import LocalCloud
from workflow.settings import read_settings

WIDTH = 110


class Story:
    """Asks for transitions, tells what came of it, and keeps count of the answers."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.flow = Workflow.from_settings(read_settings(cloud.env))
        self.answers: Counter[str] = Counter()
        self.surprises = 0
        self._chapter = 0

    def chapter(self, title: str, explanation: str) -> None:
        """Starts a chapter."""
        self._chapter += 1
        print(f"\n{self._chapter}. {title}\n   {explanation}\n")

    def create(self, kind: str, id: str, data: Mapping[str, object], *, by: str, expected: str = "accepted") -> None:
        """Creates an entity."""
        self.ask(lambda: self.flow.create(kind, id, data, by=by), expected)

    def fire(
        self,
        kind: str,
        id: str,
        trigger: str,
        payload: Mapping[str, object] | None = None,
        *,
        by: str,
        request_id: str = "",
        expected: str = "accepted",
    ) -> None:
        """Fires a trigger."""
        self.ask(lambda: self.flow.fire(kind, id, trigger, payload, by=by, request_id=request_id), expected)

    def ask(self, request: Callable[[], Accepted], expected: str = "accepted") -> None:
        """Makes the request, tells what came of it, and notes whether that was to be expected."""
        try:
            accepted = request()
        except Refused as refusal:
            answer, words = "refused", f"refused: {refusal}"
        else:
            event, answer = accepted.event, "repeated" if accepted.repeated else "accepted"
            way = f"{event.source} -> {event.target}" if event.source else event.target
            words = f"{event.kind} {event.entity_id}  {event.trigger}: {way}"
            words += f"   (the same answer: version {event.version})" if accepted.repeated else ""
        print(textwrap.fill(words, WIDTH, initial_indent="   ", subsequent_indent="      "))
        self.answers[answer] += 1
        self.surprises += answer != expected

    def wait(self) -> None:
        """Waits until the Lambda has been given everything and has acknowledged it."""
        started = time.monotonic()
        self.cloud.pump.wait_until_idle(timeout_seconds=60)
        print(f"   ... the stream's Lambda has run every hook ({time.monotonic() - started:.1f} s)")

    def wait_for_the_sweeper(self) -> None:
        """Waits until nothing is put aside any more."""
        started = time.monotonic()
        while any(self.flow.operations.parked()):
            if time.monotonic() - started > 60:
                raise NotIdleError("the sweeper has not taken up within a minute what was let go on")
            time.sleep(0.05)
        waited = time.monotonic() - started
        print(f"   ... the sweeper, once a minute on AWS and twice a second here, has taken it up ({waited:.1f} s)")

    def command(self, line: str, *, most: int | None = None) -> None:
        """Calls the `workflow` command with these words, and shows what it prints, or the first lines of it."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            # In this process, which has all of it loaded; what it prints is what a shell shows.
            command_line.main(shlex.split(line), "workflow", standalone_mode=False, obj=lambda settings: self.flow)
        print(f"   $ workflow {line}" + (f" | head -{most}" if most else ""))
        for text in printed.getvalue().rstrip().splitlines()[:most]:
            # A pipe has no width of its own, and what is a table stays one.
            shown = text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"
            print(f"     {shown}".rstrip())
        print()


def print_history(flow: Workflow, kind: str, id: str) -> None:
    """Prints one entity's events with their effects."""
    console = Console()
    # A pipe has no width of its own.
    console.width = console.width if console.is_terminal else WIDTH
    console.print(history_view(read_history(flow, kind, id)), "\n")
