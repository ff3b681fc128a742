"""From the checked model to the frozen map."""

from __future__ import annotations

from workflow.definition.archives.archive_map import ArchiveMap, From, Step, Times
from workflow.definition.archives.model import ArchiveMapModel, FromModel, StepModel


def build(model: ArchiveMapModel) -> ArchiveMap:
    """The frozen map of a model that the checks let pass."""
    return ArchiveMap(
        name=model.archive,
        kind=model.kind,
        id=model.id,
        created=model.created,
        data=dict(model.data),
        steps=tuple(_build_step(step) for step in model.steps),
        state=_build_name(model.state) if model.state is not None else "",
        times=Times(model.times.format, model.times.zone or ""),
        delimiter=model.csv.delimiter,
        decimal=model.csv.decimal,
    )


def _build_step(model: StepModel) -> Step:
    return Step(
        trigger=_build_name(model.trigger),
        at=model.at,
        when=model.when or "",
        each=model.each or "",
        payload=dict(model.payload),
    )


def _build_name(name: str | FromModel) -> str | From:
    return name if isinstance(name, str) else From(name.from_, dict(name.words or {}))
