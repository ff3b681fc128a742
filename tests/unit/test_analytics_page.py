"""What docs/analytics.md shows is what the commands say, and its queries run."""

from __future__ import annotations

import re
import shlex
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random

import duckdb
import pyarrow as pa
import pytest
from click.testing import CliRunner

from tests.fakes.clock import FakeClock
from workflow import Effect, Workflow, hook
from workflow.cli.commands import workflow
from workflow.console.stats import lasted
from workflow.console.stats_picture import draw_stats
from workflow.files.parquet import Parquet
from workflow.runtime.analytics.histories import TableHistories
from workflow.runtime.analytics.stats import Counting
from workflow.testing import MemoryDelivery, MemoryStore

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
PAGE = (DOCS / "analytics.md").read_text(encoding="utf-8")
ORDER = """\
kind: order
version: 1
initial: placed
data:
  email: {type: string, sensitive: true}
  total: decimal
  carrier: {type: string, optional: true}
states:
  placed: {after: {30m: expire}}
  paid: {on_enter: [send_receipt, tell_warehouse]}
  packed: {}
  shipped: {on_enter: [send_notice]}
  delivered: {final: true}
  cancelled: {final: true}
transitions:
  pay: {from: placed, to: paid, requires: {amount: decimal}}
  pack: {from: paid, to: packed}
  ship: {from: packed, to: shipped, sets: [carrier]}
  deliver: {from: shipped, to: delivered}
  cancel: {from: [placed, paid, packed], to: cancelled}
  expire: {from: placed, to: cancelled}
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def answers() -> dict[str, str]:
    """Each command of the page with the answer that it shows."""
    found = [block.partition("\n")[::2] for block in blocks("console")]
    return {command.removeprefix("$ workflow "): answer for command, answer in found}


def make_shop(folder: Path) -> Workflow:
    """Two weeks of a shop, always the same; its mail provider is not the best."""
    chance, clock = Random(20), FakeClock()

    def named(name: str) -> Callable[[Effect], None]:
        def run(effect: Effect) -> None:
            clock.sleep(0.02 + 0.2 * chance.random())
            if name != "tell_warehouse" and chance.random() < 0.15:
                raise ConnectionError("451 try again later")

        return hook(name=name)(run)

    (folder / "order.yaml").write_text(ORDER)
    hooks = [named(name) for name in ("send_receipt", "tell_warehouse", "send_notice")]
    flow = Workflow(folder / "order.yaml", MemoryStore(), handlers=hooks, clock=clock)
    delivery, beginning = MemoryDelivery(flow), clock.now()
    steps = sorted(step for order in range(60) for step in _life(order, chance))
    for seconds, number, trigger, payload in steps:
        clock.sleep(max((beginning + timedelta(seconds=seconds) - clock.now()).total_seconds(), 0))
        if trigger == "create":
            flow.create("order", str(number), payload)
        else:
            flow.fire("order", str(number), trigger, payload)
        delivery.run()
    return flow


def _life(number: int, chance: Random) -> list[tuple[float, int, str, dict[str, object]]]:
    data = {"email": f"{number}@example.com", "total": 10}
    at = chance.random() * 86400 * 10
    steps: list[tuple[float, int, str, dict[str, object]]] = [(at, number, "create", data)]
    if chance.random() < 0.15:
        return [*steps, (at + 1800, number, "expire", {})]
    for seconds, trigger, payload in (
        (chance.lognormvariate(4, 0.7), "pay", {"amount": 10}),
        (chance.lognormvariate(9, 0.8), "pack", {}),
        (chance.lognormvariate(8, 0.8), "ship", {"carrier": chance.choice(["dhl", "ups"])}),
        (chance.lognormvariate(12, 0.4), "deliver", {}),
    ):
        if trigger != "pay" and chance.random() < 0.06:
            break
        at += seconds
        steps.append((at, number, trigger, dict(payload)))
    return steps


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    return make_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture
def run(shop: Workflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    monkeypatch.chdir(tmp_path)

    def run(line: str) -> str:
        result = CliRunner().invoke(workflow, shlex.split(line), obj=lambda settings: shop)
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_its_commands_answer_as_it_shows(run: Callable[[str], str]) -> None:
    shown = answers()
    assert list(shown) == ["export transitions", "stats order --picture order.svg"]
    for command, answer in shown.items():
        assert run(command).strip() == answer.strip()


def test_its_picture_says_what_the_command_draws(shop: Workflow) -> None:
    counting = Counting(shop.definitions, "order", shop.runtime.clock.now())
    TableHistories(shop.runtime.store.records).each(counting.add)  # type: ignore[attr-defined]
    drawn = draw_stats(counting.stats(), "svg")
    assert _texts(drawn) == _texts((DOCS / "analytics-order.svg").read_bytes())


def _texts(picture: bytes) -> list[str]:
    return [text.text or "" for text in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]


def test_its_queries_run_on_what_the_command_writes(run: Callable[[str], str]) -> None:
    run("export transitions")
    queries = [block for block in blocks("sql") if "read_parquet" in block]
    assert len(queries) == len(blocks("text")) == 2
    for query, shown in zip(queries, blocks("text"), strict=True):
        assert _cells(str(duckdb.sql(query))) == _cells(shown)


def _cells(table: str) -> list[str]:
    """What stands in a table, without the lines between."""
    return re.sub("[\u2500-\u257f]+", " ", table).split()


def test_its_query_for_athena_gives_the_same(run: Callable[[str], str]) -> None:
    run("export transitions")
    with duckdb.connect() as athena:
        # Athena's own words, and the table that it makes of the files.
        athena.execute("create macro approx_percentile(x, shares) as quantile_disc(x, shares)")
        files = "read_parquet('transitions/**/*.parquet', hive_partitioning = true, hive_types_autocast = false)"
        athena.execute(f"create view transitions as select * from {files}")
        (query,) = (block for block in blocks("sql") if "approx_percentile" in block)
        answer = dict(athena.execute(query).fetchall())
    (stays,) = re.findall(r"how long they stayed\n(.*?)\n\n", PAGE, re.DOTALL)
    shown = [re.split(r" {2,}", line.strip()) for line in stays.splitlines()[2:]]
    assert {state: [lasted(seconds) for seconds in answer[state]] for state in answer} == {
        state: percentiles for state, _, *percentiles, _ in shown
    }


def test_the_table_it_makes_for_athena_has_the_columns_of_the_files() -> None:
    (ddl,) = (block for block in blocks("sql") if "CREATE EXTERNAL TABLE" in block)
    inside = ddl.partition("(\n")[2].partition("\n)")[0]
    declared = dict(line.strip().rstrip(",").split() for line in inside.splitlines())
    names = {
        pa.string(): "string",
        pa.int64(): "bigint",
        pa.int32(): "int",
        pa.float64(): "double",
        pa.timestamp("us", tz="UTC"): "timestamp",
    }
    # https://docs.aws.amazon.com/athena/latest/ug/reserved-words.html
    quoted = {"trigger": "`trigger`"}
    assert declared == {quoted.get(field.name, field.name): names[field.type] for field in Parquet().schema}


def test_the_columns_it_explains_are_those_of_the_files() -> None:
    explained = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)))
    assert explained == ["kind", "day", *Parquet().schema.names]
