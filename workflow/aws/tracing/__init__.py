"""Tracers: adapters of the one port, each with a library that is imported when it is asked for."""

from __future__ import annotations

from workflow.errors import SettingsError
from workflow.runtime.tracing import Tracer


def open_adapter(name: str) -> Tracer:
    """The tracer of that name, one of the settings' TRACINGS; raises SettingsError if the library that it needs is not
    installed."""
    try:
        if name == "xray":
            from workflow.aws.tracing.xray import open_xray

            return open_xray()
        from workflow.aws.tracing.otel import OtelTracer

        return OtelTracer()
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"tracing is {name!r}, and its library is not installed ({error}): pip install 'stream-workflow[{name}]'"
        ) from None
