"""Registering hooks and guards: by name, explicitly, and each name once."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from tests.samples import ORDER, definitions, entering
from workflow import Workflow, guard, hook, probe
from workflow.definition.definition import Guard, HookUse, Transition
from workflow.definition.registered import Registered
from workflow.errors import HookNotRegisteredError, RegisterHookError
from workflow.runtime.hooks import Hooks, require
from workflow.testing import MemoryStore


def _module(name: str, code: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    exec("from workflow import hook, guard, probe\n" + code, vars(module))
    return module


def test_a_modules_own_hooks_and_guards_are_registered_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "@hook\ndef greet(effect): ...\n@hook(name='bill')\ndef other(effect): ...\n@guard\ndef enough(seen): ...\n"
    module = _module("shop_hooks", code, monkeypatch)
    for handlers in ([module], ["shop_hooks"], [module, "shop_hooks"]):
        hooks = Hooks(handlers)
        assert dict(hooks) == {"greet": vars(module)["greet"], "bill": vars(module)["other"]}
        assert hooks.guards == {"enough": vars(module)["enough"]}


def test_what_a_module_only_imports_is_not_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    _module("first_hooks", "@hook\ndef greet(effect): ...\n", monkeypatch)
    second = _module("second_hooks", "from first_hooks import greet\n", monkeypatch)
    assert list(Hooks([second])) == []


def test_a_name_taken_twice_is_refused_with_both_places(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("first_hooks", "second_hooks"):
        _module(name, "@hook\ndef greet(effect): ...\n", monkeypatch)
    with pytest.raises(RegisterHookError) as refused:
        Hooks(["first_hooks", "second_hooks"])
    assert str(refused.value) == "two hooks are named 'greet': first_hooks.greet and second_hooks.greet; rename one"


def test_a_hook_and_a_guard_may_share_a_name() -> None:
    @hook(name="same")
    def one(effect: Any) -> None: ...

    @guard(name="same")
    def other(seen: Any) -> bool:
        return True

    hooks = Hooks([one, other])
    assert (hooks["same"], hooks.guards["same"]) == (one, other)


def test_an_unmarked_function_is_refused() -> None:
    with pytest.raises(RegisterHookError, match="is not marked; put @hook, @guard, @limit or @probe"):
        Hooks([len])


@pytest.mark.parametrize("code", ["import nothing_of_this_name", "1 / 0", "this is no python"])
def test_a_module_that_cannot_be_imported_is_named(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    (tmp_path / "broken_hooks.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RegisterHookError, match="handler module 'broken_hooks' cannot be imported: "):
        Hooks(["broken_hooks"])


def test_a_hook_that_would_never_run_is_refused() -> None:
    @hook
    async def later(effect: Any) -> None: ...

    @hook
    def piecewise(effect: Any) -> Any:
        yield

    @probe(of="charge_card")
    async def asked(effect: Any) -> bool:
        return True

    for function in (later, piecewise, asked):
        with pytest.raises(RegisterHookError, match="is async or yields; it would never run"):
            Hooks([function])


def test_a_hook_that_is_missing_is_told_with_those_there_are() -> None:
    @hook
    def greet(effect: Any) -> None: ...

    with pytest.raises(HookNotRegisteredError, match="no handler module registers a hook 'great'; registered: greet"):
        Hooks([greet])["great"]


def test_a_hook_or_guard_that_loaded_definitions_ask_for_and_nobody_registers_is_named() -> None:
    guarded = replace(
        ORDER, transitions=(*ORDER.transitions, Transition("vip", "placed", "paid", guard=Guard(function="is_vip")))
    )
    with pytest.raises(RegisterHookError) as refused:
        Workflow(definitions(entering(guarded, placed=["greet"], paid=["receipt"])), MemoryStore())
    assert str(refused.value) == (
        "no handler module registers guard 'is_vip' (order), hook 'greet' (order), hook 'receipt' (order); "
        "registered: none"
    )


def test_what_is_registered_is_told_by_name_with_what_each_hook_fires(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "@hook(fires=('ship', 'invoice.create'))\ndef charge_card(effect): ...\n"
        "@hook(name='greet', fires=['ship'])\ndef other(effect): ...\n"
        "@hook\ndef plain(effect): ...\n"
        "@guard\ndef enough(seen): ...\n"
        "@probe(of='charge_card')\ndef is_charged(effect): ...\n"
    )
    module = _module("shop_hooks", code, monkeypatch)

    hooks = Hooks([module])

    assert hooks.registered == Registered(
        hooks={"charge_card": ("ship", "invoice.create"), "greet": ("ship",), "plain": ()},
        guards=("enough",),
        probes=("charge_card",),
    )
    assert hooks.probes == {"charge_card": vars(module)["is_charged"]}


@pytest.mark.parametrize("fires", ["ship", ["Ship"], ("invoice.create.now",), ("",), ("shipment.",), (3,)])
def test_what_is_no_list_of_triggers_is_refused_where_the_hook_is_written(fires: Any) -> None:
    with pytest.raises(RegisterHookError) as refused:
        hook(fires=fires)

    assert str(refused.value) == (
        f"fires={fires!r} of a hook is not a list of triggers; "
        "write 'trigger', 'kind.trigger' or 'kind.create', in a list or tuple"
    )


def test_a_hook_has_one_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "@probe(of='charge_card')\ndef {}(effect): ...\n"
    module = _module("shop_probes", code.format("one") + code.format("other"), monkeypatch)

    with pytest.raises(RegisterHookError) as refused:
        Hooks([module])

    places = "shop_probes.one and shop_probes.other"
    assert str(refused.value) == f"the hook 'charge_card' has two probes: {places}; keep one"


def test_a_hook_that_is_to_be_verified_without_a_probe_is_named() -> None:
    @hook
    def charge_card(effect: Any) -> None: ...

    @probe(of="charge_card")
    def is_charged(effect: Any) -> bool:
        return True

    verified = HookUse("charge_card", on_unknown="verify")
    paid = replace(ORDER.states["paid"], on_enter=(verified,))
    loaded = definitions(replace(ORDER, states={**ORDER.states, "paid": paid}))

    require(Hooks([charge_card, is_charged]), loaded)
    with pytest.raises(RegisterHookError) as refused:
        require(Hooks([charge_card]), loaded)
    assert str(refused.value) == "no handler module registers probe of 'charge_card' (order); registered: charge_card"
