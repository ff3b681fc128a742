"""Whatever a hook raises is its own failure: recorded, told without secrets, and nobody else's trouble."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.fakes.hooks import raising
from tests.samples import ORDER, definitions, entering
from tests.unit.runtime.delivery import Bench
from workflow import Effect, Refused
from workflow.definition.definition import Field
from workflow.runtime.hooks import Hooks

CANARY = "canary@example.com"


class UnprintableError(Exception):
    """An error whose own text is a failure."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no printer"), "ValueError: no printer"),
        (KeyError(), "KeyError: "),
        (SystemExit(3), "SystemExit: 3"),
        (asyncio.CancelledError(), "CancelledError: "),
        (GeneratorExit(), "GeneratorExit: "),
        (BaseExceptionGroup("two", [ValueError("a"), SystemExit(1)]), "BaseExceptionGroup: two (2 sub-exceptions)"),
        (UnprintableError(), "UnprintableError: <its text cannot be read: RuntimeError>"),
        (ValueError("half of a pair: \ud800"), "ValueError: half of a pair: ?"),
        (RecursionError("deep"), "RecursionError: deep"),
        (StopIteration(5), "StopIteration: 5"),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("workers", [1, 4])
def test_whatever_a_hook_raises_is_recorded_as_its_failure(error: BaseException, told: str, workers: int) -> None:
    bench = Bench(workers=workers)
    bench.notes.failing["greet"] = lambda effect: raising(error)(effect) if effect.id == "a" else None
    for entity_id in "abcd":
        bench.flow.create("order", entity_id)
    delivered = bench.deliver()
    assert (delivered.failed, delivered.effects_failed, delivered.put_aside) == ([], 1, 1)
    assert [bench.statuses(entity_id)[0][2] for entity_id in "abcd"] == ["failed", "done", "done", "done"]
    entry = bench.entry(1, "a")
    assert entry.outcomes["greet"].error == told
    assert entry.parked is not None
    assert (entry.parked.hook, entry.parked.why, entry.parked.error) == ("greet", "retry", told)


def test_ctrl_c_is_no_failure_of_a_hook() -> None:
    bench = Bench(workers=1)
    bench.notes.failing["greet"] = raising(KeyboardInterrupt())
    bench.flow.create("order", "42")
    with pytest.raises(KeyboardInterrupt):
        bench.deliver()


def test_a_long_error_is_cut_so_that_the_ledger_can_hold_it(bench: Bench) -> None:
    bench.notes.failing["greet"] = raising(ValueError("x" * 1_000_000))
    bench.flow.create("order", "42")
    bench.deliver()
    (entry,) = bench.flow.effects("order", "42")
    assert entry.outcomes["greet"].error == "ValueError: " + "x" * 988 + " ..."


def test_a_hook_that_nobody_registers_is_owed_until_somebody_does(bench: Bench) -> None:
    bench.flow.create("order", "42")
    bench.flow.runtime.hooks._hooks.clear()
    assert bench.deliver().put_aside == 1
    (entry,) = bench.flow.effects("order", "42")
    assert entry.outcomes["greet"].error == (
        "HookNotRegisteredError: no handler module registers a hook 'greet'; registered: none"
    )
    bench.flow.runtime.hooks._hooks.update(Hooks(bench.notes.handlers)._hooks)
    assert bench.sweep(after=30).effects_done == 1
    assert bench.statuses() == [(1, "greet", "done", 2)]


def test_a_hook_that_returns_something_to_be_awaited_waits_for_a_person(bench: Bench) -> None:
    async def never_run() -> None:
        """Nobody awaits it."""

    bench.notes.failing["receipt"] = lambda effect: never_run()
    assert bench.deliver(bench.only_paid()).for_people == {("order", "receipt"): 1}
    assert bench.statuses()[1] == (2, "receipt", "parked", 1)
    assert bench.entry().outcomes["receipt"].error == (
        "RegisterHookError: the hook returned what is still to be done; hooks are not async and do not yield"
    )


def _quoting_the_email(effect: Effect) -> BaseException:
    return ValueError(f"cannot mail {effect.entity.data['email']}")


def _quoting_its_repr(effect: Effect) -> BaseException:
    return KeyError(effect.entity.data["email"])


def _quoting_all_data(effect: Effect) -> BaseException:
    return ValueError(f"bad data {effect.entity.data} and {effect.event.payload}")


def _chained(effect: Effect) -> BaseException:
    try:
        raise ValueError(f"inner {effect.entity.data['email']}")
    except ValueError as error:
        outer = RuntimeError(f"outer {effect.entity.data['email']}")
        outer.__cause__ = error
        return outer


def _noted(effect: Effect) -> BaseException:
    error = ValueError("see the note")
    error.add_note(f"mail was {effect.entity.data['email']}")
    return error


def _after_taking_it_out(effect: Effect) -> BaseException:
    return ValueError(f"gone: {effect.entity.data.pop('email')}")  # type: ignore[attr-defined]


def _fired_with_it(effect: Effect) -> BaseException:
    try:
        effect.fire("reprice", {"total": effect.entity.data["email"]})
    except Exception as error:
        return error
    raise AssertionError("unreachable")


@pytest.mark.parametrize(
    "quote",
    [_quoting_the_email, _quoting_its_repr, _quoting_all_data, _chained, _noted, _after_taking_it_out, _fired_with_it],
)
@pytest.mark.parametrize("email", [CANARY, 'it\'s "canary"\\\n', "canary é", "canary\x00"])
def test_sensitive_values_reach_neither_log_nor_ledger(
    bench: Bench, caplog: pytest.LogCaptureFixture, quote: Callable[[Effect], BaseException], email: str
) -> None:
    bench.notes.failing["greet"] = raising(quote)
    bench.flow.create("order", "42", {"email": email})
    delivered = bench.deliver()
    assert delivered.effects_failed == 1
    (entry,) = bench.flow.effects("order", "42")
    assert entry.outcomes["greet"].status == ("parked" if quote is _fired_with_it else "failed")
    assert "canary" not in str(entry)
    assert "canary" not in caplog.text
    assert "effect order#42#1#greet failed (attempt 1)" in caplog.text


def _of_another_kind() -> Bench:
    """Orders beside users, whose words are no order's."""
    user = replace(ORDER, kind="user", data={"words": Field("words", "any", sensitive=True, optional=True)})
    bench = Bench(entering(ORDER, placed=["greet"]))
    bench.deploy(bench.definition, replace(user, transitions=(replace(user.transitions[3], sets={"words": None}),)))
    bench.flow.create("order", "42")
    return bench


def _quoting_what_it_creates(effect: Effect) -> None:
    effect.create("user", "ada", {"words": CANARY})
    raise ValueError(CANARY)


def _quoting_what_it_gives(effect: Effect) -> None:
    payload = {"words": CANARY}
    with contextlib.suppress(Refused):
        effect.create("user", "", payload)
    raise ValueError(payload.pop("words"))


def _quoting_what_it_gets(effect: Effect) -> None:
    effect.create("user", "ada", {"words": CANARY})
    again = Effect(effect._change, effect.hook, 2, effect._runtime)
    raise ValueError(again.create("user", "ada", {}).entity.data["words"])


def _quoting_what_it_fires(effect: Effect) -> None:
    effect.create("user", "ada")
    effect.fire("annotate", {"words": CANARY}, kind="user", id="ada")
    raise ValueError(CANARY)


@pytest.mark.parametrize(
    "quote", [_quoting_what_it_creates, _quoting_what_it_gives, _quoting_what_it_gets, _quoting_what_it_fires]
)
def test_sensitive_values_of_another_kind_are_hidden_too(
    caplog: pytest.LogCaptureFixture, quote: Callable[[Effect], None]
) -> None:
    bench = _of_another_kind()
    bench.notes.failing["greet"] = quote
    bench.deliver()
    assert bench.entry(1).outcomes["greet"].error == "ValueError: [hidden]"
    assert "canary" not in caplog.text


def test_no_word_is_told_where_nobody_knows_what_is_sensitive(caplog: pytest.LogCaptureFixture) -> None:
    bench = _of_another_kind()

    def quote(effect: Effect) -> None:
        effect.create("user", "ada", {"words": {1: CANARY}})

    bench.notes.failing["greet"] = quote
    bench.deliver()
    assert bench.entry(1).outcomes["greet"].error.endswith("\nPayloadError")
    assert "canary" not in caplog.text


def test_a_sensitive_value_from_before_the_event_is_hidden_too(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    renamed = replace(ORDER, transitions=(replace(ORDER.transitions[3], sets={"email": None}),))
    bench = Bench(entering(renamed, placed=["greet"]))
    bench.notes.failing["greet"] = lambda effect: (
        effect.before and raising(ValueError(f"was {effect.before.data['email']}"))(effect)
    )
    bench.flow.create("order", "42", {"email": CANARY})
    bench.flow.fire("order", "42", "annotate", {"email": "new@example.com"})
    bench.deliver()
    (_, entry) = bench.flow.effects("order", "42")
    assert entry.outcomes["greet"].error == "ValueError: was [hidden]"
    assert "canary" not in caplog.text


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ({"number": "4111 1111", "owner": {"name": "Eva Canary"}}, "4111 1111 of Eva Canary"),
        (["4111", ["Eva Canary"]], "4111 Eva Canary"),
        (Decimal("1234.50"), "1234.5 or 1234.50"),
        (True, "it is True"),
        ({"Eva Canary": 1}, "Eva Canary"),
    ],
)
def test_the_parts_of_a_sensitive_value_are_hidden_as_well(
    caplog: pytest.LogCaptureFixture, value: object, quoted: str
) -> None:
    secret = replace(ORDER, data={**ORDER.data, "card": Field("card", "any", sensitive=True)})
    bench = Bench(entering(secret, placed=["greet"]))
    bench.notes.failing["greet"] = raising(ValueError(f"refused: {quoted}"))
    bench.flow.create("order", "42", {"card": value})
    bench.deliver()
    (entry,) = bench.flow.effects("order", "42")
    for part in ("4111", "Canary", "1234.5", "True"):
        assert part not in entry.outcomes["greet"].error
        assert part not in caplog.text


def test_a_field_that_any_loaded_version_calls_sensitive_is_hidden(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    open_now = replace(
        bench.definition, version=2, data={**ORDER.data, "email": Field("email", "string", optional=True)}
    )
    bench.notes.failing["greet"] = raising(_quoting_the_email)
    bench.flow.create("order", "42", {"email": CANARY})
    object.__setattr__(bench.flow.runtime, "definitions", definitions(bench.definition, open_now))
    bench.deliver()
    assert "canary" not in caplog.text
