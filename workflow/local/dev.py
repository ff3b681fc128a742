"""`workflow dev`: everything running, what happens told as it happens, redeployed when a file changes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from workflow.errors import WorkflowError
from workflow.local.feed import lines_of
from workflow.local.pump import Delivery
from workflow.local.session import TEMPLATE, LocalCloud, local_cloud

_WATCHED = ("definitions", "handlers", TEMPLATE)
_SETTLE_MS = 100


def run_dev(project: Path, show: Callable[[str], None]) -> None:
    """Run the project in an embedded cloud until Ctrl-C or SIGTERM; `show` gets every line, from several threads.

    Raises LocalCloudError or DefinitionError if it cannot start. A mistake made later is shown, and what was deployed
    before goes on working.
    """
    project = project.resolve()

    def on_delivery(delivery: Delivery) -> None:
        for line in lines_of(delivery):
            show(line)

    with _stopped_by_signals() as stop:
        try:
            with local_cloud(project, on_delivery=on_delivery, on_step=show) as cloud:
                _introduce(cloud, show)
                _follow(cloud, show, stop)
        except KeyboardInterrupt:
            pass
        show("stopped")


def _introduce(cloud: LocalCloud, show: Callable[[str], None]) -> None:
    show(f"ready at {cloud.endpoint_url}; in another terminal:")
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "WORKFLOW_TABLE"):
        show(f"    export {name}={cloud.env.get(name, '')}")
    show(f"watching {', '.join(_WATCHED)}; Ctrl-C stops everything")


def _follow(cloud: LocalCloud, show: Callable[[str], None], stop: threading.Event) -> None:
    # Here and not above: the rest of this floor works without it.
    from watchfiles import watch

    paths = [path for name in _WATCHED if (path := cloud.project / name).exists()]
    for changes in watch(*paths, stop_event=stop, step=_SETTLE_MS, raise_interrupt=True):
        names = sorted({str(Path(path).relative_to(cloud.project)) for _, path in changes if "__pycache__" not in path})
        if not names:
            continue
        show(f"changed: {', '.join(names)}")
        try:
            show(f"deployed again in {cloud.redeploy():.1f} s")
        except WorkflowError as error:
            show(f"not deployed:\n{error}")


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """Yield an event; SIGTERM then raises KeyboardInterrupt as Ctrl-C does, so both take the same way out."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        stop.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)
