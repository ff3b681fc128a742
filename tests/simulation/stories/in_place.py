"""Fakes in the place of what handlers call."""

from __future__ import annotations

from types import ModuleType


def put_in_place(module: ModuleType, **fakes: object) -> None:
    """Lets the module find the fakes under those names, from now on: actors take turns in the middle of a hook, so that
    blocks around their runs would be left in another order than they are entered. A test takes them away at its end."""
    for name, fake in fakes.items():
        setattr(module, name, fake)
