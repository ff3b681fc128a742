"""From a document to the model of an archive's map, with every problem on the way."""

from __future__ import annotations

from typing import TypeAlias

from workflow.definition.archives.model import ArchiveMapModel
from workflow.definition.document import Document
from workflow.definition.mapped_reading import Reading as MappedReading
from workflow.definition.mapped_reading import Telling, read_mapped

Reading: TypeAlias = MappedReading[ArchiveMapModel]

_TELLING = Telling(
    document="the map: expected one",
    examples={
        "archive": "archive: parcels",
        "kind": "kind: shipment",
        "id": "id: line.number",
        "created": "created: line.created_at",
        "trigger": "trigger: ship",
        "at": "at: line.shipped_at",
        "from": "from: line.status",
    },
    expected={
        "data": "a map from names to JMESPath",
        "payload": "a map from names to JMESPath",
        "words": "a map from the old system's words to our names",
        "steps": "a list of maps",
        "times": "a map with format and zone",
        "csv": "a map with delimiter and decimal",
    },
    mapped=("id", "created", "at", "when", "each", "from"),
    maps=("payload", "data"),
    mapping="line.name",
)


def read_model(document: Document) -> Reading:
    """The reading of a usable document; its problems are in the reading, and nothing is raised."""
    return read_mapped(document, ArchiveMapModel, _TELLING)
