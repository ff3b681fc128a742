"""`workflow dev`: everything running, what happens told as it happens, redeployed when a file changes."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from workflow.errors import WorkflowError
from workflow.local.deploy import Deployer
from workflow.local.errors import LocalCloudError
from workflow.local.feed import Feed
from workflow.local.layout import read_layout
from workflow.local.pump import Delivery
from workflow.local.sam import SamDeployer
from workflow.local.schedule import Sweep
from workflow.local.session import LocalCloud, local_cloud
from workflow.local.watched import Watched

_SETTLE_MS = 100
# boto3 reads only AWS_DEFAULT_REGION, other SDKs only AWS_REGION.
_EXPORTED = (
    *("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_REGION"),
    "WORKFLOW_TABLE",
)


def run_dev(project: Path, show: Callable[[str], None], *, by_sam: bool = False, then: str = "") -> int:
    """Run the project in an embedded cloud until Ctrl-C or SIGTERM; `show` gets every line, from several threads.

    `by_sam`: the AWS SAM CLI builds and deploys it, as it does for AWS. `then` is a command that gets the variables
    that lead to the cloud; when it ends all of it does, and its exit code is returned, else 0. Raises LocalCloudError
    or DefinitionError if it cannot start. A mistake made later is shown, and what was deployed before goes on working.
    """
    project = project.resolve()
    feed, code = Feed(), 0

    def on_delivery(delivery: Delivery) -> None:
        for line in feed.lines_of(delivery):
            show(line)

    def on_sweep(sweep: Sweep) -> None:
        for line in feed.lines_of_sweep(sweep):
            show(line)

    with _stopped_by_signals() as stop:
        try:
            with local_cloud(
                project,
                on_delivery=on_delivery,
                on_sweep=on_sweep,
                on_step=show,
                deployer=SamDeployer if by_sam else Deployer,
            ) as cloud:
                _introduce(cloud, show)
                if then:
                    code = _run(then, cloud)
                else:
                    _follow(cloud, show, stop)
        except KeyboardInterrupt:
            pass
        show("stopped")
    return code


def _introduce(cloud: LocalCloud, show: Callable[[str], None]) -> None:
    show(f"ready at {cloud.endpoint_url}; in another terminal:")
    for name in _EXPORTED:
        show(f"    export {name}={cloud.env.get(name, '')}")

    for title, address in (("webhooks", cloud.webhook_url), ("entities", cloud.api_url)):
        if address:
            show(f"{title} over HTTP: {address}")


def _run(command: str, cloud: LocalCloud) -> int:
    try:
        return subprocess.run(shlex.split(command), env={**os.environ, **cloud.env}, cwd=cloud.project).returncode
    except (OSError, ValueError) as error:
        raise LocalCloudError(f"`{command}` cannot be run: {error}") from None


def _follow(cloud: LocalCloud, show: Callable[[str], None], stop: threading.Event) -> None:
    # Here and not above: the rest of this floor works without it.
    from watchfiles import watch

    watched = Watched(read_layout(cloud.project))
    _announce(watched, show)
    while not stop.is_set():
        folders = watched.folders
        for changes in watch(
            *folders, stop_event=stop, step=_SETTLE_MS, recursive=False, raise_interrupt=True, watch_filter=None
        ):
            if names := watched.among(path for _, path in changes):
                show(f"changed: {', '.join(names)}")
                _redeploy(cloud, show)
                watched = _renewed(watched, show)
            if watched.folders != folders:
                break


def _announce(watched: Watched, show: Callable[[str], None]) -> None:
    show(f"watching {', '.join(watched.names)}; Ctrl-C stops everything")


def _redeploy(cloud: LocalCloud, show: Callable[[str], None]) -> None:
    try:
        show(f"deployed again in {cloud.redeploy():.1f} s")
    except WorkflowError as error:
        show(f"not deployed:\n{error}")


def _renewed(watched: Watched, show: Callable[[str], None]) -> Watched:
    """Return what the settings say now; those of a file that cannot be read were told already, and change nothing."""
    try:
        renewed = Watched(read_layout(watched.layout.project))
    except WorkflowError:
        return watched
    if renewed.names != watched.names:
        _announce(renewed, show)
    return renewed


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
