"""`make demo STORY=ci`: the whole story, from an empty cloud to its facts."""

from __future__ import annotations

import time
from pathlib import Path

from demo.ci.facts import CiFacts, mails_told, table_of_jobs
from demo.ci.picture import picture
from demo.ci.service import TIMER, ci_service
from demo.ci.story import CHAPTERS, TIME_OUT, CiStory, Moves
from workflow.local.downloads import cache_folder

SWEEP_SECONDS = 0.5


def tell(picture_file: Path | None = None) -> bool:
    """The whole story; whether every fact at its end holds. `picture_file` gets the lanes as an SVG."""
    started = time.monotonic()
    print("A CI scheduler on a cloud of its own, with a GitHub on this machine. Builds are real, and small.")
    print(f"One thing differs from definitions/job.yaml: `{TIMER}` is `{TIME_OUT}` here, as nobody would wait for it.")
    if not cache_folder().is_dir():
        print("The first run fetches the emulator and the libraries of the Lambda: a minute or two.")
    moves = Moves()
    with ci_service(
        TIME_OUT, sweep_seconds=SWEEP_SECONDS, on_delivery=moves.note, on_step=lambda step: print(f"   {step}")
    ) as service:
        up = time.monotonic()
        print(f"   ready at {service.cloud.endpoint_url} after {up - started:.1f} s")
        story = CiStory(service, moves)
        for chapter in CHAPTERS:
            chapter(story)
        facts = CiFacts(service, story.answers, story.refused, story.surprises)
        story.chapter("What the world was told", "Twelve pushes, by their jobs.")
        for line in [*table_of_jobs(service, facts.histories), "", *mails_told(service.cloud.mails())]:
            print(f"   {line}".rstrip())
        story.chapter("The facts", "Counted in the histories, on GitHub, in the mailbox, and in what builds left.")
        found = list(facts.lines())
        told = time.monotonic() - up
    for holds, words in found:
        print(f"   {'ok  ' if holds else 'NOT '} {words}")
    if picture_file is not None:
        picture_file.write_text(picture(facts.histories), encoding="utf-8")
        print(f"\nThe lanes as a picture: {picture_file}")
    print(f"\nNothing is left running. {told:.1f} s of story, {time.monotonic() - started:.1f} s in all.")
    return all(holds for holds, _ in found)
