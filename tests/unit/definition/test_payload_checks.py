"""A payload may hold more than is required: only what looks like a slip for a known name is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from workflow.definition.load import load_definitions
from workflow.errors import DefinitionError

DEFINITION = """
kind: order
version: 1
initial: placed
data: {{total: decimal, ammount: {{type: decimal, optional: true}}}}
states: {{placed: {{}}, paid: {{final: true}}}}
transitions:
  pay:
    - {{from: placed, to: paid, requires: [{required}], guard: "payload.{named} > `1`"}}
    - {{from: placed, to: paid, requires: [reason]}}
"""


def _load(folder: Path, required: str, named: str) -> None:
    file = folder / "order.yaml"
    file.write_text(DEFINITION.format(required=required, named=named))
    load_definitions(folder)


@pytest.mark.parametrize(
    ("required", "named"),
    [
        ("amount", "amount"),
        ("amount", "tip"),
        ("amount", "amount_due"),
        ("refunded", "refund"),
        ("line1", "line2"),
        ("min_amount", "max_amount"),
        ("reasons", "reason"),
        ("amount", "ammount"),
    ],
)
def test_a_name_that_is_another_or_is_declared_is_taken(tmp_path: Path, required: str, named: str) -> None:
    _load(tmp_path, required, named)


@pytest.mark.parametrize(("required", "named"), [("amount", "amuont"), ("payment", "paiment"), ("carrier", "carier")])
def test_a_name_that_is_nearly_a_known_one_is_refused(tmp_path: Path, required: str, named: str) -> None:
    with pytest.raises(DefinitionError, match=rf"payload\.{named}.*did you mean payload\.{required}\?"):
        _load(tmp_path, required, named)
