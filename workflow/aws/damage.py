"""Items that somebody changed by hand into something else, told by one error."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from workflow.aws.attributes import Item
from workflow.errors import HistoryConflictError

_DAMAGED = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError)
_Read = TypeVar("_Read")


def reader(read: Callable[[Item], _Read]) -> Callable[[Item], _Read]:
    """Makes reading raise HistoryConflictError for an item that somebody made into something else."""

    @wraps(read)
    def reading(item: Item) -> _Read:
        try:
            return read(item)
        except _DAMAGED as error:
            where = " ".join(str(item.get(name, {}).get("S", "?")) for name in ("pk", "sk"))
            what = f"it lacks {error}" if isinstance(error, KeyError) else f"{type(error).__name__} while reading it"
            raise HistoryConflictError(
                f"item {where} was changed by hand: {what}; restore it from its history or a backup"
            ) from error

    return reading
