"""What the doctor found, as people and machines read it."""

from __future__ import annotations

import io
import json
from dataclasses import replace

from rich.console import Console

from tests.fakes.stacks import HEALTHY, MAPPING, TABLE, stack
from workflow.console.doctor import doctor_form, doctor_view, fix_lines
from workflow.console.json_form import to_json
from workflow.runtime.doctor.facts import StackFacts, Unseen
from workflow.runtime.doctor.judge import judge

ILL = stack(
    table=replace(TABLE, recovery=False, is_protected=False), mappings=(replace(MAPPING, last_result="PROBLEM"),)
)


def shown(facts: StackFacts) -> str:
    output = io.StringIO()
    Console(file=output, width=100, markup=False, highlight=False).print(doctor_view(facts, judge(facts)))
    return output.getvalue()


def test_a_healthy_stack_is_told_so_with_what_was_looked_at() -> None:
    assert shown(HEALTHY) == (
        "stack shop: healthy\n"
        "looked at: the table shop-Table, its stream and 2 indexes; 1 mapping of its stream; 3 functions:\n"
        "stream, sweep, webhook; the definitions in their packages; the sweeper's schedule; 21 alarms; what\n"
        "CloudWatch counted in the last 10 minutes; what is put aside; 3 of about 3 entities; the bucket of\n"
        "lost records; this project's definitions\n"
    )


def test_what_is_wrong_is_told_with_where_why_and_the_way_out() -> None:
    assert shown(ILL).partition("looked at")[0] == (
        "stands still  the mapping has a problem: PROBLEM\n"
        "              mapping 6e91287a-e3a9-42af-ab16-02c2e9e548a4\n"
        "              its batches are not delivered. DynamoDB keeps a stream's records for 24 hours; what\n"
        "              was not delivered by then is lost to its hooks\n"
        "              see the log of the stream function, and its role's permissions\n"
        "\n"
        "exposed       point-in-time recovery is off\n"
        "              table shop-Table\n"
        "              what a bug or a person overwrites or deletes is gone; there is no other backup of it\n"
        "              switch it on\n"
        "\n"
        "advice        the table is not protected from being deleted\n"
        "              table shop-Table\n"
        "              one command deletes every entity and its history\n"
        "              protect it; parameter DeletionProtection of the template\n"
        "\n"
        "stack shop: 2 dangers, a piece of advice; `workflow doctor --fix` tells the commands\n"
    )


def test_the_commands_are_a_script_in_which_what_a_person_decides_is_a_comment() -> None:
    assert list(fix_lines(ILL, judge(ILL))) == [
        "set -eu",
        "export WORKFLOW_TABLE=shop-Table AWS_DEFAULT_REGION=eu-west-1",
        "# stands still: the mapping has a problem: PROBLEM",
        "#   see the log of the stream function, and its role's permissions",
        "# exposed: point-in-time recovery is off",
        "aws dynamodb update-continuous-backups --table-name shop-Table --point-in-time-recovery-specification "
        "PointInTimeRecoveryEnabled=true --region eu-west-1",
        "# advice: the table is not protected from being deleted",
        "aws dynamodb update-table --table-name shop-Table --deletion-protection-enabled --region eu-west-1",
        "aws dynamodb wait table-exists --table-name shop-Table --region eu-west-1",
    ]


def test_what_was_not_looked_at_takes_the_word_healthy_away() -> None:
    facts = stack(alarms=None, unseen=(Unseen("alarms", "cloudwatch:DescribeAlarms", "no"),))

    assert "stack shop: no danger in what could be looked at, 1 thing not looked at" in shown(facts)


def test_the_json_says_the_same_as_the_exit_code() -> None:
    form = json.loads(to_json(doctor_form(ILL, judge(ILL))))

    assert {name: form[name] for name in ("stack", "region", "table", "healthy")} == {
        "stack": "shop",
        "region": "eu-west-1",
        "table": "shop-Table",
        "healthy": False,
    }
    assert form["findings"][1] == {
        "level": "exposed",
        "danger": True,
        "what": "point-in-time recovery is off",
        "where": "table shop-Table",
        "why": "what a bug or a person overwrites or deletes is gone; there is no other backup of it",
        "way_out": "switch it on",
        "fix": [
            "aws dynamodb update-continuous-backups --table-name shop-Table --point-in-time-recovery-specification "
            "PointInTimeRecoveryEnabled=true --region eu-west-1"
        ],
        "by_hand": [],
    }
    assert doctor_form(HEALTHY, [])["healthy"] is True


def test_what_a_stack_is_called_never_steers_a_terminal() -> None:
    evil = stack(stack="shop\x1b[2J", mappings=(replace(MAPPING, state="Disabled", state_reason="\x1b]0;x\x07"),))

    assert "\x1b" not in shown(evil)
    assert not any("\x1b" in line for line in fix_lines(evil, judge(evil)))
