"""Hooks and guards: marked in the application's handler modules, registered only when the application lists those."""

from __future__ import annotations

import importlib
import inspect
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from workflow.errors import HookNotRegisteredError, RegisterHookError

if TYPE_CHECKING:
    from workflow.definition.definition import Definitions
    from workflow.engine.machine import GuardFunction
    from workflow.runtime.effect import Effect

HookFunction = Callable[["Effect"], object]
Handlers = Iterable[str | ModuleType | Callable[..., object]]
"""Handler modules, as modules or by their importable names, or single marked functions."""

_MARK = "__workflow_mark__"
_Function = TypeVar("_Function", bound=Callable[..., object])


@overload
def hook(function: _Function) -> _Function: ...
@overload
def hook(*, name: str) -> Callable[[_Function], _Function]: ...
def hook(function: _Function | None = None, *, name: str = "") -> Any:
    """Marks a function as the hook that definitions know by its name, or by `name`; it is given one Effect."""
    return _marker("hook", function, name)


@overload
def guard(function: _Function) -> _Function: ...
@overload
def guard(*, name: str) -> Callable[[_Function], _Function]: ...
def guard(function: _Function | None = None, *, name: str = "") -> Any:
    """Marks a pure function as a guard: it is given {payload, data, entity}, and anything true lets pass."""
    return _marker("guard", function, name)


def _marker(mark: str, function: _Function | None, name: str) -> Any:
    def decorate(function: _Function) -> _Function:
        setattr(function, _MARK, (mark, name or function.__name__))
        return function

    return decorate if function is None else decorate(function)


_LAZY_RESULTS = (inspect.isawaitable, inspect.isgenerator, inspect.isasyncgen)
_LAZY = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)


def refuse_awaitable(result: object) -> None:
    """Raises RegisterHookError if a hook only returned something to be awaited or iterated: it has not run."""
    if result is not None and any(is_lazy(result) for is_lazy in _LAZY_RESULTS):
        if inspect.iscoroutine(result):
            result.close()
        raise RegisterHookError("the hook returned what is still to be done; hooks are not async and do not yield")


class Hooks(Mapping[str, HookFunction]):
    """The registered hooks by name, and the registered guards beside them."""

    def __init__(self, handlers: Handlers = ()) -> None:
        """Raises RegisterHookError for a name taken twice, an unmarked function, or a module that does not import."""
        self._hooks: dict[str, HookFunction] = {}
        self.guards: dict[str, GuardFunction] = {}
        for handler in handlers:
            for function in _functions(handler):
                self._register(function)

    def _register(self, function: Callable[..., Any]) -> None:
        mark, name = getattr(function, _MARK)
        if any(is_lazy(function) for is_lazy in _LAZY):
            raise RegisterHookError(f"the {mark} {name!r} ({_place(function)}) is async or yields; it would never run")
        taken: dict[str, Any] = self._hooks if mark == "hook" else self.guards
        other = taken.setdefault(name, function)
        if other is not function:
            raise RegisterHookError(
                f"two {mark}s are named {name!r}: {_place(other)} and {_place(function)}; rename one"
            )

    def __getitem__(self, name: str) -> HookFunction:
        """The hook of that name; raises HookNotRegisteredError."""
        try:
            return self._hooks[name]
        except KeyError:
            known = ", ".join(sorted(self._hooks)) or "none"
            raise HookNotRegisteredError(f"no handler module registers a hook {name!r}; registered: {known}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._hooks

    def __iter__(self) -> Iterator[str]:
        return iter(self._hooks)

    def __len__(self) -> int:
        return len(self._hooks)


def require(hooks: Hooks, definitions: Definitions) -> None:
    """Raises RegisterHookError naming every hook and guard that the definitions ask for and nobody registers."""
    missing = {
        f"{mark} {name!r} ({definition.kind})"
        for definition in definitions
        for mark, names, known in (("hook", definition.hooks, hooks), ("guard", definition.guards, hooks.guards))
        for name in names
        if name not in known
    }
    if missing:
        known = ", ".join(sorted(hooks)) or "none"
        raise RegisterHookError(f"no handler module registers {', '.join(sorted(missing))}; registered: {known}")


def _functions(handler: str | ModuleType | Callable[..., object]) -> list[Callable[..., object]]:
    if isinstance(handler, str):
        handler = _imported(handler)
    if isinstance(handler, ModuleType):
        own = [f for f in vars(handler).values() if getattr(f, "__module__", "") == handler.__name__]
        return [function for function in own if hasattr(function, _MARK)]
    if hasattr(handler, _MARK):
        return [handler]
    raise RegisterHookError(f"{handler!r} is not marked as a hook or guard; put @hook or @guard above it")


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:
        # Whatever the module does wrong at its import, the module is what has to be put right.
        raise RegisterHookError(f"handler module {name!r} cannot be imported: {_told(error)}") from error


def _told(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame for frame in frames if frame.filename not in (__file__, importlib.__file__) and "<" not in frame.filename
    ]
    where = f" ({Path(own[-1].filename).name}:{own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {error}{where}"


def _place(function: Callable[..., object]) -> str:
    return f"{function.__module__}.{function.__qualname__}"
