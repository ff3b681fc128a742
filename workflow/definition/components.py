"""Directed graphs, as maps from each node to those it leads to: where can one go round, and by what way?"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

_Node = TypeVar("_Node", bound=Hashable)
_Graph = Mapping[_Node, Iterable[_Node]]


def round_trips(graph: _Graph[_Node]) -> list[set[_Node]]:
    """The largest sets of nodes that can all be reached from each other, of more than one node, in linear time.

    A node that leads to itself is not among them unless it also leads round through others.
    """
    return [component for component in _components(graph) if len(component) > 1]


def way_round(graph: _Graph[_Node], start: _Node, within: set[_Node]) -> list[_Node]:
    """One of the shortest ways from `start` back to it through nodes of `within`: `start` first, and not again last.

    `within` must be one of the `round_trips`, with `start` in it.
    """
    came_from: dict[_Node, _Node] = {}
    waiting = deque([start])
    while start not in came_from:
        node = waiting.popleft()
        for after in graph.get(node, ()):
            if after in within and after not in came_from:
                came_from[after] = node
                waiting.append(after)
    way = [came_from[start]]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    return way[::-1]


def _components(graph: _Graph[_Node]) -> Iterator[set[_Node]]:
    """Tarjan's algorithm, without recursion: a way through a file of definitions may be thousands of nodes long."""
    order: dict[_Node, int] = {}
    lowest: dict[_Node, int] = {}
    open_nodes: list[_Node] = []
    closed: set[_Node] = set()
    for root in graph:
        walk = [] if root in order else [(root, iter(graph.get(root, ())))]
        while walk:
            node, rest = walk[-1]
            if node not in order:
                order[node] = lowest[node] = len(order)
                open_nodes.append(node)
            after = next((n for n in rest if n not in closed), None)
            if after is None:
                walk.pop()
                if walk:
                    lowest[walk[-1][0]] = min(lowest[walk[-1][0]], lowest[node])
                if lowest[node] == order[node]:
                    component = _popped(open_nodes, node)
                    closed |= component
                    yield component
            elif after in order:
                lowest[node] = min(lowest[node], order[after])
            else:
                walk.append((after, iter(graph.get(after, ()))))


def _popped(stack: list[_Node], last: _Node) -> set[_Node]:
    popped: set[_Node] = set()
    while last not in popped:
        popped.add(stack.pop())
    return popped
