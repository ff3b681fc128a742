"""Definitions whose hooks are asked for in another way than by their bare names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from workflow.definition.definition import Definition, HookUse, Retry

LATER = Retry(attempts=4, first_seconds=30, factor=2, ceiling_seconds=600)
"""Waits too long for being waited in place: a hook that fails is put aside at once, for 30, 60 and 120 seconds."""


def using(definition: Definition, hook: str = "", **said: Any) -> Definition:
    """The definition with this said of every use of the hook; of every hook, if none is named."""
    return changed(definition, lambda use: replace(use, **said) if hook in ("", use.hook) else use)


def changed(definition: Definition, change: Callable[[HookUse], HookUse]) -> Definition:
    """The definition with every use of a hook on entering a state changed."""
    states = {
        name: replace(state, on_enter=tuple(map(change, state.on_enter))) for name, state in definition.states.items()
    }
    return replace(definition, states=states)
