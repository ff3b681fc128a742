"""From a failing schedule to the shortest and plainest one that still breaks the same promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

MOST_REPLAYS = 600


def shrink(
    choices: Sequence[int], still_fails: Callable[[Sequence[int]], Sequence[int] | None], *, most: int = MOST_REPLAYS
) -> list[int]:
    """A list that is shorter, or has lower numbers, and still fails; `most` replays at most.

    `still_fails` replays a list and returns the choices that were really made if it fails as before, else None.
    """
    best = _trimmed(choices)
    left = most
    improved = True
    while improved and left:
        improved = False
        for candidate in _candidates(best):
            if not left:
                break
            left -= 1
            made = still_fails(candidate)
            if made is not None and _is_plainer(_trimmed(made), best):
                best, improved = _trimmed(made), True
                break
    return best


def _candidates(best: Sequence[int]) -> Iterator[list[int]]:
    """Ways to be plainer, the boldest first; each is made of the list as it is now."""
    size = len(best)
    while size:
        for first in range(0, len(best), size):
            block = best[first : first + size]
            yield [*best[:first], *best[first + size :]]
            if any(block):
                yield [*best[:first], *([0] * len(block)), *best[first + size :]]
        size //= 2
    for place, number in enumerate(best):
        if number > 1:
            yield [*best[:place], 1, *best[place + 1 :]]
            yield [*best[:place], number - 1, *best[place + 1 :]]


def _is_plainer(one: Sequence[int], other: Sequence[int]) -> bool:
    # What is not 0 costs most: it is what happens in the story.
    return _cost(one) < _cost(other)


def _cost(choices: Sequence[int]) -> tuple[int, int, int]:
    return sum(1 for number in choices if number), len(choices), sum(choices)


def _trimmed(choices: Sequence[int]) -> list[int]:
    """Without the zeros at its end: what a list does not say is 0."""
    end = len(choices)
    while end and not choices[end - 1]:
        end -= 1
    return list(choices[:end])
