"""What a check has found, before it is known where in the file that stands."""

from __future__ import annotations

from typing import NamedTuple

from workflow.definition.document import PathTuple


class Finding(NamedTuple):
    """Something wrong at a path of the model, and the way out."""

    path: PathTuple
    message: str
    way_out: str
    at_key: bool = False
