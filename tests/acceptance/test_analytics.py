"""What became of orders, asked of the deployed table by the command line: as rows for SQL, and as numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb

from tests.acceptance.conftest import Deployed, an_order

EMAIL = "eve@analytics.example.com"


def _workflow(deployed: Deployed, *arguments: str) -> str:
    """What the command prints, called as a person calls it."""
    done = subprocess.run(
        [sys.executable, "-m", "workflow", *arguments],
        cwd=deployed.cloud.project,
        env={**os.environ, **deployed.cloud.env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_orders_that_moved_are_rows_of_an_export_and_counted_by_stats(deployed: Deployed, tmp_path: Path) -> None:
    flow, counted = deployed.flow, json.loads(_workflow(deployed, "stats", "order", "--json"))
    for number in range(3):
        flow.create("order", f"analysed-{number}", an_order(EMAIL), by="shop")
    for number in range(2):
        payment = {"amount": "59.90", "payment": f"pi_analysed_{number}"}
        flow.fire("order", f"analysed-{number}", "pay", payment, by="stripe")
    flow.fire("order", "analysed-2", "cancel", {"reason": "changed my mind"}, by="eve")
    deployed.settle()

    found = json.loads(_workflow(deployed, "stats", "order", "--json"))
    # Orders of other tests lie in the same table.
    assert found["entities"] - counted["entities"] == 3
    assert found["transitions"] - counted["transitions"] == 6
    assert _runs(found, "send_receipt") - _runs(counted, "send_receipt") == 2

    _workflow(deployed, "export", "order", str(tmp_path / "transitions"))
    exported = f"read_parquet('{tmp_path}/transitions/**/*.parquet', hive_partitioning = true)"
    rows = duckdb.execute(
        f"""SELECT id, version, trigger, from_state, to_state, asked_by FROM {exported}
        WHERE kind = 'order' AND id LIKE 'analysed-%' ORDER BY id, version"""
    ).fetchall()
    assert rows == [
        ("analysed-0", 1, "create", None, "placed", "shop"),
        ("analysed-0", 2, "pay", "placed", "paid", "stripe"),
        ("analysed-1", 1, "create", None, "placed", "shop"),
        ("analysed-1", 2, "pay", "placed", "paid", "stripe"),
        ("analysed-2", 1, "create", None, "placed", "shop"),
        ("analysed-2", 2, "cancel", "placed", "cancelled", "eve"),
    ]
    assert EMAIL not in str(duckdb.execute(f"SELECT payload, changes FROM {exported}").fetchall())


def _runs(counted: dict[str, list[dict[str, object]]], hook: str) -> int:
    return sum(int(str(one["runs"])) for one in counted["hooks"] if one["hook"] == hook)
