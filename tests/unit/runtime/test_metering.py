"""Who was refused is counted, by kind and reason, and nobody else."""

from __future__ import annotations

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.emf import metrics
from tests.samples import ORDER, definitions
from tests.shipped import REPOSITORY
from workflow import Workflow
from workflow.aws.metrics import EmfMeter
from workflow.errors import UnknownKindError, VersionPassedError
from workflow.runtime.ask import BY_TIMER, Ask
from workflow.runtime.fire import fire
from workflow.testing import MemoryStore


@pytest.mark.parametrize(
    ("asks", "refusals"),
    [({"by": BY_TIMER}, 0), ({"by": "lane:build", "slot": 2}, 0), ({"by": "arn:aws:iam::1:user/ada"}, 1)],
    ids=["a timer", "a lane", "somebody"],
)
def test_only_somebody_who_comes_too_late_is_refused(asks: dict[str, object], refusals: int) -> None:
    meter = EmfMeter("orders", FakeClock())
    flow = Workflow(definitions(ORDER), MemoryStore(), meter=meter)
    flow.create("order", "42")
    flow.fire("order", "42", "annotate", {"note": "x"})
    with pytest.raises(VersionPassedError):
        fire(flow.runtime, Ask("order", "42", "cancel", only_version=1, **asks))  # type: ignore[arg-type]
    reason = ("Refusals", "table=orders", "kind=order", "reason=VersionPassedError")
    counted = {("Refusals", "table=orders"): refusals, reason: refusals}
    assert metrics(meter.take()) == (counted if refusals else {})


def test_an_application_that_the_environment_describes_counts_by_the_meter_that_it_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = {"TABLE": "orders", "DEFINITIONS": str(REPOSITORY / "definitions"), "HANDLERS": ""}
    for name, value in {
        **{f"WORKFLOW_{name}": one for name, one in known.items()},
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    meter = EmfMeter("orders", FakeClock())
    flow = Workflow.from_env(hooks_required=False, meter=meter)
    with pytest.raises(UnknownKindError):
        flow.fire("mine", "42", "pay")
    reason = ("Refusals", "table=orders", "kind=none", "reason=UnknownKindError")
    assert metrics(meter.take()) == {("Refusals", "table=orders"): 1, reason: 1}
