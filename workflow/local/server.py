"""A server in a process group of its own, on a free loopback port, gone when we are gone."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from workflow.local.errors import StartEngineError

LOOPBACK = "127.0.0.1"
_LOG = "server.log"
_LOG_TAIL_LINES = 15
_START_ATTEMPTS = 3
_SUPERVISOR = Path(__file__).with_name("supervisor.py")


def free_port() -> int:
    """Return a loopback port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


class Server:
    """A context manager around one engine process; inside it, `endpoint_url` answers.

    `command` and `environment` are asked for with the port and the working folder once those are known.
    Raises StartEngineError on entry if the port does not answer within `start_timeout_seconds`.
    """

    def __init__(self, name: str, *, start_timeout_seconds: float = 30) -> None:
        self.name = name
        self.endpoint_url = ""
        self._start_timeout_seconds = start_timeout_seconds
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def command(self, port: int) -> list[str]:
        """Return the command line that serves `port`."""
        raise NotImplementedError

    def environment(self, port: int, folder: Path) -> Mapping[str, str]:
        """Return the whole environment of the process; `folder` is removed with it."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        for attempts_left in reversed(range(_START_ATTEMPTS)):
            try:
                self._start(free_port())
            except StartEngineError as error:
                # Another process may have taken the port between our look and the server's.
                self.stop()
                if not attempts_left or "in use" not in str(error):
                    raise
            except BaseException:
                self.stop()
                raise
            else:
                return self
        raise AssertionError("unreachable")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Kill the process group and remove its files; harmless when it is not running."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(timeout=60)
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def log_tail(self) -> str:
        """Return the last lines the server wrote, for an error message."""
        assert self._folder is not None
        lines = (self._folder / _LOG).read_text(errors="replace").splitlines()
        return "\n".join(lines[-_LOG_TAIL_LINES:])

    def _start(self, port: int) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="stream-workflow-"))
        supervisor = [sys.executable, "-I", "-S", str(_SUPERVISOR), str(self._folder)]
        with (self._folder / _LOG).open("wb") as log:
            self._process = subprocess.Popen(
                supervisor + self.command(port),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env=dict(self.environment(port, self._folder)),
                start_new_session=True,
            )
        self._wait_until_answering(port)
        self.endpoint_url = f"http://{LOOPBACK}:{port}"

    def _wait_until_answering(self, port: int) -> None:
        deadline = time.monotonic() + self._start_timeout_seconds
        assert self._process is not None
        while not answers(port):
            if self._process.poll() is not None:
                raise StartEngineError(f"{self.name} ended while starting. Its last words:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise StartEngineError(
                    f"{self.name} did not answer on port {port} within {self._start_timeout_seconds:g} s. "
                    f"Its last words:\n{self.log_tail()}"
                )
            time.sleep(0.02)


def answers(port: int) -> bool:
    """Return whether an HTTP server answers on a loopback port, be it with an error."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    else:
        return True
    finally:
        connection.close()


def clean_environment(without: Callable[[str], bool]) -> dict[str, str]:
    """Return our own environment less the variables that `without` names."""
    return {name: value for name, value in os.environ.items() if not without(name)}
