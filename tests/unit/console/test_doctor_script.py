"""`doctor --fix | sh` harms nothing: seen on every finding that there is, and by a shell."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.stacks import (
    ALARMS,
    MAPPING,
    NOW,
    SCHEDULE,
    STREAM,
    TABLE,
    alarm,
    function,
    order,
    stack,
    with_function,
    with_mapping,
    with_table,
)
from workflow.console.doctor import fix_lines
from workflow.runtime import doctor
from workflow.runtime.doctor import batch_checks, judge
from workflow.runtime.doctor.facts import (
    CodeFacts,
    EntityFacts,
    LostFacts,
    ParkedFacts,
    RecentFacts,
    StackFacts,
    Unseen,
)

CHECKS = Path(doctor.__file__).parent
OLD = replace(MAPPING, stream_arn=f"{STREAM}-old")
HANDMADE = replace(MAPPING, mapping_id="made-by-hand", is_own=False)
BROKEN = replace(TABLE, is_protected=False, recovery=False, expiry="", billing="PROVISIONED")
PARKED = ParkedFacts("order", "42", 2, "send_receipt", "attempts", NOW - timedelta(hours=1), True)
ILL = (
    with_table(stream_arn=""),
    with_table(stream_view="KEYS_ONLY"),
    with_table(status="ARCHIVED", indexes=()),
    stack(table=BROKEN, read_models=(BROKEN,)),
    with_table(expiry="ttl"),
    stack(mappings=()),
    stack(mappings=(), functions=()),
    stack(mappings=(OLD,)),
    stack(mappings=(OLD, HANDMADE)),
    stack(mappings=(HANDMADE,)),
    stack(mappings=(MAPPING, HANDMADE)),
    stack(mappings=(MAPPING, replace(OLD, is_own=False))),
    with_mapping(state="Disabled", last_result="PROBLEM"),
    with_mapping(last_result="PROBLEM"),
    with_mapping(
        reports_failures=False,
        bisects=False,
        retries=-1,
        age_seconds=-1,
        patterns=(),
        starting_position="LATEST",
        window_seconds=9,
        destination="",
    ),
    with_mapping(retries=2, age_seconds=60),
    with_function("sweep", state="Failed", update="Failed", reserved=0, table="other", retention_days=0, code="two"),
    stack(codes={"one": CodeFacts(order(), frozenset(), frozenset({"x86_64"}))}),
    stack(schedules=()),
    stack(schedules=(replace(SCHEDULE, state="DISABLED"),)),
    stack(overdue_since=NOW - timedelta(hours=2)),
    stack(recent=RecentFacts(10, 90_000.0, {function("stream").name: 3}, {function("stream").name: 3}, 0)),
    stack(alarms=()),
    stack(alarms=(replace(ALARMS[0], state="ALARM", is_enabled=False), alarm("Violations", actions=()))),
    stack(parked=(PARKED, replace(PARKED, why="definition", for_person=False))),
    stack(lost=LostFacts("shop-lost", 2, prefixes=("aws/lambda/",))),
    stack(entities=EntityFacts(1, 1, {("order", 2): (1, "77")}), local=order(version=2)),
    stack(local=order(target="settled")),
    stack(unseen=(Unseen("alarms", "cloudwatch:DescribeAlarms", "no"),)),
)
"""Between them they have everything that the doctor can find."""

DANGEROUS = (" rm ", "StreamEnabled=false", "redrive", "skip", " delete-", " put-function", "--no-enabled", "sam ")
# All that it takes away is the brake that lets the function do nothing at all.
SAFE = "delete-function-concurrency"


def script(facts: StackFacts) -> list[str]:
    return list(fix_lines(facts, judge.judge(facts)))


def live(facts: StackFacts) -> list[str]:
    return [line for line in script(facts) if line and not line.startswith("#")]


@pytest.mark.parametrize("facts", ILL)
def test_no_line_that_is_run_deletes_switches_off_runs_again_or_deploys(facts: StackFacts) -> None:
    lines = live(facts)

    assert lines[:2] == ["set -eu", "export WORKFLOW_TABLE=shop-Table AWS_DEFAULT_REGION=eu-west-1"]
    assert [line for line in lines if any(one in line.replace(SAFE, "") for one in DANGEROUS)] == []


def test_the_dangerous_lines_are_there_to_be_read() -> None:
    comments = [line for facts in ILL for line in script(facts) if line.startswith("#   ")]

    for one in (" rm ", "StreamEnabled=false", "redrive", "delete-event-source-mapping", "sam build && sam deploy"):
        assert any(one in line for line in comments), one


def test_these_illnesses_are_all_that_the_doctor_can_find(monkeypatch: pytest.MonkeyPatch) -> None:
    found = set()
    for module in (*_modules(), batch_checks):
        for name in {"Finding", "_Wrong"} & set(vars(module)):
            made = getattr(module, name)

            def note(*words: Any, made: Any = made, **named: Any) -> Any:
                caller = sys._getframe(1)
                found.add((Path(caller.f_code.co_filename).name, caller.f_lineno))
                return made(*words, **named)

            monkeypatch.setattr(module, name, note)
    for facts in ILL:
        judge.judge(facts)

    assert set(chain.from_iterable(map(_places, CHECKS.glob("*.py")))) - found == set()


def _modules() -> set[Any]:
    return {sys.modules[check.__module__] for check in judge.CHECKS}


def _places(source: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Finding", "_Wrong"):
            yield source.name, node.lineno


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """A folder with programs that only note how they were called; `aws` fails where a file says so."""
    for name in ("aws", "workflow", "sam"):
        program = tmp_path / name
        program.write_text(
            f'#!/bin/sh\necho {name} "$@" "[$WORKFLOW_TABLE]" >> "$HERE/calls"\ntest ! -e "$HERE/fails"\n'
        )
        program.chmod(0o755)
    return tmp_path


def run(folder: Path, lines: list[str]) -> tuple[int, list[str]]:
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "HERE": str(folder), "WORKFLOW_TABLE": "another"}
    done = subprocess.run(["sh"], input="\n".join(lines), text=True, env=environment, check=False)
    return done.returncode, (folder / "calls").read_text().splitlines()


def test_a_shell_runs_the_safe_lines_and_nothing_else_on_the_stack_that_was_looked_at(shell: Path) -> None:
    lost = stack(lost=LostFacts("shop-lost", 2, prefixes=("aws/lambda/",)), table=replace(TABLE, recovery=False))

    code, calls = run(shell, script(lost))
    assert code == 0
    assert calls == [
        "workflow reconcile [shop-Table]",
        "aws dynamodb update-continuous-backups --table-name shop-Table --point-in-time-recovery-specification "
        "PointInTimeRecoveryEnabled=true --region eu-west-1 [shop-Table]",
    ]


def test_a_shell_stops_at_the_first_line_that_fails(shell: Path) -> None:
    (shell / "fails").touch()

    code, calls = run(shell, script(with_mapping(state="Disabled")))
    assert code == 1
    assert [call.split()[:3] for call in calls] == [["aws", "lambda", "update-event-source-mapping"]]


def test_nothing_that_a_stack_is_called_ends_a_comment(shell: Path) -> None:
    evil = 'x\ntouch "$HERE/escaped"\r\u2028'
    facts = replace(
        with_mapping(state="Disabled", state_reason=evil),
        parked=(replace(PARKED, entity_id=evil, hook=evil),),
        lost=LostFacts(evil, 1, prefixes=("aws/lambda/",)),
        table_name=evil,
    )

    assert all("\n" not in line and "\r" not in line and "\u2028" not in line for line in script(facts))
    assert run(shell, script(facts))[0] == 0
    assert not (shell / "escaped").exists()
