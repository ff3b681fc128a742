"""The states of a definition in the order in which a life passes through them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from workflow.definition.definition import Definition


def in_order(definition: Definition | None, seen: Collection[str] = ()) -> Sequence[str]:
    """All declared states, each before those that it leads to as far as there are no circles, in the order of the
    definition where that leaves a choice; then those that were seen and are not declared any more."""
    declared = _topological(definition) if definition else []
    return [*declared, *sorted(set(seen) - set(declared))]


def _topological(definition: Definition) -> list[str]:
    """Depth first, the last declared first: whoever is left last comes first. Without recursion, for a chain of states
    may be longer than Python's stack."""
    left: list[str] = []
    passed = {definition.initial}
    path = [(definition.initial, _ways_on(definition, definition.initial))]
    while path:
        state, ways = path[-1]
        following = next((way for way in ways if way not in passed), None)
        if following is None:
            left.append(state)
            path.pop()
        else:
            passed.add(following)
            path.append((following, _ways_on(definition, following)))
    return [*reversed(left), *(state for state in definition.states if state not in passed)]


def _ways_on(definition: Definition, state: str) -> Iterator[str]:
    targets = {way.target for way in definition.transitions if way.source == state}
    return (name for name in reversed(list(definition.states)) if name in targets)
