"""Random schedules of faults on DynamoDB Local: the real store, ledger, records and stream images, botocore's own
retries, and every promise held against what the engine keeps."""

from __future__ import annotations

from collections import Counter

from tests.integration.faults.engine_world import run_on_engine, tell
from tests.simulation.scenarios import ALL
from workflow.testing.simulation import Scenario

_SEEDS = range(1, 13)
"""A dozen takes some ten seconds; `python -m tests.integration.faults` plays five hundred."""


def test_every_promise_is_kept_on_a_real_engine_whatever_the_network_does(dynamodb_local_url: str) -> None:
    scenario, faults = Scenario(ALL), Counter[str]()
    for seed in _SEEDS:
        outcome = run_on_engine(scenario, seed, dynamodb_local_url, telling=True)
        assert not outcome.breaches, tell(outcome)
        faults += outcome.faults
    sorts = {"request lost", "response lost", "slow answer", "throttled", "crash before"}
    assert {sort for sort in sorts if not faults[sort]} == set()


def test_a_seed_does_the_same_on_the_engine_again(dynamodb_local_url: str) -> None:
    one, other = (run_on_engine(Scenario(ALL), 2, dynamodb_local_url, telling=True) for _ in range(2))
    assert one.lines == other.lines
