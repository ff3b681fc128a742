"""Segments and subsegments, whichever document they came in, put together again to whole traces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple


class Piece(NamedTuple):
    """A segment or a subsegment; times are seconds since 1970. `service` is the name of the segment that it is of."""

    id: str
    parent: str
    trace: str
    name: str
    sort: str
    """`segment`, `aws` for a call of a service, or `span`."""
    service: str
    began: float
    ended: float
    notes: Mapping[str, Any]
    aws: Mapping[str, Any]
    errors: tuple[str, ...]
    is_failed: bool


def pieces(documents: Iterable[Mapping[str, Any]]) -> list[Piece]:
    """Every piece of the documents, in the order they began."""
    found = [piece for document in documents for piece in _flat(document, "", document.get("trace_id", ""))]
    services = {piece.id: piece for piece in found}
    named = [piece._replace(service=_service(piece, services)) for piece in found]
    return sorted(named, key=lambda piece: piece.began)


def _flat(document: Mapping[str, Any], parent: str, trace: str) -> Iterator[Piece]:
    is_segment = document.get("type") != "subsegment" and not parent
    aws_call = document.get("namespace") == "aws"
    yield Piece(
        document["id"],
        document.get("parent_id", parent),
        trace,
        document["name"],
        "segment" if is_segment else "aws" if aws_call else "span",
        document["name"] if is_segment else "",
        document["start_time"],
        document.get("end_time", document["start_time"]),
        document.get("annotations", {}),
        document.get("aws", {}),
        tuple(f"{one['type']}: {one.get('message', '')}" for one in document.get("cause", {}).get("exceptions", [])),
        bool(document.get("fault") or document.get("error")),
    )
    for child in document.get("subsegments", []):
        yield from _flat(child, document["id"], trace)


def shown(piece: Piece) -> str:
    """Its name as people know it: a function without what CloudFormation adds, a call with its operation."""
    name = re.sub(r"^workflow-(\w+Function)-\w+$", r"\1", piece.name)
    return f"{name} {piece.aws['operation']}" if "operation" in piece.aws else name


def _service(piece: Piece, known: Mapping[str, Piece]) -> str:
    while not piece.service and piece.parent in known:
        piece = known[piece.parent]
    return piece.service


def in_order(found: Iterable[Piece]) -> Iterator[tuple[int, Piece]]:
    """Each piece under its parent, with how deep it lies; roots are those whose parent is not among them."""
    found = list(found)
    known = {piece.id for piece in found}
    children: dict[str, list[Piece]] = {}
    for piece in found:
        children.setdefault(piece.parent if piece.parent in known else "", []).append(piece)

    def below(parent: str, depth: int) -> Iterator[tuple[int, Piece]]:
        for piece in children.get(parent, []):
            yield depth, piece
            yield from below(piece.id, depth + 1)

    yield from below("", 0)
