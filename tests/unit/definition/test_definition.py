"""What a definition tells of its edges."""

from __future__ import annotations

from workflow.definition.definition import Definition, HookUse, State, Transition

LEAVE, GO, ENTER = HookUse("leave"), HookUse("go", then="on", on_unknown="verify"), HookUse("enter", on_unknown="park")
AGAIN = HookUse("leave", on_unknown="verify")
TRIP = Definition(
    kind="trip",
    version=1,
    initial="here",
    data={},
    states={
        "here": State("here", on_enter=(ENTER,), on_exit=(LEAVE,)),
        "there": State("there", final=True, on_enter=(AGAIN, ENTER)),
    },
    transitions=(
        Transition("go", "here", "there", effects=(GO,)),
        Transition("stay", "here", "here"),
    ),
)


def test_an_edge_owes_its_hook_uses_in_the_order_they_run_and_the_first_for_each_hook() -> None:
    assert TRIP.uses == {
        ("create", "", "here"): (ENTER,),
        ("go", "here", "there"): (LEAVE, GO, ENTER),
        ("stay", "here", "here"): (LEAVE, ENTER),
    }


def test_the_hooks_of_an_edge_are_those_of_its_uses() -> None:
    assert TRIP.edges == {
        ("create", "", "here"): ("enter",),
        ("go", "here", "there"): ("leave", "go", "enter"),
        ("stay", "here", "here"): ("leave", "enter"),
    }


def test_verified_are_the_hooks_of_which_some_use_asks_the_probe() -> None:
    assert TRIP.verified == {"go"}
