"""A shop in memory with a clock that the tests own, and the command line on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.fakes.uses import using
from workflow import Effect, Workflow, hook
from workflow.cli.commands import workflow
from workflow.definition.definition import Definitions, Retry
from workflow.definition.load import load_definitions
from workflow.testing import MemoryDelivery, MemoryStore

ORDER = """\
kind: order
version: 1
initial: placed
data:
  email:    {type: string, sensitive: true}
  total:    {type: decimal}
  code:     {type: string, optional: true}
  express:  {type: boolean, optional: true}
  lines:    {type: list, optional: true}
  carrier:  {type: string, optional: true}
states:
  placed:
    after: {30m: expire}
  paid:
    on_enter: [send_receipt, charge_loyalty, tell_warehouse]
  shipped: {}
  delivered: {final: true}
  cancelled: {final: true}
transitions:
  pay:
    from: placed
    to: paid
    requires: {amount: decimal}
    guard: payload.amount >= data.total
  ship:    {from: paid, to: shipped, sets: [carrier]}
  deliver: {from: shipped, to: delivered}
  cancel:  {from: [placed, paid], to: cancelled, requires: {reason: string}}
  expire:  {from: placed, to: cancelled}
"""


class OwnedClock:
    """Time passes only when a test says so; ids count up."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 28, 22, 59, 58, tzinfo=UTC)
        self._ids = 0

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)

    def new_id(self) -> str:
        self._ids += 1
        return f"id-{self._ids}"

    def jitter(self) -> float:
        return 0.5


@pytest.fixture
def clock() -> OwnedClock:
    return OwnedClock()


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("WORKFLOW_TABLE", "WORKFLOW_DEFINITIONS", "WORKFLOW_WEBHOOKS", "WORKFLOW_HANDLERS", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOGNAME", "ada")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def definitions(tmp_path: Path) -> Path:
    folder = tmp_path / "definitions"
    folder.mkdir()
    (folder / "order.yaml").write_text(ORDER)
    return folder


@pytest.fixture
def flow(definitions: Path, clock: OwnedClock) -> Workflow:
    @hook
    def send_receipt(effect: Effect) -> None:
        clock.sleep(0.012)

    @hook
    def charge_loyalty(effect: Effect) -> None:
        clock.sleep(1.5)
        raise ValueError(f"no card of {effect.entity.data['email']}: \x1b[31m" + "try again " * 60)

    @hook
    def tell_warehouse(effect: Effect) -> None:
        raise AssertionError("it waits behind the failed one")

    handlers = [send_receipt, charge_loyalty, tell_warehouse]
    # A wait that nobody waits in place: what fails is put aside at once.
    retry = Retry(attempts=3, first_seconds=30)
    loaded = tuple(using(one, "charge_loyalty", retry=retry) for one in load_definitions(definitions))
    return Workflow(Definitions(loaded), MemoryStore(), handlers=handlers, clock=clock)


@pytest.fixture
def delivery(flow: Workflow) -> MemoryDelivery:
    return MemoryDelivery(flow)


@pytest.fixture
def deliver(delivery: MemoryDelivery) -> Callable[[], object]:
    return delivery.run


Run = Callable[..., Result]


@pytest.fixture
def run(flow: Workflow) -> Run:
    """Runs one command line on the shop and returns its result; `columns` is the width of the output."""

    def run(*arguments: str, columns: int | None = None, colour: bool = False) -> Result:
        environment = {"COLUMNS": str(columns)} if columns else {}
        environment |= {"FORCE_COLOR": "1", "TERM": "xterm-256color"} if colour else {}
        return CliRunner().invoke(workflow, arguments, obj=lambda settings: flow, env=environment)

    return run
