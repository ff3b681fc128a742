"""The engines, each started once and only when a test asks for it; without its engine a test fails."""

from __future__ import annotations

import re
import signal
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

# Before any client is made: moto reaches only botocore sessions that are younger than itself.
import moto as moto
import pytest

from tests.fakes.clock import FakeClock
from workflow.local.dynamodb_local import DynamoDBLocal
from workflow.local.embedded_cloud import EmbeddedCloud


@pytest.fixture(scope="session")
def dynamodb_local_url() -> Iterator[str]:
    """Where DynamoDB Local answers."""
    with DynamoDBLocal() as engine:
        yield engine.endpoint_url


@pytest.fixture(scope="session")
def ministack_url() -> Iterator[str]:
    """Where an embedded cloud of the tables' own answers."""
    with EmbeddedCloud() as cloud:
        yield cloud.endpoint_url


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session", autouse=True)
def _own_temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A folder for temporary files that no other process shares: tests look at what is left behind there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("temporary")))
        # What is kept of an earlier look at TMPDIR.
        patch.setattr(tempfile, "tempdir", None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_reaches_what_tests_start() -> None:
    """Also where a shell started the tests in its background, with SIGINT ignored: children inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


# Not `demo`: each has a cloud of its own, and all build in the repository's own folder, one over the other.
_CLOUDS = ("ci", "deployed", "stack", "demo")
_DEPLOYING = ("tests/acceptance/", "tests/integration/local/")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Keeps tests on the same cloud in one of several processes: deploying one takes longer than most tests."""
    # Here and not above: where there is one process, nothing else needs it.
    from xdist.scheduler import LoadScopeScheduling

    class OneProcessACloud(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return cloud_of(config.rootpath / file) if file.startswith(_DEPLOYING) else nodeid

    return OneProcessACloud(config, log)


@cache
def cloud_of(file: Path) -> str:
    """What the tests of the file share with others, by an argument's name; the file's name where they share nothing."""
    arguments = re.findall(r"\b(\w+): ", file.read_text(encoding="utf-8"))
    return next((cloud for cloud in _CLOUDS if cloud in arguments), file.stem)


_FIGURE = "figure"


@pytest.fixture
def tell_figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Keeps one measured figure for the end of the run's output."""
    # With the test's report, which reaches the process that writes the output.
    return lambda figure: request.node.user_properties.append((_FIGURE, figure))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    figures = [str(figure) for report in reports for name, figure in report.user_properties if name == _FIGURE]
    if figures:
        terminalreporter.section("figures")
        for figure in figures:
            terminalreporter.write_line(figure)
