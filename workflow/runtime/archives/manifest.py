"""What an archive says of itself: which selection of histories it holds, in which parts, with their checksums."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from workflow.errors import ArchiveError
from workflow.runtime.archives.line import FORMAT
from workflow.runtime.archives.shelf import Shelf

MANIFEST = "manifest.json"
UNFINISHED = "_unfinished/"
RUN = f"{UNFINISHED}run.json"
_PART = re.compile(r"kind=[a-z][a-z0-9_]*/day=[0-9]{4}-[0-9]{2}-[0-9]{2}/part-[0-9]{2}-[0-9]{5}\.jsonl\.gz", re.ASCII)


class Selection(NamedTuple):
    """Which histories: of a kind ('': of all), of entities that changed since then (None: ever), of which table."""

    kind: str = ""
    since: datetime | None = None
    table: str = ""

    def __str__(self) -> str:
        since = f" changed since {self.since:%Y-%m-%d %H:%M:%S}Z" if self.since else ""
        of_table = f" of table {self.table}" if self.table else ""
        return f"{self.kind or 'all'} entities{since}{of_table}"

    def covers(self, other: Selection) -> bool:
        """Whether all of the other is in this one, and nothing of another kind or table."""
        is_since = self.since is None or (other.since is not None and self.since <= other.since)
        return (self.kind, self.table) == (other.kind, other.table) and is_since


class Part(NamedTuple):
    """One file: how many entities and events it holds, and the SHA-256 of its bytes."""

    name: str
    kind: str
    entities: int
    events: int
    sha256: str


class Manifest(NamedTuple):
    """A whole archive: what it holds, and the parts in order of their names."""

    selection: Selection
    began_at: datetime
    parts: Sequence[Part]


def is_part(name: str) -> bool:
    """Whether a part is called so."""
    return _PART.fullmatch(name) is not None


def sha256_of(content: bytes) -> str:
    """The checksum of a part."""
    return hashlib.sha256(content).hexdigest()


def write_manifest(manifest: Manifest) -> bytes:
    """The manifest as one JSON document."""
    counts: dict[str, dict[str, int]] = {}
    for part in manifest.parts:
        of_kind = counts.setdefault(part.kind, {"entities": 0, "events": 0})
        of_kind["entities"] += part.entities
        of_kind["events"] += part.events
    form = {
        "format": FORMAT,
        "selection": write_selection(manifest.selection),
        "began_at": manifest.began_at.isoformat(),
        "kinds": counts,
        "parts": write_parts(manifest.parts),
    }
    return (json.dumps(form, indent=1) + "\n").encode()


def write_selection(selection: Selection) -> Mapping[str, str | None]:
    """The selection as plain data."""
    since = selection.since.isoformat() if selection.since else None
    return {"kind": selection.kind, "since": since, "table": selection.table}


def read_selection(form: Mapping[str, Any]) -> Selection:
    """The selection that `write_selection` wrote."""
    since = datetime.fromisoformat(form["since"]) if form["since"] else None
    return Selection(str(form["kind"]), since, str(form["table"]))


def write_parts(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """The parts as plain data, in order of their names."""
    return [part._asdict() for part in sorted(parts)]


def read_parts(form: Sequence[Mapping[str, Any]]) -> list[Part]:
    """The parts that `write_parts` wrote."""
    parts = [Part(str(p["name"]), str(p["kind"]), int(p["entities"]), int(p["events"]), str(p["sha256"])) for p in form]
    # Parts that are not needed any more are removed by their names.
    if not all(is_part(part.name) for part in parts):
        raise ValueError("a part lies elsewhere")
    return parts


def get_manifest(shelf: Shelf) -> Manifest:
    """The manifest of a finished archive; raises ArchiveError if it is none, or cannot be read."""
    if shelf.find(RUN) is not None:
        raise ArchiveError(f"{shelf.where('')}: the archive is not finished; call the same 'workflow archive' again")
    manifest = find_manifest(shelf)
    if manifest is None:
        raise ArchiveError(f"{shelf.where(MANIFEST)}: there is none, so this is no archive of 'workflow archive'")
    return manifest


def find_manifest(shelf: Shelf) -> Manifest | None:
    """The manifest that was written last; raises ArchiveError if it cannot be read."""
    content = shelf.find(MANIFEST)
    if content is None:
        return None
    try:
        form = json.loads(content)
        written = form["format"]
        if written == FORMAT:
            began_at, selection = datetime.fromisoformat(form["began_at"]), read_selection(form["selection"])
            return Manifest(selection, began_at, read_parts(form["parts"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ArchiveError(f"{shelf.where(MANIFEST)}: it was cut, changed or damaged; bring it back") from None
    raise ArchiveError(
        f"{shelf.where(MANIFEST)}: the archive has format {written!r}, and this version reads {FORMAT}; "
        f"use the one that wrote it"
    )
