"""The registry of hooks, guards, probes and limits: those of the handler modules that the application lists."""

from __future__ import annotations

import importlib
import inspect
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from workflow.definition.registered import Registered
from workflow.errors import HookNotRegisteredError, RegisterHookError
from workflow.runtime.marks import MARK, Mark

if TYPE_CHECKING:
    from workflow.definition.definition import Definitions
    from workflow.engine.machine import GuardFunction
    from workflow.runtime.effect import Effect

HookFunction = Callable[["Effect"], object]
BatchFunction = Callable[[Sequence["Effect"]], object]
ProbeFunction = Callable[["Effect"], object]
LimitFunction = Callable[[str], int]
Handlers = Iterable[str | ModuleType | Callable[..., object]]
"""Handler modules, as modules or by their importable names, or single marked functions."""

_LAZY_RESULTS = (inspect.isawaitable, inspect.isgenerator, inspect.isasyncgen)
_LAZY = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)


def refuse_awaitable(result: object) -> None:
    """Raises RegisterHookError if a hook only returned something to be awaited or iterated: it has not run."""
    if result is not None and any(is_lazy(result) for is_lazy in _LAZY_RESULTS):
        if inspect.iscoroutine(result):
            result.close()
        raise RegisterHookError("the hook returned what is still to be done; hooks are not async and do not yield")


class Hooks(Mapping[str, HookFunction]):
    """The registered hooks by name, and beside them the guards and limits by theirs and the probes by their hook's.

    Hooks that take several effects at once stand in `batches` as well, with how many they take at most, and those that
    can be rebuilt in `projections`.
    """

    def __init__(self, handlers: Handlers = ()) -> None:
        """Raises RegisterHookError for a name taken twice, an unmarked function, or a module that does not import."""
        self._hooks: dict[str, HookFunction] = {}
        self.guards: dict[str, GuardFunction] = {}
        self.probes: dict[str, ProbeFunction] = {}
        self.limits: dict[str, LimitFunction] = {}
        self.batches: dict[str, tuple[BatchFunction, int]] = {}
        self.projections: set[str] = set()
        for handler in handlers:
            for function in _functions(handler):
                self._register(function)

    def _register(self, function: Callable[..., Any]) -> None:
        mark: Mark = getattr(function, MARK)
        named = f"probe of {mark.name!r}" if mark.what == "probe" else f"{mark.what} {mark.name!r}"
        if any(is_lazy(function) for is_lazy in _LAZY):
            raise RegisterHookError(f"the {named} ({_place(function)}) is async or yields; it would never run")
        registries: dict[str, Any] = {
            "hook": self._hooks,
            "guard": self.guards,
            "probe": self.probes,
            "limit": self.limits,
        }
        other = registries[mark.what].setdefault(mark.name, function)
        if other is not function:
            raise RegisterHookError(_taken_twice(mark, other, function))
        if mark.batch:
            self.batches[mark.name] = (function, mark.batch)
        if mark.is_projection:
            self.projections.add(mark.name)

    @property
    def registered(self) -> Registered:
        """The names of all that is registered, with what each hook says it fires."""
        fires = {name: getattr(function, MARK).fires for name, function in self._hooks.items()}
        return Registered(fires, tuple(self.guards), tuple(self.probes), tuple(self.limits))

    def declared(self, name: str, function: HookFunction) -> HookFunction:
        """What is called for an effect of that name, which a definition declares and no handler module registers."""
        return function

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
    """Raises RegisterHookError naming every hook, guard and limit that the definitions ask for and nobody registers,
    and every hook without a probe that is to be verified."""
    missing = {
        f"{mark} {name!r} ({definition.kind})"
        for definition in definitions
        for mark, names, known in (
            ("hook", definition.hooks, hooks),
            ("guard", definition.guards, hooks.guards),
            ("probe of", definition.verified, hooks.probes),
            ("limit", definition.limits, hooks.limits),
        )
        for name in names
        if name not in known
    }
    if missing:
        known = ", ".join(sorted(hooks)) or "none"
        raise RegisterHookError(f"no handler module registers {', '.join(sorted(missing))}; registered: {known}")


def _taken_twice(mark: Mark, one: Callable[..., Any], other: Callable[..., Any]) -> str:
    places = f"{_place(one)} and {_place(other)}"
    if mark.what == "probe":
        return f"the hook {mark.name!r} has two probes: {places}; keep one"
    return f"two {mark.what}s are named {mark.name!r}: {places}; rename one"


def _functions(handler: str | ModuleType | Callable[..., object]) -> list[Callable[..., object]]:
    if isinstance(handler, str):
        handler = _imported(handler)
    if isinstance(handler, ModuleType):
        own = [f for f in vars(handler).values() if getattr(f, "__module__", "") == handler.__name__]
        return [function for function in own if hasattr(function, MARK)]
    if hasattr(handler, MARK):
        return [handler]
    raise RegisterHookError(f"{handler!r} is not marked; put @hook, @guard, @limit or @probe(of=...) above it")


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
