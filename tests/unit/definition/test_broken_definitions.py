"""Every broken definition is reported at the right place with a way out, and nothing else is reported."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from workflow.definition.load import load_definitions
from workflow.definition.registered import Registered
from workflow.errors import DefinitionError, Problem

BROKEN = Path(__file__).parent / "broken"
REGISTERED = Registered({"send_receipt": (), "charge_card": ()}, guards=("is_paid",), probes=("charge_card",))
_EXPECT = re.compile(r"# expect (\d+):(\d+) (.+?) \| (.+)")


class Expected(NamedTuple):
    line: int
    column: int
    message_part: str
    way_out_part: str

    def fits(self, problem: Problem) -> bool:
        at_place = (problem.line, problem.column) == (self.line, self.column)
        return at_place and self.message_part in problem.message and self.way_out_part in problem.way_out


def _expected(file: Path) -> list[Expected]:
    lines = file.read_bytes().decode(errors="replace").split("\n")
    found = [match for line in lines if (match := _EXPECT.fullmatch(line))]
    return [Expected(int(m[1]), int(m[2]), m[3], m[4]) for m in found]


def _problems(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(DefinitionError) as caught:
        load_definitions(path, registered=REGISTERED)
    return caught.value.problems


FILES = sorted(BROKEN.glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_broken_definition_is_reported_where_it_is_broken_and_nowhere_else(file: Path) -> None:
    problems, expected = _problems(file), _expected(file)

    assert expected, "the file begins with what is expected of it"
    assert len(problems) == len(expected), "\n".join(map(str, problems))
    for problem, one in zip(problems, expected, strict=True):
        assert one.fits(problem), f"{one}\n{problem}"
        assert problem.file == str(file)


def test_one_run_reports_every_problem_of_every_file() -> None:
    alone = [problem for file in FILES for problem in _problems(file)]

    assert _problems(BROKEN) == tuple(sorted(alone))
