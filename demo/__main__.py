"""The stories that `make demo` tells: `make demo` the main one, `make demo STORY=ci` another.

With `--picture FILE`, the stories of the CI scheduler and of a trace draw what they tell as well.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

from workflow import WorkflowError

STORIES = {
    "main": "demo.shop",
    "ci": "demo.ci.tell",
    "payment": "demo.payment.tell",
    "shipment": "demo.shipment.tell",
    "pubsub": "demo.pubsub.tell",
    "signup": "demo.signup.tell",
    "hydrate": "demo.hydrate.tell",
    "crm": "demo.crm.tell",
    "trip": "demo.trip.tell",
    "trace": "demo.trace.tell",
}
"""Where each story is told: a module with `tell`, which returns whether every fact at its end holds."""

PICTURED = ("ci", "trace")
"""Stories that can draw: their `tell` takes the file, or None."""


def story_of(arguments: Sequence[str]) -> Callable[[], bool]:
    """The story that the arguments ask for; exits with one line if there is none of that name."""
    parser = argparse.ArgumentParser(prog="demo")
    parser.add_argument("story", nargs="?", default="main", metavar="STORY", help=f"one of {', '.join(STORIES)}")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="where ci or trace draws (SVG, PNG)")
    asked = parser.parse_args(arguments)
    if asked.story not in STORIES:
        print(f"there is no story {asked.story!r}; known: {', '.join(sorted(STORIES))}", file=sys.stderr)
        raise SystemExit(2)
    # Here and not above: no story needs what another one does.
    tell: Callable[..., bool] = import_module(STORIES[asked.story]).tell
    return partial(tell, asked.picture) if asked.story in PICTURED else tell


def main() -> int:
    """Tells the story; the exit code says whether every fact at its end holds."""
    story = story_of(sys.argv[1:])
    # A polite kill takes the same way out as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return 0 if story() else 1
    except WorkflowError as error:
        print(f"the demo stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; nothing is left running", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
