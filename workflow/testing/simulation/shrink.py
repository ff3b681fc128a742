"""From a failing schedule to the shortest and plainest one that still breaks the same promise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

MOST_REPLAYS = 400


def shrink(
    choices: Sequence[int], still_fails: Callable[[Sequence[int]], Sequence[int] | None], *, most: int = MOST_REPLAYS
) -> list[int]:
    """A list that is shorter, or has lower numbers, and still fails; `most` replays at most.

    `still_fails` replays a list and returns the choices that were really made if it fails as before, else None.
    """
    shrinking = _Shrinking(_trimmed(choices), still_fails, most)
    cost = None
    while cost != _cost(shrinking.best) and shrinking.left:
        cost = _cost(shrinking.best)
        shrinking.drop_blocks()
        shrinking.lower_numbers()
    return shrinking.best


class _Shrinking:
    """The plainest list so far, and how many replays are left."""

    def __init__(
        self, best: list[int], still_fails: Callable[[Sequence[int]], Sequence[int] | None], left: int
    ) -> None:
        self.best, self.left = best, left
        self._still_fails = still_fails

    def drop_blocks(self) -> None:
        """Takes out blocks, or makes them zero, large ones first; goes on where it is when one could go."""
        size = max(1, len(self.best) // 2)
        while size:
            at = 0
            while at < len(self.best):
                if not self._drop(at, size) or not any(self.best[at : at + size]):
                    at += size
            size //= 2

    def _drop(self, at: int, size: int) -> bool:
        before, block, after = self.best[:at], self.best[at : at + size], self.best[at + size :]
        return self._try([*before, *after]) or (any(block) and self._try([*before, *[0] * len(block), *after]))

    def lower_numbers(self) -> None:
        """Makes single numbers smaller."""
        for at in range(len(self.best)):
            number = self.best[at] if at < len(self.best) else 0
            for lower in (1, 2, number // 2, number - 1):
                if 0 < lower < number and self._try([*self.best[:at], lower, *self.best[at + 1 :]]):
                    break

    def _try(self, candidate: list[int]) -> bool:
        if not self.left:
            return False
        self.left -= 1
        made = self._still_fails(candidate)
        if made is None or not _is_plainer(_trimmed(made), self.best):
            return False
        self.best = _trimmed(made)
        return True


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
