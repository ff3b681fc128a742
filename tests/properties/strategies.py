"""Random definitions that pass every check, and what somebody may ask of their entities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from workflow.definition.definition import Definition, Field, Guard, HookUse, State, Transition

FIELDS = {
    "count": Field("count", "integer", default=0),
    "price": Field("price", "decimal", optional=True),
    "text": Field("text", "string", optional=True, sensitive=True),
    "anything": Field("anything", "any", optional=True),
}
HOOKS = ("greet", "bill", "ship")
_TRIGGERS = ("go", "back", "stay", "state")
_GUARDS = (
    None,
    Guard("data.count < `3`"),
    Guard("payload.count > data.count"),
    Guard("payload.text != data.text"),
    Guard("length(payload.text) > `1`"),
    Guard("`false`"),
)
_MAPPINGS: Mapping[str, tuple[str | None, ...]] = {
    "count": (None, "sum([data.count, `1`])", "payload.count", "entity.version"),
    "price": (None, "payload.price", "sum([data.price, `0.1`])"),
    "text": (None, "entity.state", "data.text"),
    "anything": (None, "payload", "[data.anything]", "`null`"),
}

_numbers = st.one_of(
    st.integers(-(10**20), 10**20),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e60, max_value=1e60).filter(
        lambda number: number == 0 or abs(number) > 1e-60
    ),
)
_scalars = st.one_of(st.none(), st.booleans(), _numbers, st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=5,
)

payloads = st.fixed_dictionaries(
    {},
    optional={
        "count": st.one_of(st.integers(-3, 9), _scalars),
        "price": st.one_of(st.just(Decimal("0.30")), _scalars),
        "text": st.one_of(st.sampled_from(["", "x", "long"]), _scalars),
        "anything": _values,
        "other": _values,
    },
)

creations = st.fixed_dictionaries(
    {},
    optional={
        "count": st.integers(-3, 3),
        "price": _numbers,
        "text": st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        "anything": _values,
    },
)


@dataclass(frozen=True)
class Asked:
    """One trigger, as somebody asks for it."""

    entity: str
    trigger: str
    payload: dict[str, Any]
    request_id: str
    stale: bool


asks = st.builds(
    Asked,
    entity=st.sampled_from(["1", "#2", "drei ü 🚚"]),
    trigger=st.sampled_from([*_TRIGGERS, "unknown"]),
    payload=payloads,
    request_id=st.sampled_from(["", "", "r1", "r2"]),
    stale=st.booleans(),
)


@st.composite
def definitions_of_a_kind(draw: st.DrawFn) -> Definition:
    """A definition with up to four states, any edges between them, guards, changes and hooks."""
    names = [f"s{number}" for number in range(draw(st.integers(1, 4)))]
    hooks = st.lists(st.sampled_from(HOOKS), max_size=2).map(lambda chosen: tuple(map(HookUse, chosen)))
    states = {name: State(name, on_enter=draw(hooks), on_exit=draw(hooks)) for name in names}
    transitions = draw(st.lists(_transition(names, hooks), max_size=8, unique_by=lambda t: (t.trigger, t.source)))
    return Definition("kind", draw(st.integers(1, 3)), names[0], FIELDS, states, tuple(transitions))


@st.composite
def _transition(draw: st.DrawFn, names: list[str], hooks: Any) -> Transition:
    changed = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=3, unique=True))
    required = draw(st.lists(st.sampled_from(["count", "text"]), max_size=1))
    return Transition(
        trigger=draw(st.sampled_from(_TRIGGERS)),
        source=draw(st.sampled_from(names)),
        target=draw(st.sampled_from(names)),
        requires={name: Field(name, FIELDS[name].type) for name in required},
        sets={name: draw(st.sampled_from(_MAPPINGS[name])) for name in changed},
        guard=draw(st.sampled_from(_GUARDS)),
        effects=draw(hooks),
    )
