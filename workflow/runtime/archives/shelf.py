"""Where an archive lies: a folder, or whatever else keeps named bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from workflow.errors import StoreAccessError


class Shelf(Protocol):
    """Named bytes; names are paths with slashes. Each method may raise StoreAccessError, and Retryable errors."""

    def find(self, name: str) -> bytes | None:
        """What is kept under the name."""
        ...

    def put(self, name: str, content: bytes) -> None:
        """Keeps all of it under the name, in the place of what was there, or nothing."""
        ...

    def remove(self, name: str) -> None:
        """Keeps it no longer, if it was kept."""
        ...

    def names(self, prefix: str) -> Iterator[str]:
        """The names that begin so, in order."""
        ...

    def where(self, name: str) -> str:
        """Where that is, for people."""
        ...


class FolderShelf:
    """Files beneath a folder, which only their owner may read: histories hold sensitive fields."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, name: str) -> bytes | None:
        """The file's content."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._refused(name, error) from None

    def put(self, name: str, content: bytes) -> None:
        """Writes the file aside and then gives it its name, so that it is whole wherever it is."""
        file = self._folder / name
        aside = file.with_name(f".{file.name}.{os.getpid()}.part")
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # As it is made, and not afterwards: in between anybody could read it.
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as writer:
                writer.write(content)
                writer.flush()
                os.fsync(writer.fileno())
            aside.replace(file)
        except OSError as error:
            with suppress(OSError):
                aside.unlink()
            raise self._refused(name, error) from None

    def remove(self, name: str) -> None:
        """Removes the file, and the folders above it that are empty then."""
        file = self._folder / name
        with suppress(FileNotFoundError):
            file.unlink()
        for folder in file.parents:
            if folder == self._folder:
                return
            with suppress(OSError):
                folder.rmdir()

    def names(self, prefix: str) -> Iterator[str]:
        """The files whose path beneath the folder begins so."""
        found = (path for path in self._folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        names = sorted(path.relative_to(self._folder).as_posix() for path in found)
        return (name for name in names if name.startswith(prefix))

    def where(self, name: str) -> str:
        """The path of the file."""
        return str(self._folder / name)

    def _refused(self, name: str, error: OSError) -> StoreAccessError:
        return StoreAccessError(f"{self.where(name)}: {error.strerror}")
