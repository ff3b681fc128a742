"""`python -m tests.integration.faults`: many schedules of faults on DynamoDB Local, and what they met with."""

from __future__ import annotations

import gc
import os
import sys
import time

from tests.integration.faults.engine_world import run_on_engine, tell
from tests.simulation.scenarios import ALL
from workflow.local.dynamodb_local import DynamoDBLocal
from workflow.testing.simulation import Report, Scenario


def main() -> int:
    """Exit status 0 if every promise held, else 1 with the story."""
    scenario, total, began = Scenario(ALL), Report(), time.perf_counter()
    first = int(os.environ.get("SEED") or os.environ.get("FIRST_SEED") or 1)
    schedules = 1 if os.environ.get("SEED") else int(os.environ.get("SCHEDULES") or 500)
    with DynamoDBLocal() as engine:
        for seed in range(first, first + schedules):
            outcome = run_on_engine(scenario, seed, engine.endpoint_url, telling=True)
            total.add(Report(1, 0.0, outcome.points, outcome.events, outcome.effects, 0, outcome.faults))
            total.seconds = time.perf_counter() - began
            if outcome.breaches or os.environ.get("SEED"):
                print(tell(outcome))
                print(f"to replay it: SEED={seed} python -m tests.integration.faults")
            if outcome.breaches:
                total.violations += 1
                break
            gc.collect()
            if total.schedules % 25 == 0:
                print(f"{total.schedules} of {schedules} schedules in {total.seconds:.0f} s, no violation", flush=True)
    print(total)
    return 1 if total.violations else 0


if __name__ == "__main__":
    sys.exit(main())
