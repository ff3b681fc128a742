"""What `workflow dev` says about a delivery."""

from typing import Any

from workflow.local.feed import lines_of
from workflow.local.pump import Delivery


def image(state: str, version: int, event: str = "", edge: str = "") -> dict[str, Any]:
    return {"state": {"S": state}, "version": {"N": str(version)}, "event": {"S": event}, "edge": {"S": edge}}


def record(old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    change: dict[str, Any] = {"Keys": {"pk": {"S": "order#4#2"}, "sk": {"S": "entity"}}}
    return {"dynamodb": change | ({"OldImage": old} if old else {}) | ({"NewImage": new} if new else {})}


def test_each_record_is_a_line_then_the_log_then_the_failure() -> None:
    placed = image("placed", 1, "e1", "order@1 create - placed")
    paid = image("paid", 2, "e2", "order@1 pay placed paid")
    raw = image("shipped", 2, "e2", "order@1 pay placed paid")
    delivery = Delivery(
        (record(None, placed), record(placed, paid), record(paid, raw), record(raw, None)), 1, "it broke", "a\nb", 3.0
    )
    assert list(lines_of(delivery)) == [
        "order 4#2  v1  (new) -> placed  create",
        "order 4#2  v2  placed -> paid  pay",
        "order 4#2  v2  paid -> shipped  (changed by hand, without an event)",
        "order 4#2  removed",
        "    | a",
        "    | b",
        "    ! it broke (3 come again)",
    ]
