"""Values to and from DynamoDB's attribute values, exactly, and faster than boto3's own classes do it.

boto3's TypeSerializer and TypeDeserializer look a method up by name for each value and make every number a Decimal;
a handler that reads two images a record spends most of its time there.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Any

from workflow.definition.values import Value

Attribute = Mapping[str, Any]
"""One attribute value in DynamoDB's JSON: {"S": "text"}, {"N": "12"}, {"M": {...}} ..."""

Item = Mapping[str, Attribute]
"""An item, key, or image: attribute values by name."""

_LONGEST_PLAIN_NUMBER = 10**38
_ALL_DIGITS = Context(prec=38)


def write_value(value: Value) -> dict[str, Any]:
    """The attribute value of a canonical value."""
    kind = type(value)
    if kind is str:
        return {"S": value}
    if kind is int:
        return {"N": str(value) if abs(value) < _LONGEST_PLAIN_NUMBER else str(Decimal(value).normalize(_ALL_DIGITS))}
    if kind is dict:
        return {"M": {name: write_value(item) for name, item in value.items()}}
    if kind is list:
        return {"L": [write_value(item) for item in value]}
    if kind is bool:
        return {"BOOL": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, Decimal):
        return {"N": str(value)}
    raise TypeError(f"{kind.__name__} is not a canonical value")


def write_map(values: Mapping[str, Value]) -> dict[str, Any]:
    """The attribute value of a map."""
    return {"M": {name: write_value(value) for name, value in values.items()}}


def read_value(attribute: Attribute) -> Value:
    """The canonical value of an attribute value; sets and binaries, which we never write, come as DynamoDB's JSON."""
    for tag, raw in attribute.items():
        if tag == "S" or tag == "BOOL":
            return raw
        if tag == "N":
            return int(raw) if raw.isdecimal() else _read_number(raw)
        if tag == "M":
            return read_map(raw)
        if tag == "L":
            return [read_value(item) for item in raw]
        return None if tag == "NULL" else raw
    raise ValueError("an attribute value without a type")


def read_map(attributes: Item) -> dict[str, Value]:
    """The canonical values of a map's attribute values."""
    values = {}
    for name, attribute in attributes.items():
        # What data is mostly made of, without a call for each.
        if "S" in attribute:
            values[name] = attribute["S"]
        elif "N" in attribute:
            raw = attribute["N"]
            values[name] = int(raw) if raw.isdecimal() else _read_number(raw)
        elif "M" in attribute:
            values[name] = read_map(attribute["M"])
        elif "L" in attribute:
            values[name] = [read_map(item["M"]) if "M" in item else read_value(item) for item in attribute["L"]]
        else:
            values[name] = read_value(attribute)
    return values


def _read_number(text: str) -> int | Decimal:
    number = Decimal(text)
    if "." in text and text[-1] != "0" and "E" not in text:
        return number
    return int(number) if number == number.to_integral_value() else number
