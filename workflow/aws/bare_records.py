"""Records of a stream that does not show both images: what they do not say is left open, and read of the history.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_StreamSpecification.html
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from typing import Any

from workflow.aws.images import any_change
from workflow.runtime.changes import Change

log = logging.getLogger("workflow")

_MISSING = {
    "NEW_IMAGE": "shows what an item became and not what it was: one read for each change, and its history is read "
    "again where a hook looks at the entity before the event",
    "OLD_IMAGE": "shows what an item was and not what it became: one read for each change",
    "KEYS_ONLY": "shows nothing but keys: two reads for each change, and its history is read again where a hook looks "
    "at the entity; of several writes by hand the last is seen, and a slot given back may wait for the sweeper",
}


def is_bare(images: Mapping[str, Any]) -> bool:
    """Whether the record is of a stream that leaves out an image that the item had."""
    return images.get("StreamViewType") in _MISSING


def partial_change(record: Mapping[str, Any]) -> Change:
    """The change that a bare record shows, with version 0 for what it does not; raises one of NOT_AN_ENTITY if it has
    no place on the stream. Says once in the life of a process which view the stream has, and what that costs."""
    images = record["dynamodb"]
    _tell(images["StreamViewType"])
    change = any_change(images)
    is_gone = record.get("eventName") == "REMOVE" or bool(images.get("NewImage"))
    return change if is_gone else change._replace(gone="")


@cache
def _tell(view: str) -> None:
    log.warning(
        "the table's stream has the view %s, which %s; with NEW_AND_OLD_IMAGES nothing is read (docs/stream-views.md)",
        view,
        _MISSING[view],
    )
