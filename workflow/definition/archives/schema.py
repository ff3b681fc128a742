"""The JSON Schema of an archive's map, so that editors complete and underline while one writes."""

from __future__ import annotations

from typing import Any

from workflow.definition.archives.model import ArchiveMapModel
from workflow.definition.schema import published, schema_of


def archive_map_schema() -> dict[str, Any]:
    """The schema (2020-12) of one map; the checks refuse more than a schema can say."""
    return schema_of(ArchiveMapModel)


def schema_text() -> str:
    """The schema as it is published: JSON, indented, with a line end."""
    return published(archive_map_schema())
