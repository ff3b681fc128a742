"""What transitions will cost, as the command tells it and as the page shows it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from workflow.aws.prices import US_EAST_1
from workflow.cli.commands import workflow

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")
WATCHED = (ROOT / "docs" / "observing.md").read_text(encoding="utf-8")


def _of_the_shipped(*arguments: str) -> Result:
    return CliRunner().invoke(workflow, ["--definitions", str(ROOT / "definitions"), "cost", *arguments])


def test_each_edge_of_a_kind_is_told_with_its_units_and_prices(definitions: Path) -> None:
    result = CliRunner().invoke(workflow, ["--definitions", str(definitions), "cost", "order", "--json"])
    told = json.loads(result.stdout)
    assert (told["kind"], told["region"], told["prices_as_of"]) == ("order", "us-east-1", "2026-06-01")
    edges = {(edge["trigger"], edge["from"]): edge for edge in told["edges"]}
    assert list(edges) == [
        *(("create", ""), ("pay", "placed"), ("ship", "paid"), ("deliver", "shipped")),
        *(("cancel", "placed"), ("cancel", "paid"), ("expire", "placed")),
    ]
    # 9 units at 0.625, 3 reads at 0.125, 1 invocation of 25 MB-seconds; a waiting state and three tasks at 25 each.
    assert edges["pay", "placed"] == {
        "trigger": "pay",
        "from": "placed",
        "to": "paid",
        "hooks": 3,
        "messages": 0,
        "write_units": {"accept": 4, "listing": 2, "timer": 0, "lane": 0, "effects": 4, "in_all": 10},
        "read_units": 3,
        "dollars_a_million": 7.1583,
        "step_functions_dollars_a_million": 100.9333,
    }


def test_a_way_is_told_step_by_step_and_in_all() -> None:
    lines = _of_the_shipped("order", "pay", "ship", "deliver").stdout.splitlines()
    assert [line.split("  ")[0] for line in lines[4:8]] == [
        *("create", "pay: placed -> paid", "ship: paid -> shipped", "deliver: shipped -> delivered")
    ]
    assert lines[9].split() == ["in", "all", "7", "39", "10", "27.76", "277.73"]


def test_larger_batches_and_shorter_work_cost_less() -> None:
    def dollars(*options: str) -> float:
        edges = json.loads(_of_the_shipped("order", "pay", "--json", *options).stdout)["edges"]
        return float(edges[1]["dollars_a_million"])

    assert dollars() == pytest.approx(6.5333)
    assert dollars("--batch", "100") == pytest.approx(6.5333 - 0.198)
    assert dollars("--milliseconds", "5") == pytest.approx(6.5333 - 0.3, abs=0.001)
    # A request, an invocation, and 20 ms of 512 MB.
    assert dollars("--over-http") == pytest.approx(6.5333 + 1 + 0.2 + 0.1333, abs=0.001)
    assert dollars("--request-ids") == pytest.approx(6.5333 + 2 * 0.625)


def test_a_way_that_there_is_not_is_refused_with_those_there_are() -> None:
    result = _of_the_shipped("order", "pay", "deliver")
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: order: no transition 'deliver' from 'paid'; from here: pack, ship, refund\n",
    )


def test_a_message_is_paid_for_as_one_and_is_a_task_of_step_functions() -> None:
    edges = json.loads(_of_the_shipped("invoice", "--json").stdout)["edges"]
    publishing = [edge for edge in edges if edge["messages"]]
    assert publishing
    for edge in publishing:
        table = edge["write_units"]["in_all"] * 0.625 + edge["read_units"] * 0.125
        function = 0.2 + 0.05 * 0.5 * 13.3334
        assert edge["dollars_a_million"] == pytest.approx(table + function + edge["messages"], abs=0.001)


def test_the_page_shows_what_the_command_says() -> None:
    ((command, shown),) = re.findall(r"^```sh\nworkflow (cost .*?)\n```\n\n```text\n(.*?)^```", PAGE, re.M | re.S)
    told = _of_the_shipped(*command.split()[1:]).stdout
    assert [line.rstrip() for line in told.splitlines()[:10]] == shown.splitlines()


def test_requests_over_http_cost_step_functions_the_same() -> None:
    def theirs(*options: str) -> float:
        edges = json.loads(_of_the_shipped("order", "--json", *options).stdout)["edges"]
        return float(edges[1]["step_functions_dollars_a_million"])

    assert theirs("--over-http") - theirs() == pytest.approx(1.3333, abs=0.001)


def test_the_pages_tell_the_prices_of_the_one_table_and_its_date() -> None:
    of_the_day = f"us-east-1 in {US_EAST_1.as_of:%B %Y}"
    assert of_the_day in PAGE
    assert of_the_day in WATCHED
    over_http = US_EAST_1.http_million + US_EAST_1.lambda_million + 0.01 * US_EAST_1.lambda_gb_second * 1e6
    assert f"costs {over_http:.2f} dollars a million more" in " ".join(PAGE.split())
    assert f"Storage, {US_EAST_1.stored_gb_month:.2f} dollars a GB and month" in PAGE
    assert f"Point-in-time recovery is {US_EAST_1.recoverable_gb_month:.2f} more" in PAGE
    assert f"{US_EAST_1.metric_month:.2f} each a month" in WATCHED
    assert f"{US_EAST_1.alarm_month:.2f} an alarm" in WATCHED
    assert f"{US_EAST_1.dashboard_month:.2f} the dashboard" in WATCHED
    lines = re.search(
        r"its summary and its metrics, ([\d.]+) to ([\d.]+) KB \| ([\d.]+) to ([\d.]+) a million", WATCHED
    )
    assert lines is not None
    low, high, cheap, dear = map(float, lines.groups())
    # A million kilobytes are a gigabyte.
    assert (cheap, dear) == pytest.approx((low * US_EAST_1.log_gb, high * US_EAST_1.log_gb), abs=0.01)
