"""Whatever stands in a file, loading it gives a definition or a DefinitionError, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from workflow.definition.load import load_definitions, parse_definition
from workflow.definition.registered import Registered
from workflow.errors import DefinitionError, Problem

ORDER = (Path(__file__).parent / "order.yaml").read_text()
_LINES = ORDER.splitlines()
_BITS = [
    "{", "}", "[", "]", ": ", "- ", "\n", "'", '"', "#", "&a ", "*a", "!!x ", "<<", "? ", "| ", "> ", "~", "null",
    "true", "1", "-1.5", "1e400", "012", "from", "to", "'[key]'", "states", "data", "transitions", "final: true", "\t",
    "\0", "\\", "\u2028", "\ud800", "%YAML 9.9\n---\n", "---\n", "...\n", "`", "(", "[?", "@", "publish", "a" * 70,
]  # fmt: skip


def assert_loaded_or_refused(text: str) -> None:
    problems = _refusal(lambda: parse_definition(text, registered=Registered({"send_receipt": ()})))

    assert problems is None or problems
    assert all(p.line >= 1 and p.column >= 1 and p.message and p.way_out for p in problems or ())


def _refusal(load: Callable[[], object]) -> tuple[Problem, ...] | None:
    try:
        load()
    except DefinitionError as error:
        return error.problems
    return None


@st.composite
def mutated(draw: st.DrawFn) -> str:
    lines = list(_LINES)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(["drop", "repeat", "swap", "splice", "cut"]))
        if kind == "drop" and len(lines) > 1:
            del lines[at]
        elif kind == "repeat":
            lines.insert(draw(st.integers(0, len(lines))), lines[at])
        elif kind == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        else:
            where = draw(st.integers(0, len(lines[at])))
            until = draw(st.integers(where, len(lines[at]))) if kind == "cut" else where
            lines[at] = lines[at][:where] + draw(st.sampled_from(_BITS)) + lines[at][until:]
    return "\n".join(lines)


SCALARS = st.none() | st.booleans() | st.integers() | st.sampled_from(["placed", "pay", "x", "string", "30m", "[key]"])
_WORDS = (
    "kind version initial data states transitions placed pay from to guard sets requires on_enter run publish catch "
    "retry after final type choices default [key] x"
)
KEYS = st.sampled_from(_WORDS.split())
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=30
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated())
def test_a_mutated_definition_is_loaded_or_refused(text: str) -> None:
    assert_loaded_or_refused(text)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TREES)
@example({"states": {"[key]": {"x": 1}}})
@example({"transitions": {"pay": {"from": 1, "to": 2, "guard": 3}}})
def test_a_tree_of_the_right_words_in_the_wrong_places_is_refused(tree: object) -> None:
    assert_loaded_or_refused(json.dumps(tree))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_loaded_or_refused(text: str) -> None:
    assert_loaded_or_refused(text)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.integers(0, len(ORDER)))
def test_any_bytes_in_a_file_are_loaded_or_refused(tmp_path: Path, junk: bytes, at: int) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(ORDER.encode()[:at] + junk + ORDER.encode()[at:])

    problems = _refusal(lambda: load_definitions(file))

    assert problems is None or problems


def test_a_file_that_cannot_be_read_is_a_problem_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")

    with pytest.raises(DefinitionError):
        load_definitions(tmp_path)
