"""All mutants there are."""

from __future__ import annotations

from tests.mutants import accepting, delivering, waiting

ALL = (*accepting.MUTANTS, *delivering.MUTANTS, *waiting.MUTANTS)
