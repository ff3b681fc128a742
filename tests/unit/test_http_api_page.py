"""What docs/http-api.md says is so; its programs run in tests/acceptance/test_entity_api.py."""

from __future__ import annotations

import json
import re

from tests.engines import template
from tests.shipped import REPOSITORY
from workflow.runtime.entity_api import answer, serve

PAGE = (REPOSITORY / "docs" / "http-api.md").read_text(encoding="utf-8")


def test_every_sort_of_problem_has_its_row() -> None:
    rows = re.findall(r"^\| (\d{3}) \| ([^|]*) \|", PAGE, re.MULTILINE)
    sorts = {sort for sort in vars(answer).values() if isinstance(sort, answer.Sort)}
    sorts |= {sort for _, sort in answer._REFUSALS}
    told = {(int(status), name) for status, names in rows for name in re.findall(r"`([a-z-]+)`", names)}
    assert told == {(sort.status, sort.name) for sort in sorts}


def test_its_routes_are_those_of_the_template() -> None:
    shown = re.findall(r"^\| `([A-Z]+)` \| `/entities/([^`?]*)", PAGE, re.MULTILINE)
    names = {"KIND": "{kind}", "ID": "{id}", "TRIGGER": "{name}", "history": "{name}"}
    routes = [one["Properties"].get("RouteKey") for one in template()["Resources"].values()]
    assert {f"ANY /entities/{'/'.join(names[part] for part in path.split('/'))}" for _, path in shown} == {
        key for key in routes if key and "/entities/" in key
    }


def test_its_policy_is_one_and_its_problem_too() -> None:
    problem, policy = map(json.loads, re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    assert set(problem) == {"type", "title", "status", "detail", "allowed"}
    assert [statement["Action"] for statement in policy["Statement"]] == ["execute-api:Invoke"]


def test_it_tells_the_limits_that_there_are() -> None:
    rate, burst = (template()["Parameters"][name]["Default"] for name in ("RequestsPerSecond", "RequestBurst"))
    for said in (
        f"more than {serve.MOST_BYTES} bytes",
        f"{serve.MOST_BYTES} bytes at most",
        f"have {serve.USUAL_LINES} lines",
        f"{serve.MOST_LINES} at most",
        f"Above {rate} requests a second, {burst} in a burst",
    ):
        assert said in " ".join(PAGE.split()), said


def test_every_file_it_points_at_is_there() -> None:
    pointed = [target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", PAGE) if "://" not in target]
    assert [target for target in pointed if not (REPOSITORY / "docs" / target).exists()] == []
