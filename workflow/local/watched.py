"""The files of a project whose change means another deployment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from workflow.local.layout import SETTINGS, TEMPLATE, Layout


@dataclass(frozen=True, slots=True)
class Watched:
    """The parts of a project that are watched."""

    layout: Layout

    @property
    def names(self) -> list[str]:
        """What to call them, as seen from the project."""
        parts = [*self._folders, *self._files]
        return [f"{self._name(part)}/" if part.is_dir() else self._name(part) for part in parts if part.exists()]

    @property
    def folders(self) -> list[Path]:
        """Every folder to watch by itself: an editor that replaces a file would take a watch on the file with it."""
        parts = [part for part in self._folders if part.is_dir()]
        trees = [folder for part in parts for folder in (part, *part.rglob("*/")) if folder.is_dir()]
        files = [path.parent for path in (*self._files, self.layout.definitions) if path.is_file()]
        return sorted({folder for folder in (*trees, *files) if folder.name != "__pycache__"})

    def among(self, changed: Iterable[str]) -> list[str]:
        """Return the names of those of the changed paths that belong to the project's parts."""
        return sorted({self._name(path) for path in map(Path, changed) if self._is_part(path)})

    @property
    def _folders(self) -> list[Path]:
        return [self.layout.definitions, self.layout.webhooks, *self.layout.packages]

    @property
    def _files(self) -> list[Path]:
        return [self.layout.project / TEMPLATE, self.layout.project / SETTINGS]

    def _is_part(self, path: Path) -> bool:
        if "__pycache__" in path.parts or path.name.endswith("~"):
            return False
        return path in self._files or any(path.is_relative_to(part) for part in self._folders)

    def _name(self, path: Path) -> str:
        project = self.layout.project
        return str(path.relative_to(project)) if path.is_relative_to(project) else str(path)
