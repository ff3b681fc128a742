"""The marks that functions of handler modules get: @hook, @projection, @guard, @probe and @limit."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar, overload

from workflow.errors import RegisterHookError

MARK = "__workflow_mark__"
MOST_IN_BATCH = 1000
"""As much as one batch of a stream may hold."""

_TRIGGER = re.compile(r"([a-z][a-z0-9_]*\.)?[a-z][a-z0-9_]*")
_Function = TypeVar("_Function", bound=Callable[..., object])


class Mark(NamedTuple):
    what: str
    name: str
    fires: tuple[str, ...] = ()
    batch: int = 0
    is_projection: bool = False


@overload
def hook(function: _Function) -> _Function: ...
@overload
def hook(*, name: str = "", fires: Sequence[str] = (), batch: int = 0) -> Callable[[_Function], _Function]: ...
def hook(function: _Function | None = None, *, name: str = "", fires: Sequence[str] = (), batch: int = 0) -> Any:
    """Marks a function as the hook that definitions know by its name, or by `name`; it is given one Effect.

    `fires` names the triggers that it may fire, for `workflow check` to find circles: `ship` of the effect's own
    entity, `shipment.book` of another, `invoice.create`. With `batch` it is given a list of up to so many Effects, of
    different entities, and returns None when all are done, or a map from the `key` of those that are not to the error
    (and of those that are to the payload of their `then`); what it raises is nobody's own failure: they come again in
    smaller batches, at last each alone. Raises RegisterHookError for what is no such list or number.
    """
    return _marker(Mark("hook", name, _fired(fires), _batch(batch)), function)


@overload
def projection(function: _Function) -> _Function: ...
@overload
def projection(*, name: str = "", batch: int = 0) -> Callable[[_Function], _Function]: ...
def projection(function: _Function | None = None, *, name: str = "", batch: int = 0) -> Any:
    """Marks a hook that keeps a read model, and can be run again for all of history by `workflow rebuild`.

    What it writes must depend on its effects alone, and writing it again must change nothing. It fires no triggers;
    `batch` as for `hook`.
    """
    return _marker(Mark("hook", name, (), _batch(batch), is_projection=True), function)


@overload
def guard(function: _Function) -> _Function: ...
@overload
def guard(*, name: str) -> Callable[[_Function], _Function]: ...
def guard(function: _Function | None = None, *, name: str = "") -> Any:
    """Marks a pure function as a guard: it is given {payload, data, entity}, and anything true lets pass."""
    return _marker(Mark("guard", name), function)


@overload
def limit(function: _Function) -> _Function: ...
@overload
def limit(*, name: str) -> Callable[[_Function], _Function]: ...
def limit(function: _Function | None = None, *, name: str = "") -> Any:
    """Marks a pure function as a limit: it is given the key of a lane and returns how many may run there at once, as a
    whole number; 0 lets nobody start."""
    return _marker(Mark("limit", name), function)


def probe(*, of: str) -> Callable[[_Function], _Function]:
    """Marks a function as the one that is asked, after a run of the hook `of` was cut off, whether it happened.

    It is given the Effect that the hook was given; anything true stands for yes, and what it raises for no answer.
    """
    decorate: Callable[[_Function], _Function] = _marker(Mark("probe", of), None)
    return decorate


def _marker(mark: Mark, function: _Function | None) -> Any:
    def decorate(function: _Function) -> _Function:
        setattr(function, MARK, mark._replace(name=mark.name or function.__name__))
        return function

    return decorate if function is None else decorate(function)


def _batch(size: int) -> int:
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= MOST_IN_BATCH:
        raise RegisterHookError(f"batch={size!r} of a hook is no size of a batch; give a number up to {MOST_IN_BATCH}")
    return size


def _fired(fires: Sequence[str]) -> tuple[str, ...]:
    # One name in place of a list of one is a list of letters to Python.
    if isinstance(fires, str) or not all(isinstance(name, str) and _TRIGGER.fullmatch(name) for name in fires):
        expected = "'trigger', 'kind.trigger' or 'kind.create', in a list or tuple"
        raise RegisterHookError(f"fires={fires!r} of a hook is not a list of triggers; write {expected}")
    return tuple(fires)
