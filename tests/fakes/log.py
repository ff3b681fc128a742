"""What lines of a log say besides their message."""

from __future__ import annotations

import logging
from typing import Any

_OF_EVERY_RECORD = {*vars(logging.makeLogRecord({})), "message", "asctime"}


def of_line(record: logging.LogRecord) -> dict[str, Any]:
    """What was given as `extra`."""
    return {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
