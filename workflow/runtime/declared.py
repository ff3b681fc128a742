"""What runs for an effect: the registered hook of its name, or the framework's own for what a definition declares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workflow.definition.definition import HookUse
from workflow.errors import HookNotRegisteredError
from workflow.runtime.runtime import Runtime


def batch_size(runtime: Runtime, use: HookUse) -> int:
    """How many effects of the hook run together at most; 0: each by itself."""
    return runtime.hooks.batches[use.function][1] if use.function in runtime.hooks.batches else 0


def get_function(runtime: Runtime, use: HookUse) -> Callable[[Any], object]:
    """What is called with the effect, or with a list of effects where they are gathered; raises
    HookNotRegisteredError."""
    if use.publish is not None or use.fire is not None:
        raise HookNotRegisteredError(f"{use.hook!r} cannot be run by this version")
    return runtime.hooks[use.function]
