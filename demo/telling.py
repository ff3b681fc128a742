"""How every story is told: a cloud of its own, chapter after chapter, and at the end the facts, counted and judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from demo.story import Story
from workflow.local.downloads import cache_folder
from workflow.local.session import local_cloud

PROJECT = Path(__file__).parents[1]
SWEEP_SECONDS = 0.5


def tell_story(
    opening: str,
    chapters: Sequence[Callable[[Story], None]],
    facts: Callable[[Story], Iterable[tuple[bool, str]]],
    *,
    counted_in: str,
    given: Mapping[str, str] = MappingProxyType({}),
    sweep_seconds: float = SWEEP_SECONDS,
) -> bool:
    """Tells a story on a local cloud, and returns whether every fact at its end holds.

    `given` are parameters of the template: where the services of this machine are that the hooks call. A fact is
    whether it holds, and what it says. Raises what `local_cloud` raises; nothing is left running in any case.
    """
    started = time.monotonic()
    print(opening)
    if not cache_folder().is_dir():
        print("The first run fetches the emulator and the libraries of the Lambda: a minute or two.")
    with local_cloud(PROJECT, sweep_seconds=sweep_seconds, given=given, on_step=_tell_step) as cloud:
        print(f"   ready at {cloud.endpoint_url} after {time.monotonic() - started:.1f} s")
        story = Story(cloud)
        for chapter in chapters:
            chapter(story)
        story.chapter("The facts", f"Counted in {counted_in}.")
        found = list(facts(story))
    holds = print_facts(found)
    print(f"\nNothing is left running. {time.monotonic() - started:.1f} s in all.")
    return holds


def print_facts(found: Sequence[tuple[bool, str]]) -> bool:
    """Prints each fact with a judgement, and returns whether all hold."""
    for holds, words in found:
        print(f"   {'ok  ' if holds else 'NOT '} {words}")
    return all(holds for holds, _ in found)


def _tell_step(step: str) -> None:
    print(f"   {step}")
