"""Errors as segments tell of them: by class, and in words that somebody vouches for."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import Any

from aws_xray_sdk.core.emitters.udp_emitter import UDPEmitter

_MOST_CHARACTERS = 1000


class Told:
    """One error, in the form that the SDK writes out."""

    def __init__(self, kind: str, message: str) -> None:
        self._fields = {"id": secrets.token_hex(8), "type": kind, "remote": False}
        if message:
            self._fields["message"] = message[:_MOST_CHARACTERS]

    def to_dict(self) -> dict[str, Any]:
        """What the document says."""
        return self._fields


def mark(entity: Any, kind: str, message: str, *, fault: bool, throttle: bool = False) -> None:
    """Marks a segment or subsegment as failed: a fault is whoever's was asked, any other error the caller's, also where
    he asks too often.
    https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-errors"""
    if fault:
        entity.add_fault_flag()
    else:
        entity.add_error_flag()
    if throttle:
        entity.add_throttle_flag()
    # The SDK asks for a folder. It says nothing of the work, and so it is not told.
    entity.cause = {"working_directory": "", "exceptions": [Told(kind, message)]}


class DiscreetEmitter(UDPEmitter):  # type: ignore[misc]
    """Sends as the SDK does, but errors that anybody else has marked go without their words: a hook's own
    instrumentation keeps them as they are, and they may quote anything."""

    def send_entity(self, entity: Any) -> None:
        """Sends a segment, or a subsegment by itself."""
        with suppress(Exception):
            _hush(entity)
            super().send_entity(entity)


def _hush(entity: Any) -> None:
    causes = entity.cause.get("exceptions", []) if isinstance(entity.cause, dict) else []
    for error in causes:
        if not isinstance(error, Told):
            error.message = ""
    for subsegment in entity.subsegments:
        _hush(subsegment)
