"""Where an application says what belongs to it: environment variables, or `[tool.workflow]` in pyproject.toml."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow.errors import SettingsError

_KEYS = (
    "table",
    "region",
    "definitions",
    "webhooks",
    "handlers",
    "workers",
    "max_depth",
    "event_source",
    "targets",
    "tracing",
)
TRACINGS = ("", "xray", "opentelemetry")
"""What traces are kept by; '' for none."""

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d{1,2}")
_SOURCE = re.compile(r"[!-~]{1,256}")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a process needs to know to work on one table; `''` and `()` where nothing was said.

    `event_source` is what published messages name as their source; `targets` are pairs of what definitions call a
    queue, topic, bus or bucket, and what it is called here; `tracing` is one of TRACINGS. `region` is which replica of
    a global table the table is, and the home of what is created here.
    """

    table: str = ""
    definitions: str = "definitions"
    webhooks: str = "webhooks"
    handlers: tuple[str, ...] = ()
    endpoint_url: str = ""
    workers: int = 16
    max_depth: int = 16
    event_source: str = ""
    targets: tuple[tuple[str, str], ...] = ()
    tracing: str = ""
    region: str = ""

    def get_table(self) -> str:
        """The table's name; raises SettingsError that says how to give it."""
        if not self.table:
            raise SettingsError("no table is named; set WORKFLOW_TABLE, or table in [tool.workflow] of pyproject.toml")
        return self.table


def read_settings(environment: Mapping[str, str] = os.environ, folder: Path | None = None) -> Settings:
    """The settings: from the environment alone if it has WORKFLOW_DEFINITIONS, as in a Lambda, else each variable
    before the file's entry. Raises SettingsError for what does not fit."""
    written = {} if "WORKFLOW_DEFINITIONS" in environment else _written(folder or Path())
    handlers = environment.get("WORKFLOW_HANDLERS", ",".join(written.get("handlers", [])))
    return Settings(
        table=environment.get("WORKFLOW_TABLE", written.get("table", "")),
        definitions=environment.get("WORKFLOW_DEFINITIONS", written.get("definitions", "definitions")),
        webhooks=environment.get("WORKFLOW_WEBHOOKS", written.get("webhooks", "webhooks")),
        handlers=tuple(name.strip() for name in handlers.split(",") if name.strip()),
        endpoint_url=environment.get("AWS_ENDPOINT_URL_DYNAMODB", environment.get("AWS_ENDPOINT_URL", "")),
        workers=_number(environment, written, "workers", 16, 256),
        max_depth=_number(environment, written, "max_depth", 16, 1000),
        event_source=_event_source(environment.get("WORKFLOW_EVENT_SOURCE", written.get("event_source", ""))),
        targets=_targets(environment.get("WORKFLOW_TARGETS", written.get("targets", ""))),
        tracing=_tracing(environment.get("WORKFLOW_TRACING", written.get("tracing", ""))),
        region=_region(environment.get("WORKFLOW_REGION", written.get("region", ""))),
    )


def _number(environment: Mapping[str, str], written: Mapping[str, Any], name: str, default: int, most: int) -> int:
    variable = f"WORKFLOW_{name.upper()}"
    given = environment.get(variable, str(written.get(name, default)))
    if not given.isdecimal() or not 1 <= int(given) <= most:
        raise SettingsError(f"{name} (or {variable}) is {given!r}; give a whole number from 1 to {most}")
    return int(given)


def _event_source(given: str) -> str:
    if given and (not _SOURCE.fullmatch(given) or given.lower().startswith("aws.")):
        raise SettingsError(
            f"event_source (or WORKFLOW_EVENT_SOURCE) is {given!r}; give a URI reference such as /shop/orders, "
            f"of up to 256 characters without blanks; those that begin with 'aws.' are Amazon's"
        )
    return given


def _region(given: str) -> str:
    if given and not _REGION.fullmatch(given):
        raise SettingsError(
            f"region (or WORKFLOW_REGION) is {given!r}; give the region of this replica of a global table, such as "
            f"eu-west-1, or nothing"
        )
    return given


def _tracing(given: str) -> str:
    if given not in TRACINGS:
        raise SettingsError(f"tracing (or WORKFLOW_TRACING) is {given!r}; give one of: xray, opentelemetry, or nothing")
    return given


def _targets(given: str) -> tuple[tuple[str, str], ...]:
    pairs = [part.partition("=") for part in given.split(",") if part.strip()]
    for name, sign, here in pairs:
        if not (name.strip() and sign and here.strip()):
            raise SettingsError(
                f"targets (or WORKFLOW_TARGETS) holds {name.strip() or here.strip()!r}; give pairs such as "
                f"invoices.fifo=dev-invoices.fifo, with commas between them"
            )
    return tuple((name.strip(), here.strip()) for name, _, here in pairs)


def _written(folder: Path) -> Mapping[str, Any]:
    file = folder / "pyproject.toml"
    if not file.is_file():
        return {}
    # Only a laptop has the file; the Lambda is told by its environment.
    import tomllib

    try:
        tool = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: {error}") from None
    written: Any = tool.get("workflow", {}) if isinstance(tool, dict) else None
    problem = _misfit(written)
    if problem:
        raise SettingsError(f"{file}: [tool.workflow] {problem}")
    return dict(written)


def _misfit(written: Any) -> str:
    if not isinstance(written, dict):
        return "must be a table"
    for name in written:
        if name not in _KEYS:
            import difflib

            near = difflib.get_close_matches(name, _KEYS, n=1)
            return f"has no {name!r}{f' (did you mean {near[0]!r}?)' if near else ''}; it has: {', '.join(_KEYS)}"
    for name in ("table", "region", "definitions", "webhooks", "event_source", "targets", "tracing"):
        if not isinstance(written.get(name, ""), str):
            return f"{name} must be text"
    handlers = written.get("handlers", [])
    if not isinstance(handlers, list) or not all(isinstance(module, str) for module in handlers):
        return 'handlers must be a list of module names, such as ["handlers.order"]'
    return ""
