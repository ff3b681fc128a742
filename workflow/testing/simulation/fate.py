"""Every choice of a schedule from one source, kept as a list of small numbers: the list replays the schedule."""

from __future__ import annotations

import random
from collections.abc import Sequence


class Odds:
    """How likely each of several outcomes is; the first is the one in which nothing bad happens."""

    __slots__ = ("total", "weights")

    def __init__(self, *weights: int) -> None:
        self.weights = weights
        self.total = sum(weights)


class Fate:
    """Chooses by a seed, or as a list of earlier choices says; what the list does not say is 0.

    While it is `calm` every choice is 0, and none is kept.
    """

    __slots__ = ("_at", "_given", "_random", "calm", "choices")

    def __init__(self, seed: int = 0, *, given: Sequence[int] | None = None) -> None:
        self.choices: list[int] = []
        self.calm = False
        self._given = given
        self._at = 0
        self._random = random.Random(seed).random

    def choose(self, count: int) -> int:
        """A number from 0 up to, and without, `count`."""
        if self.calm or count < 2:
            return 0
        chosen = int(self._random() * count) if self._given is None else min(self._next(), count - 1)
        self.choices.append(chosen)
        return chosen

    def weighted(self, odds: Odds) -> int:
        """The place of one of the odds; those of weight 0 never come up."""
        weights = odds.weights
        if self.calm or odds.total == weights[0]:
            return 0
        chosen = self._drawn(odds) if self._given is None else self._next()
        if chosen >= len(weights) or not weights[chosen]:
            # A list that was made shorter may mean something else here.
            chosen = 0
        self.choices.append(chosen)
        return chosen

    def happens(self, one_in: int) -> bool:
        """True once in so many times; never while it is calm, or if `one_in` is 0."""
        if self.calm or not one_in:
            return False
        chosen = int(self._random() * one_in < 1) if self._given is None else min(self._next(), 1)
        self.choices.append(chosen)
        return chosen == 1

    def _drawn(self, odds: Odds) -> int:
        left = self._random() * odds.total
        for place, weight in enumerate(odds.weights):
            left -= weight
            if left < 0:
                return place
        return 0

    def _next(self) -> int:
        assert self._given is not None
        at, self._at = self._at, self._at + 1
        return self._given[at] if at < len(self._given) else 0
