"""What the doctor says: a finding, how dangerous it is, and the commands that mend it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import NamedTuple, TypeAlias

from workflow.runtime.doctor.facts import StackFacts


class Level(IntEnum):
    """How dangerous a finding is, the worst first; down to BLIND it is a danger, the others are no illness."""

    LOSING = 1
    """Work is being lost, or will be within a day."""
    STANDING = 2
    """Something does not go on."""
    EXPOSED = 3
    """The next failure would lose or hold up something."""
    BLIND = 4
    """Nobody would be told."""
    UNSEEN = 5
    """It could not be looked at."""
    ADVICE = 6
    """It works, and could be better."""


class Finding(NamedTuple):
    """One thing that is wrong: where, why it matters in one line, the way out, and what to type. Quotes no data.

    `fix` are the commands that anybody may run at any time. `by_hand` is what only a person can decide, because it
    deletes, switches off, runs hooks again or deploys: under which condition, then the commands.
    """

    level: Level
    what: str
    where: str
    why: str
    way_out: str
    fix: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()

    @property
    def is_danger(self) -> bool:
        """Whether a stack with it is ill."""
        return self.level <= Level.BLIND


Findings: TypeAlias = Iterator[Finding]
Check: TypeAlias = Callable[[StackFacts], Findings]


def aws(facts: StackFacts, *words: str) -> str:
    """A line for a shell that calls the AWS CLI where the stack is."""
    at = ["--endpoint-url", facts.endpoint_url] if facts.endpoint_url else []
    return shlex.join(["aws", *words, "--region", facts.region, *at])


def change_table(facts: StackFacts, name: str, *words: str) -> tuple[str, str]:
    """Lines that change a table, and wait until that is done: DynamoDB refuses other changes until then."""
    return (
        aws(facts, "dynamodb", "update-table", "--table-name", name, *words),
        aws(facts, "dynamodb", "wait", "table-exists", "--table-name", name),
    )
