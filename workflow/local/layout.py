"""Where a project keeps what is built and deployed: its settings say so, in one place for all who need to know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workflow.settings import read_settings

TEMPLATE = "template.yaml"
SETTINGS = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class Layout:
    """A project's parts; `handlers` is None where no settings file says which modules there are."""

    project: Path
    definitions: Path
    webhooks: Path
    handlers: tuple[str, ...] | None

    @property
    def packages(self) -> list[Path]:
        """The folders of the handler modules."""
        modules = self.handlers or ("handlers",)
        return [self.project / name for name in dict.fromkeys(module.partition(".")[0] for module in modules)]


def read_layout(project: Path) -> Layout:
    """Return the layout that the project's `[tool.workflow]` describes; raises SettingsError."""
    settings = read_settings({}, project)
    # Without the file, the template's parameter is all that was said about handlers, and it stands.
    said = (project / SETTINGS).is_file()
    handlers = settings.handlers if said else None
    return Layout(project, project / settings.definitions, project / settings.webhooks, handlers)
