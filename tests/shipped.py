"""What the repository ships as its own application."""

from __future__ import annotations

import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]

HANDLERS: tuple[str, ...] = tuple(
    tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["workflow"]["handlers"]
)
"""The handler modules, as `[tool.workflow]` lists them."""
