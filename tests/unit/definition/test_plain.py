"""Plain data gives back exactly the definitions it was made from, without YAML and pydantic."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.definition.definition import (
    ON_UNKNOWN,
    Definition,
    Definitions,
    Field,
    Guard,
    HookUse,
    Retry,
    State,
    Timer,
    Transition,
)
from workflow.definition.fields import FIELD_TYPES
from workflow.definition.load import compile_definitions, parse_definition
from workflow.definition.plain import FORMAT, from_plain, to_plain
from workflow.errors import SettingsError

ORDER = (Path(__file__).parent / "order.yaml").read_text()
NAMES = st.from_regex("[a-z][a-z0-9_]{0,8}", fullmatch=True)
NUMBERS = st.integers(-(10**30), 10**30) | st.decimals(allow_nan=False, allow_infinity=False, places=3)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.text(max_size=8) | NUMBERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.builds(
    Field,
    name=NAMES,
    type=st.sampled_from(FIELD_TYPES),
    optional=st.booleans(),
    sensitive=st.booleans(),
    default=VALUES,
    choices=st.lists(VALUES, max_size=2).map(tuple),
)
FIELD_MAPS = st.lists(FIELDS, max_size=3).map(lambda fields: {field.name: field for field in fields})
RETRIES = st.builds(Retry, attempts=st.integers(1, 9), first_seconds=st.floats(0.1, 100))
USES = st.lists(
    st.builds(
        HookUse,
        hook=NAMES,
        retry=st.none() | RETRIES,
        catch=st.dictionaries(NAMES, NAMES, max_size=2),
        publish=st.none() | st.dictionaries(NAMES, NAMES, min_size=1, max_size=2),
        then=st.just("") | NAMES,
        on_unknown=st.sampled_from(ON_UNKNOWN),
    ),
    max_size=2,
).map(tuple)
STATES = st.builds(
    State,
    name=NAMES,
    final=st.booleans(),
    on_enter=USES,
    on_exit=USES,
    timers=st.lists(st.builds(Timer, st.integers(1, 10**6), NAMES), max_size=2).map(tuple),
)
TRANSITIONS = st.builds(
    Transition,
    trigger=NAMES,
    source=NAMES,
    target=NAMES,
    requires=FIELD_MAPS,
    sets=st.dictionaries(NAMES, st.none() | st.text(max_size=8), max_size=2),
    guard=st.none() | st.builds(Guard, expression=NAMES) | st.builds(Guard, function=NAMES),
    effects=USES,
)
DEFINITIONS = st.lists(
    st.builds(
        Definition,
        kind=NAMES,
        version=st.integers(1, 99),
        initial=NAMES,
        data=FIELD_MAPS,
        states=st.lists(STATES, max_size=3).map(lambda states: {state.name: state for state in states}),
        transitions=st.lists(TRANSITIONS, max_size=3).map(tuple),
    ),
    max_size=2,
).map(lambda definitions: Definitions(tuple(definitions)))


@given(DEFINITIONS)
def test_definitions_come_back_from_json_as_they_went(definitions: Definitions) -> None:
    text = json.dumps(to_plain(definitions))

    assert tuple(from_plain(json.loads(text))) == tuple(definitions)


def test_what_was_compiled_at_build_time_is_what_the_files_say(tmp_path: Path) -> None:
    file = tmp_path / "order.yaml"
    file.write_text(ORDER)

    text = compile_definitions(file)

    assert text == compile_definitions(file)
    assert tuple(from_plain(json.loads(text))) == (parse_definition(ORDER),)


def test_an_exact_default_is_exact_after_the_trip() -> None:
    total = from_plain(to_plain(Definitions((parse_definition(ORDER),)))).find("order").data["total"]  # type: ignore[union-attr]

    assert total.default == Decimal("1.1")
    assert type(total.default) is Decimal


@pytest.mark.parametrize("plain", [{}, {"format": FORMAT + 1, "definitions": []}, [], {"format": FORMAT}])
def test_plain_data_of_another_format_is_refused_with_what_to_do(plain: Any) -> None:
    with pytest.raises(SettingsError, match="compile them again"):
        from_plain(plain)


def test_plain_definitions_load_without_yaml_pydantic_and_jmespath() -> None:
    heavy = "{'yaml', 'pydantic', 'jmespath'}"
    code = f"import sys, workflow.definition.plain; print(sorted({heavy} & sys.modules.keys()))"

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
