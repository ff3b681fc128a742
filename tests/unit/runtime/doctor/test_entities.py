"""What the doctor says of entities that stand still, and of definitions that somebody does not know."""

from __future__ import annotations

from datetime import timedelta

from tests.fakes.stacks import HEALTHY, NOW, order, stack
from workflow.runtime.doctor.facts import CodeFacts, EntityFacts, ParkedFacts, StackFacts
from workflow.runtime.doctor.finding import Finding, Level
from workflow.runtime.doctor.judge import judge


def parked(entity_id: str, minutes: int, *, why: str = "attempts", for_person: bool = True) -> ParkedFacts:
    return ParkedFacts("order", entity_id, 2, "send_receipt", why, NOW - timedelta(minutes=minutes), for_person)


def told(facts: StackFacts) -> list[tuple[Level, str, str]]:
    return [(finding.level, finding.what, finding.where) for finding in judge(facts)]


def test_entities_that_wait_for_a_person_are_told_the_longest_waiting_first() -> None:
    waiting = [parked("7", 5), parked("42", 90), parked("-8", 30), parked("9", 1), parked("1", 99, for_person=False)]

    assert judge(stack(parked=waiting)) == [
        Finding(
            Level.STANDING,
            "4 entities wait for a person, the longest for 1h30m",
            "order 42 (version 2 send_receipt), order -8 (version 2 send_receipt), order 7 (version 2 send_receipt) "
            "and 1 more",
            "their hooks do not go on by themselves, and what is owed later waits behind",
            "`workflow explain` says why; then `workflow redrive` or `workflow skip`",
            (
                "workflow parked",
                "workflow explain order 42",
                "workflow explain -- order -8",
                "workflow explain order 7",
            ),
            (
                "once the cause is mended:",
                "workflow redrive order 42",
                "workflow redrive -- order -8",
                "workflow redrive order 7",
            ),
        )
    ]


def test_of_more_than_were_looked_at_the_number_is_no_more_than_a_beginning() -> None:
    waiting = [parked("1", 5), parked("2", 5), parked("3", 5, why="definition", for_person=False)]

    assert [what for _, what, _ in told(stack(parked=waiting, cut=frozenset({"parked", "due"})))] == [
        "2 or more entities wait for a person, the longest for 5m",
        "1 or more entities wait for its definition",
    ]


def test_what_goes_on_by_itself_is_no_finding() -> None:
    assert judge(stack(parked=[parked("1", 3, why="retry", for_person=False)])) == []


def test_entities_that_wait_for_a_deployment_are_told() -> None:
    assert told(stack(parked=[parked("1", 3, why="definition", for_person=False)])) == [
        (Level.STANDING, "1 entity waits for its definition", "order 1 (version 2 send_receipt)")
    ]


def test_entities_of_a_definition_that_is_not_deployed_are_told_with_an_example() -> None:
    seen = EntityFacts(5, 5, {("order", 1): (3, "42"), ("order", 2): (2, "77")})

    assert judge(stack(entities=seen)) == [
        Finding(
            Level.STANDING,
            "2 entities are of order@2, which is not deployed",
            "order 77; unknown to: stream, sweep, webhook",
            "no trigger can move them there, and what they owe is put aside",
            "put its file back beside the others, and deploy",
        )
    ]


def test_a_definition_that_is_here_is_deployed_from_here() -> None:
    seen = EntityFacts(1, 1, {("order", 2): (1, "77")})
    (unknown, *others) = judge(stack(entities=seen, local=order(version=2)))

    assert (unknown.way_out, unknown.fix, unknown.by_hand) == (
        "deploy it; it is among this project's definitions",
        (),
        ("from here:", "sam build && sam deploy"),
    )
    assert [finding.what for finding in others] == [
        "order@1: deployed, and not here",
        "order@2: here, and not deployed",
    ]


def test_only_the_functions_that_do_not_know_a_definition_are_named() -> None:
    own = HEALTHY.codes or {}
    functions = [
        *HEALTHY.functions[:2],
        HEALTHY.functions[2].__class__("webhook", "w", "arn", "shop-Table", code="two"),
    ]
    seen = EntityFacts(1, 1, {("order", 1): (1, "42")})
    older = CodeFacts(order(version=3), frozenset({"cpython-311"}))

    found = judge(stack(entities=seen, functions=functions, codes={**own, "two": older}))
    assert found[0].where == "order 42; unknown to: webhook"


def test_a_definition_that_changed_under_its_version_is_a_danger() -> None:
    assert told(stack(local=order(target="settled"))) == [
        (
            Level.EXPOSED,
            "order@1: here and deployed differ under the same version",
            "the project's definitions",
        )
    ]


def test_outside_of_a_project_nothing_is_said_of_its_definitions() -> None:
    assert judge(stack(local=None)) == []
