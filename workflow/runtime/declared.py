"""What runs for an effect: the registered hook of its name, or the framework's own for what a definition declares."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from workflow.definition.definition import HookUse
from workflow.runtime.publish.port import AT_ONCE
from workflow.runtime.runtime import Runtime


class Note(str):
    """What the framework's own says of what it did, for the ledger."""


def batch_size(runtime: Runtime, use: HookUse) -> int:
    """How many effects of the hook run together at most; 0: each by itself."""
    if use.publish is not None:
        return AT_ONCE
    return runtime.hooks.batches[use.function][1] if use.function in runtime.hooks.batches else 0


def get_function(runtime: Runtime, use: HookUse) -> Callable[[Any], object]:
    """What is called with the effect, or with a list of effects where they are gathered; raises
    HookNotRegisteredError."""
    if use.fire is not None:
        # Late: few deliveries fire, and evaluating expressions takes a library.
        from workflow.runtime.fire_declared import fire_declared

        return runtime.hooks.declared(use.hook, partial(fire_declared, use.fire))
    if use.publish is not None:
        from workflow.runtime.publish.publish import publish

        return partial(publish, runtime, use)
    return runtime.hooks[use.function]
