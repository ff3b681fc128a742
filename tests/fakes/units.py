"""Write units by AWS's own rules, from what was sent: DynamoDB Local's own count of a transaction is not AWS's.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import ceil
from typing import Any

from tests.fakes.faults import Sent


def item_bytes(item: dict[str, Any]) -> int:
    """The size of an item: the bytes of its names and values."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(attribute: dict[str, Any]) -> int:
    ((tag, value),) = attribute.items()
    if tag == "S":
        return len(value.encode())
    if tag == "N":
        digits = value.lstrip("-").replace(".", "").strip("0") or "0"
        return ceil(len(digits) / 2) + 1 + value.startswith("-")
    if tag == "M":
        return 3 + len(value) + item_bytes(value)
    if tag == "L":
        return 3 + len(value) + sum(map(_value_bytes, value))
    return 1


def write_units(sent: Iterable[Sent], read_item: Callable[[dict[str, Any]], dict[str, Any]]) -> int:
    """The units that the sent writes take: one a kilobyte begun, two in a transaction. `read_item` gives the item of a
    key as it is now: an update costs by the item it leaves, which here is never smaller than the one it found."""
    units = 0
    for one in sent:
        if one.operation == "TransactWriteItems":
            for part in one.body["TransactItems"]:
                item = part["Put"]["Item"] if "Put" in part else read_item(part["Update"]["Key"])
                units += 2 * _kilobytes(item)
        elif one.operation == "PutItem":
            units += _kilobytes(one.body["Item"])
        else:
            assert one.operation in ("GetItem", "Query"), one.operation
    return units


def _kilobytes(item: dict[str, Any]) -> int:
    return ceil(item_bytes(item) / 1024)
