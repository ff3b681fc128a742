"""Ways out of a misspelt name: what was probably meant, and what there is."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

_SHOWN = 12


def find_closest(word: str, known: Collection[str]) -> str | None:
    """The known name that `word` was probably meant to be, or None."""
    matches = get_close_matches(word[:100], sorted(known), 1, 0.6)
    return matches[0] if matches else None


def ways_out(word: str, known: Collection[str], label: str) -> str:
    """`did you mean 'x'? LABEL: a, b, c`, as one line."""
    closest = find_closest(word, known)
    question = f"did you mean {closest!r}? " if closest else ""
    return f"{question}{label}: {listed(known)}"


def listed(names: Collection[str]) -> str:
    """The names, comma-separated, in the order given; shortened where there are many."""
    shown = list(names)[:_SHOWN]
    more = len(names) - len(shown)
    return (", ".join(shown) or "none") + (f" and {more} more" if more else "")
