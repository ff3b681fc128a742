"""What a mutant is: words in the source of a real function put in the place of others, for as long as it lives."""

from __future__ import annotations

import functools
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from tests.mutants.workloads import EVERYTHING
from workflow.testing.simulation import Scenario

_SOURCE = "__mutant_source__"


class Edit(NamedTuple):
    """One change of the code: in which function ("package.module:Class.method"), which words become which others."""

    where: str
    words: str
    become: str

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The function is the changed one; raises AssertionError if its source does not hold the words exactly once."""
        module_name, _, path = self.where.partition(":")
        module = importlib.import_module(module_name)
        function = functools.reduce(getattr, path.split("."), module)
        changed = self._changed(function, vars(module))
        # The code and not the name: other modules hold the function under names of their own.
        original, function.__code__ = function.__code__, changed.__code__
        before, vars(function)[_SOURCE] = vars(function).get(_SOURCE), vars(changed)[_SOURCE]
        try:
            yield
        finally:
            function.__code__, vars(function)[_SOURCE] = original, before

    def _changed(self, function: Any, names: dict[str, Any]) -> Any:
        # A second change of the same function begins where the first one ended.
        source: str = vars(function).get(_SOURCE) or textwrap.dedent(inspect.getsource(function))
        assert source.count(self.words) == 1, f"{self.where} does not say {self.words!r} once any more:\n{source}"
        changed = source.replace(self.words, self.become)
        made: dict[str, Any] = {}
        exec(compile(changed, self.where, "exec", annotations.compiler_flag), names, made)
        vars(made[function.__name__])[_SOURCE] = changed
        return made[function.__name__]


class Mutant(NamedTuple):
    """A named way to break the code: what breaks, and which promises (numbered as in the story) it may be seen by.

    `dies_soon`: within a few hundred schedules, so that `make test` can afford it. `scenario`: what is played,
    where all there is comes by the broken place too rarely.
    """

    name: str
    breaks: str
    promises: tuple[int, ...]
    edits: tuple[Edit, ...]
    dies_soon: bool = False
    scenario: Scenario = EVERYTHING

    @contextmanager
    def alive(self) -> Iterator[None]:
        """The code is broken."""
        with ExitStack() as stack:
            for edit in self.edits:
                stack.enter_context(edit.applied())
            yield
