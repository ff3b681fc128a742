"""Tracers: adapters of the one port, each with a library that is imported when it is asked for."""

from __future__ import annotations

from workflow.errors import SettingsError
from workflow.runtime.tracing import Tracer


def open_adapter(name: str) -> Tracer:
    """The tracer of that name; raises SettingsError if the library that it needs is not installed."""
    raise SettingsError(f"tracing by {name!r} is not there yet")
