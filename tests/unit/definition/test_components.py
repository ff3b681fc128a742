"""Where one can go round in a graph, judged against the plainest way to find out: trying every pair of nodes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workflow.definition.components import round_trips, way_round

NODES = st.integers(0, 7)
GRAPHS = st.dictionaries(NODES, st.lists(NODES, max_size=4), max_size=8)


def reached(graph: dict[int, list[int]], start: int) -> dict[int, int]:
    """All that can be reached from a node in one step or more, with the fewest steps."""
    steps, now = {}, {start}
    for count in range(1, 10):
        now = {after for node in now for after in graph.get(node, ())}
        for node in now:
            steps.setdefault(node, count)
    return steps


@given(GRAPHS)
def test_round_trips_are_the_sets_of_nodes_that_reach_each_other(graph: dict[int, list[int]]) -> None:
    everywhere = {node: reached(graph, node) for node in range(8)}
    together = [{one} | {other for other in everywhere[one] if one in everywhere[other]} for one in range(8)]

    assert {frozenset(nodes) for nodes in round_trips(graph)} == {frozenset(n) for n in together if len(n) > 1}


@given(GRAPHS)
def test_a_way_round_is_one_of_the_shortest(graph: dict[int, list[int]]) -> None:
    for nodes in round_trips(graph):
        for start in nodes:
            way = way_round(graph, start, nodes)
            assert way[0] == start
            assert all(b in graph[a] for a, b in zip(way, [*way[1:], start], strict=True))
            assert len(way) == reached(graph, start)[start]


def test_a_way_of_a_hundred_thousand_nodes_is_no_recursion_too_deep() -> None:
    count = 100_000
    graph = {i: [(i + 1) % count] for i in range(count)}

    (nodes,) = round_trips(graph)

    assert way_round(graph, 0, nodes) == list(range(count))
