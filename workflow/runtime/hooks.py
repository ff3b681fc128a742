"""Hooks and guards: marked in the application's handler modules, registered only when the application lists those."""

from __future__ import annotations

import importlib
import inspect
import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, overload

from workflow.definition.registered import Registered
from workflow.errors import HookNotRegisteredError, RegisterHookError

if TYPE_CHECKING:
    from workflow.definition.definition import Definitions
    from workflow.engine.machine import GuardFunction
    from workflow.runtime.effect import Effect

HookFunction = Callable[["Effect"], object]
ProbeFunction = Callable[["Effect"], object]
LimitFunction = Callable[[str], int]
Handlers = Iterable[str | ModuleType | Callable[..., object]]
"""Handler modules, as modules or by their importable names, or single marked functions."""

_MARK = "__workflow_mark__"
_TRIGGER = re.compile(r"([a-z][a-z0-9_]*\.)?[a-z][a-z0-9_]*")
_Function = TypeVar("_Function", bound=Callable[..., object])


class _Mark(NamedTuple):
    what: str
    name: str
    fires: tuple[str, ...] = ()


@overload
def hook(function: _Function) -> _Function: ...
@overload
def hook(*, name: str = "", fires: Sequence[str] = ()) -> Callable[[_Function], _Function]: ...
def hook(function: _Function | None = None, *, name: str = "", fires: Sequence[str] = ()) -> Any:
    """Marks a function as the hook that definitions know by its name, or by `name`; it is given one Effect.

    `fires` names the triggers that it may fire, for `workflow check` to find circles: `ship` of the effect's own
    entity, `shipment.book` of another, `invoice.create`. Raises RegisterHookError for what is no such list.
    """
    return _marker("hook", function, name, _fired(fires))


@overload
def guard(function: _Function) -> _Function: ...
@overload
def guard(*, name: str) -> Callable[[_Function], _Function]: ...
def guard(function: _Function | None = None, *, name: str = "") -> Any:
    """Marks a pure function as a guard: it is given {payload, data, entity}, and anything true lets pass."""
    return _marker("guard", function, name)


@overload
def limit(function: _Function) -> _Function: ...
@overload
def limit(*, name: str) -> Callable[[_Function], _Function]: ...
def limit(function: _Function | None = None, *, name: str = "") -> Any:
    """Marks a pure function as a limit: it is given the key of a lane and returns how many may run there at once, as a
    whole number; 0 lets nobody start."""
    return _marker("limit", function, name)


def probe(*, of: str) -> Callable[[_Function], _Function]:
    """Marks a function as the one that is asked, after a run of the hook `of` was cut off, whether it happened.

    It is given the Effect that the hook was given; anything true stands for yes, and what it raises for no answer.
    """
    decorate: Callable[[_Function], _Function] = _marker("probe", None, of)
    return decorate


def _marker(what: str, function: _Function | None, name: str, fires: tuple[str, ...] = ()) -> Any:
    def decorate(function: _Function) -> _Function:
        setattr(function, _MARK, _Mark(what, name or function.__name__, fires))
        return function

    return decorate if function is None else decorate(function)


def _fired(fires: Sequence[str]) -> tuple[str, ...]:
    # One name in place of a list of one is a list of letters to Python.
    if isinstance(fires, str) or not all(isinstance(name, str) and _TRIGGER.fullmatch(name) for name in fires):
        expected = "'trigger', 'kind.trigger' or 'kind.create', in a list or tuple"
        raise RegisterHookError(f"fires={fires!r} of a hook is not a list of triggers; write {expected}")
    return tuple(fires)


_LAZY_RESULTS = (inspect.isawaitable, inspect.isgenerator, inspect.isasyncgen)
_LAZY = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)


def refuse_awaitable(result: object) -> None:
    """Raises RegisterHookError if a hook only returned something to be awaited or iterated: it has not run."""
    if result is not None and any(is_lazy(result) for is_lazy in _LAZY_RESULTS):
        if inspect.iscoroutine(result):
            result.close()
        raise RegisterHookError("the hook returned what is still to be done; hooks are not async and do not yield")


class Hooks(Mapping[str, HookFunction]):
    """The registered hooks by name, and beside them the guards and limits by theirs and the probes by their hook's."""

    def __init__(self, handlers: Handlers = ()) -> None:
        """Raises RegisterHookError for a name taken twice, an unmarked function, or a module that does not import."""
        self._hooks: dict[str, HookFunction] = {}
        self.guards: dict[str, GuardFunction] = {}
        self.probes: dict[str, ProbeFunction] = {}
        self.limits: dict[str, LimitFunction] = {}
        for handler in handlers:
            for function in _functions(handler):
                self._register(function)

    def _register(self, function: Callable[..., Any]) -> None:
        mark: _Mark = getattr(function, _MARK)
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

    @property
    def registered(self) -> Registered:
        """The names of all that is registered, with what each hook says it fires."""
        fires = {name: getattr(function, _MARK).fires for name, function in self._hooks.items()}
        return Registered(fires, tuple(self.guards), tuple(self.probes), tuple(self.limits))

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


def _taken_twice(mark: _Mark, one: Callable[..., Any], other: Callable[..., Any]) -> str:
    places = f"{_place(one)} and {_place(other)}"
    if mark.what == "probe":
        return f"the hook {mark.name!r} has two probes: {places}; keep one"
    return f"two {mark.what}s are named {mark.name!r}: {places}; rename one"


def _functions(handler: str | ModuleType | Callable[..., object]) -> list[Callable[..., object]]:
    if isinstance(handler, str):
        handler = _imported(handler)
    if isinstance(handler, ModuleType):
        own = [f for f in vars(handler).values() if getattr(f, "__module__", "") == handler.__name__]
        return [function for function in own if hasattr(function, _MARK)]
    if hasattr(handler, _MARK):
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
