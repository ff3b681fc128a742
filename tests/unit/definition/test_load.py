"""Loading gives the frozen definition that the file declares, or every problem."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import pytest

from workflow.definition.definition import Definition, Field, Guard, HookUse, Retry, State, Timer, Transition
from workflow.definition.load import load_definitions, parse_definition
from workflow.definition.registered import Registered
from workflow.errors import DefinitionError, Problem

ORDER = (Path(__file__).parent / "order.yaml").read_text()
HOOKS = ("send_receipt", "charge_loyalty", "release_basket", "book_payment")
REGISTERED = Registered(dict.fromkeys(HOOKS, ()), guards=("is_refused",), probes=("charge_loyalty",))
MINIMAL = "kind: {kind}\nversion: {version}\ninitial: done\nstates: {{done: {{final: true}}}}\n"


@pytest.fixture(scope="module")
def order() -> Definition:
    return parse_definition(ORDER, registered=REGISTERED)


def problems_of(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(DefinitionError) as caught:
        load_definitions(path)
    return caught.value.problems


def test_a_field_has_the_type_and_the_exact_default_that_the_file_gives_it(order: Definition) -> None:
    assert order.data["email"] == Field("email", "string", sensitive=True)
    assert order.data["total"] == Field("total", "decimal", default=Decimal("1.1"))
    assert order.data["carrier"] == Field("carrier", "string", optional=True, choices=("dhl", "ups"))
    assert order.data["placed_at"] == Field("placed_at", "timestamp")
    assert order.data["on"].default == {"rates": [Decimal("0.5"), 2, {"decimal": "0.1"}], "yes": "no"}


def test_a_state_has_its_timers_in_seconds_and_its_hooks_in_order(order: Definition) -> None:
    retry = Retry(attempts=5, first_seconds=0.5, factor=1.5, ceiling_seconds=600.0)

    assert order.states["placed"] == State(
        "placed", on_exit=(HookUse("release_basket"),), timers=(Timer(5400, "expire"),)
    )
    assert order.states["paid"].on_enter == (
        HookUse("send_receipt"),
        HookUse(
            "charge_loyalty", retry, {"CardDeclined": "decline", "*": "cancel"}, then="charged", on_unknown="verify"
        ),
        HookUse("publish:eventbridge:orders:OrderPaid", publish={"eventbridge": "orders", "detail_type": "OrderPaid"}),
    )
    assert order.states["shipped"].final


def test_candidates_of_a_trigger_keep_their_order_and_each_source_gets_a_transition(order: Definition) -> None:
    edges = [(t.trigger, t.source, t.target) for t in order.transitions]

    assert edges == [
        ("pay", "placed", "paid"),
        ("pay", "placed", "cancelled"),
        ("pay", "placed", "placed"),
        ("ship", "paid", "shipped"),
        ("charged", "paid", "paid"),
        ("decline", "paid", "cancelled"),
        ("cancel", "placed", "cancelled"),
        ("cancel", "paid", "cancelled"),
        ("expire", "placed", "cancelled"),
    ]


def test_a_transition_has_its_payload_guard_effects_and_mappings(order: Definition) -> None:
    first, refused, changed = order.transitions[:3]

    assert first == Transition(
        "pay",
        "placed",
        "paid",
        requires={"amount": Field("amount", "decimal"), "note": Field("note", "string", optional=True)},
        guard=Guard(expression="payload.amount >= data.total"),
        effects=(HookUse("book_payment"),),
    )
    assert refused.guard == Guard(function="is_refused")
    assert changed.sets == {"carrier": "entity.version && 'ups'"}


def test_a_required_name_that_the_data_declares_has_its_type_but_must_be_there(order: Definition) -> None:
    ship = order.transitions[3]

    assert ship.requires == {
        "carrier": Field("carrier", "string", choices=("dhl", "ups")),
        "parcel": Field("parcel", "any"),
    }
    assert ship.sets == {"carrier": None}


def test_without_registered_names_no_hook_and_no_guard_is_missed() -> None:
    assert parse_definition(ORDER).kind == "order"


def test_a_folder_gives_every_definition_in_it_with_the_highest_version_in_force(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(MINIMAL.format(kind="order", version=2))
    (tmp_path / "b.yml").write_text(MINIMAL.format(kind="order", version=10))
    (tmp_path / "c.yaml").write_text(MINIMAL.format(kind="job", version=1))
    (tmp_path / "README.md").write_text("no definition")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "d.yaml").write_text("nor: this")

    definitions = load_definitions(str(tmp_path))

    assert definitions.kinds == ("job", "order")
    assert definitions.find("order").version == 10  # type: ignore[union-attr]
    assert definitions.find("order", 2) is not None


def test_one_file_can_be_loaded_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(MINIMAL.format(kind="job", version=1))

    assert load_definitions(file).kinds == ("job",)


def test_a_missing_folder_is_one_clear_problem(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path / "nowhere")

    assert problem.message == "there is no such file or folder"


def test_a_folder_without_definitions_is_one_clear_problem(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path)

    assert problem.message == "the folder has no *.yaml file"


def test_the_same_version_of_a_kind_in_two_files_is_refused_in_the_second(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(MINIMAL.format(kind="order", version=1))

    (problem,) = problems_of(tmp_path)

    assert (problem.file, problem.line, problem.column) == (str(tmp_path / "b.yaml"), 2, 10)
    assert "declared in" in problem.message


def test_a_file_that_is_no_yaml_does_not_hide_the_problems_of_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: [")
    (tmp_path / "b.yaml").write_text(MINIMAL.format(kind="Order", version=0))

    assert [Path(p.file).name for p in problems_of(tmp_path)] == ["a.yaml", "b.yaml", "b.yaml"]


def test_what_is_left_out_of_one_section_is_not_missed_in_another() -> None:
    text = ORDER.replace("{type: decimal,", "{type: money,", 1).replace("paid:\n    on_enter", "paid:\n    onn")

    with pytest.raises(DefinitionError) as caught:
        parse_definition(text, registered=REGISTERED)

    assert [p.message for p in caught.value.problems] == ["there is no type 'money'", "unknown key 'onn'"]


def test_a_merge_key_bomb_is_refused_in_a_fifth_of_a_second() -> None:
    lines = ["a0: &a0 {x: 1}"] + [f"a{i}: &a{i}\n  <<: [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    started = time.process_time()

    with pytest.raises(DefinitionError):
        parse_definition("\n".join(lines))

    assert time.process_time() - started < 0.2


def test_a_file_of_ten_megabytes_is_refused_unread_in_a_fifth_of_a_second(tmp_path: Path) -> None:
    (tmp_path / "big.yaml").write_bytes(b"a: b\n" * 2_097_152)
    started = time.process_time()

    (problem,) = problems_of(tmp_path)

    assert time.process_time() - started < 0.2
    assert problem.message == "the file is larger than 256 KB"


def test_a_timer_or_a_catch_is_right_if_one_of_its_ways_can_take_what_it_gives() -> None:
    ways = "[{from: paid, to: cancelled, guard: payload.code, requires: [code]}, {from: paid, to: cancelled}]"
    text = ORDER.replace("{from: paid, to: cancelled, requires: {error: string", f"{ways} #", 1)
    text = text.replace("  paid:\n", "  paid:\n    after: {1d: decline}\n", 1)

    definition = parse_definition(text, registered=REGISTERED)

    assert [t.requires for t in definition.transitions if t.trigger == "decline"] == [
        {"code": Field("code", "any")},
        {},
    ]
