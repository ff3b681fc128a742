"""What a command works with: the project's folder, its settings as the options change them, and the application."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from workflow.settings import Settings, read_settings

if TYPE_CHECKING:
    from workflow.application import Workflow
    from workflow.definition.definition import Definitions
    from workflow.runtime.hooks import Hooks

Opener: TypeAlias = "Callable[[Settings], Workflow]"
"""Makes the application that settings describe."""


def open_from_settings(settings: Settings) -> Workflow:
    """The application on the table that the settings name; definitions may ask for hooks that nobody registers."""
    from workflow.application import Workflow

    return Workflow.from_settings(settings, hooks_required=False)


class Session:
    """One call of the command line; reads nothing before a command asks, so that help always works."""

    def __init__(
        self,
        *,
        endpoint_url: str | None = None,
        table: str | None = None,
        definitions: str | None = None,
        opener: Opener | None = None,
    ) -> None:
        self._endpoint_url, self._table, self._definitions = endpoint_url, table, definitions
        self._opener = opener or open_from_settings

    @cached_property
    def project(self) -> Path:
        """The nearest folder, from here upwards, whose pyproject.toml has [tool.workflow]; else this one."""
        here = Path.cwd()
        return next((folder for folder in (here, *here.parents) if _is_project(folder)), here)

    @cached_property
    def settings(self) -> Settings:
        """The settings, options before environment before pyproject.toml; raises SettingsError."""
        # The variable makes read_settings pass over the file, as a Lambda needs it; here it replaces one entry only.
        environment = {name: value for name, value in os.environ.items() if name != "WORKFLOW_DEFINITIONS"}
        written = read_settings(environment, self.project)
        return replace(
            written,
            endpoint_url=self._endpoint_url or written.endpoint_url,
            table=self._table or written.table,
            definitions=self._definitions or _from_here(self.project / written.definitions),
        )

    def hooks(self) -> Hooks:
        """The hooks and guards that the project's handler modules register; raises RegisterHookError."""
        from workflow.runtime.hooks import Hooks

        if str(self.project) not in sys.path:
            sys.path.insert(0, str(self.project))
        return Hooks(self.settings.handlers)

    def load_definitions(self, path: str | None = None, hooks: Hooks | None = None) -> Definitions:
        """The definitions at `path` or where the settings say, checked against the hooks if any are given.

        Raises DefinitionError with every problem.
        """
        from workflow.definition.load import load_definitions

        registered = None if hooks is None else hooks.registered
        return load_definitions(path or self.settings.definitions, registered=registered)

    def open(self, *, with_handlers: bool = False) -> Workflow:
        """The application. Handlers are imported only on demand: what reads a table does not run the user's code."""
        if with_handlers:
            self.hooks()
            return self._opener(self.settings)
        return self._opener(replace(self.settings, handlers=()))


def _is_project(folder: Path) -> bool:
    try:
        return "[tool.workflow]" in (folder / "pyproject.toml").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _from_here(path: Path) -> str:
    """The path as seen from the current folder if it lies beneath it: shorter to read in every message."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
