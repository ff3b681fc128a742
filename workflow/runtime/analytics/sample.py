"""Numbers of which only the order matters: exact up to a million, from there on a fair sample of them. Pure."""

from __future__ import annotations

import math
from array import array
from random import Random

MOST_KEPT = 1_000_000
"""So many are kept, in eight bytes each."""


class Sample:
    """Numbers that were added, and where a share of them lies."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._kept = array("d")
        self._is_sorted = True
        # Not for secrets; the same numbers in the same order give the same sample.
        self._random = Random(0)
        self.count = 0
        self.largest: float | None = None

    @property
    def is_exact(self) -> bool:
        """Whether all numbers are kept."""
        return self.count == len(self._kept)

    def add(self, number: float) -> None:
        """Takes a number up."""
        self.count += 1
        self.largest = number if self.largest is None else max(self.largest, number)
        if len(self._kept) < self._most:
            self._kept.append(number)
        else:
            # Each number that ever came stays with the same probability (Vitter's algorithm R).
            place = self._random.randrange(self.count)
            if place >= self._most:
                return
            self._kept[place] = number
        self._is_sorted = False

    def percentile(self, percent: float) -> float | None:
        """The least of the numbers that at least so many percent of them do not exceed; None where there are none."""
        if not self._kept:
            return None
        if not self._is_sorted:
            self._kept = array("d", sorted(self._kept))
            self._is_sorted = True
        return self._kept[max(math.ceil(percent / 100 * len(self._kept)), 1) - 1]
