"""Records of a stream, as small as the rules allow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """One record; its number is its place in the stream."""

    number: int
    key: str = "order#1"
    arrived_at: float = 0.0
    size_bytes: int = 100

    @property
    def sequence_number(self) -> str:
        return str(self.number)


def numbered(*numbers: int) -> tuple[Record, ...]:
    return tuple(Record(number) for number in numbers)


def numbers(records: Iterable[Record]) -> list[int]:
    return [record.number for record in records]
