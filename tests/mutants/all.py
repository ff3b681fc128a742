"""All mutants there are."""

from __future__ import annotations

from tests.mutants import accepting, batches, compensating, delivering, lanes, waiting

ALL = (
    *accepting.MUTANTS,
    *delivering.MUTANTS,
    *waiting.MUTANTS,
    *lanes.MUTANTS,
    *compensating.MUTANTS,
    *batches.MUTANTS,
)
