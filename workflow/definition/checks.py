"""x"""

from collections.abc import Collection, Sequence

from workflow.definition.reading import Reading
from workflow.errors import Problem


def check(reading: Reading, hooks: Collection[str] | None, guards: Collection[str] | None) -> list[Problem]:
    return []


def check_together(readings: Sequence[Reading]) -> list[Problem]:
    return []
