"""Export and stats from the shell: what is told, and with which exit code it ends."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import pyarrow.dataset
import pytest

PAGE = """\
order: 3 entities, 7 transitions

how far they came
state       reached   share                          there now   for up to
──────────────────────────────────────────────────────────────────────────
placed            3    100%   ████████████████████           1        40 s
paid              2     67%   █████████████
shipped           1     33%   ███████                        1        10 s
delivered         0      0%
cancelled         1     33%   ███████                        1

how long they stayed
state    left    p50    p90    p99   longest
────────────────────────────────────────────
placed      2   10 s   20 s   20 s      20 s
paid        2   10 s   20 s   20 s      20 s

transitions
trigger   from     to          count
────────────────────────────────────
create             placed          3
pay       placed   paid            2
cancel    paid     cancelled       1
ship      paid     shipped         1
"""
HOOKS = """\
hooks
hook             effects   runs   failed   put aside   caught   skipped     p50
───────────────────────────────────────────────────────────────────────────────
charge_loyalty         1      1        1           1        0         0   1.5 s
send_receipt           1      1        0           0        0         0   12 ms
tell_warehouse         1      0        0           0        0         0
"""


@pytest.fixture
def three(flow, clock):
    """Three orders: one is placed, one cancelled, one shipped, each after round numbers of seconds."""
    for passed, trigger, id, payload in (
        (0, "create", "1", {"email": "canary1@b.c", "total": 1}),
        (10, "pay", "1", {"amount": 1}),
        (0, "create", "2", {"email": "canary2@b.c", "total": 1}),
        (0, "create", "3", {"email": "canary3@b.c", "total": 1}),
        (20, "pay", "2", {"amount": 1}),
        (0, "cancel", "1", {"reason": "told canary1@b.c"}),
        (10, "ship", "2", {"carrier": "dhl"}),
    ):
        clock.sleep(passed)
        if trigger == "create":
            flow.create("order", id, payload)
        else:
            flow.fire("order", id, trigger, payload)
    clock.sleep(10)
    return flow


def lines(folder: str) -> list[dict[str, object]]:
    content = Path(folder, "transitions-00001.jsonl.gz").read_bytes()
    return [json.loads(line) for line in gzip.decompress(content).splitlines()]


@pytest.mark.usefixtures("three")
def test_stats_are_told_as_tables(run):
    result = run("stats", "order")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == PAGE


def test_failures_are_told_by_hook(run, flow, deliver):
    flow.create("order", "1", {"email": "canary@b.c", "total": 1})
    flow.fire("order", "1", "pay", {"amount": 1})
    deliver()
    result = run("stats", "order")
    assert result.stdout.endswith("\n" + HOOKS)
    assert "canary" not in result.output


@pytest.mark.usefixtures("three")
def test_the_same_for_machines(run):
    found = json.loads(run("stats", "order", "--json").stdout)
    assert list(found) == [
        *("kind", "at", "since", "until", "entities", "transitions", "states", "ways", "hooks", "broken"),
    ]  # fmt: skip
    assert found["states"][1] == {
        "state": "paid",
        "reached": 2,
        "share": 0.666667,
        "there_now": 0,
        "longest_there_seconds": None,
        "left": 2,
        "p50_seconds": 10.0,
        "p90_seconds": 20.0,
        "p99_seconds": 20.0,
        "longest_seconds": 20.0,
        "is_final": False,
        "is_exact": True,
    }
    assert found["ways"][0] == {"trigger": "create", "from": None, "to": "placed", "count": 3}
    assert (found["kind"], found["entities"], found["hooks"], found["broken"]) == ("order", 3, [], [])


@pytest.mark.usefixtures("three")
def test_only_entities_created_in_time_count(run):
    since = run("stats", "order", "--since", "45s")
    assert since.stdout.splitlines()[0] == "order: 2 entities created since 2026-03-29 00:00:03, 4 transitions"
    until = run("stats", "order", "--until", "2026-03-28T23:00:03Z")
    assert until.stdout.splitlines()[0] == "order: 1 entity created until 2026-03-29 00:00:03, 3 transitions"


@pytest.mark.usefixtures("flow")
def test_of_an_empty_table_there_is_nothing(run):
    assert run("stats", "order").stdout == "order: 0 entities, 0 transitions\n"
    result = run("export", "out")
    assert (result.exit_code, result.stdout) == (0, "0 transitions of 0 entities in 0 files: out\n")


@pytest.mark.parametrize(("name", "begins"), [("order.svg", b"<?xml"), ("Order.PNG", b"\x89PNG")])
@pytest.mark.usefixtures("three")
def test_a_picture_is_drawn_as_its_name_says(run, name, begins):
    result = run("stats", "order", "--picture", name)
    assert (result.exit_code, result.stdout) == (0, PAGE)
    assert Path(name).read_bytes().startswith(begins)


@pytest.mark.parametrize("format", ["parquet", "jsonl"])
@pytest.mark.usefixtures("three")
def test_transitions_are_exported_by_kind_and_day_without_what_is_sensitive(run, format):
    result = run("export", "order", "out", "--format", format)
    assert (result.exit_code, result.stderr) == (0, "")
    # In Berlin a day ends meanwhile; days are those of UTC.
    assert result.stdout == "7 transitions of 3 entities in 1 file: out\n"
    assert [path.name for path in Path("out/kind=order").iterdir()] == ["day=2026-03-28"]
    if format == "jsonl":
        found = lines("out/kind=order/day=2026-03-28")
    else:
        found = pyarrow.dataset.dataset("out", partitioning="hive").to_table().to_pylist()
    assert sorted((row["id"], row["version"], row["trigger"]) for row in found) == [
        ("1", 1, "create"),
        ("1", 2, "pay"),
        ("1", 3, "cancel"),
        ("2", 1, "create"),
        ("2", 2, "pay"),
        ("2", 3, "ship"),
        ("3", 1, "create"),
    ]
    assert "canary" not in repr(found)
    assert "told [hidden]" in repr(found)


@pytest.mark.usefixtures("three")
def test_what_was_exported_is_told_to_machines(run):
    assert json.loads(run("export", "out", "--json").stdout) == {
        "target": "out",
        "entities": 3,
        "transitions": 7,
        "files": 1,
        "days": {"order": 1},
        "unknown": {},
        "broken": [],
    }


@pytest.mark.usefixtures("three")
def test_what_is_there_is_replaced_only_when_asked(run):
    run("export", "out")
    refused = run("export", "out")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == (
        "Error: out holds transitions of order already; --overwrite replaces them, or give another target\n"
    )
    assert run("export", "out", "--overwrite").exit_code == 0


@pytest.mark.usefixtures("three")
def test_an_archive_tells_the_same_and_no_table_is_read(run, monkeypatch):
    run("archive", "old")
    monkeypatch.setattr("workflow.cli.session.Session.open", None)
    result = run("stats", "order", "--from", "old", "--until", "2026-03-29T12:00Z")
    assert result.exit_code == 0
    assert result.stdout.endswith(
        PAGE.partition("how long")[2] + "\nhooks: an archive does not tell what became of effects\n"
    )
    assert run("export", "out", "--from", "old").stdout == "7 transitions of 3 entities in 1 file: out\n"


@pytest.mark.usefixtures("three")
def test_what_cannot_be_read_is_told_and_ends_with_1(run, flow):
    del flow.runtime.store._events["order", "3"][1]
    for arguments in (("stats", "order"), ("export", "out")):
        result = run(*arguments)
        assert result.exit_code == 1
        assert "left out: order 3: it has no history\n" in result.stdout
    assert json.loads(run("stats", "order", "--json").stdout)["broken"] == ["order 3: it has no history"]


def test_of_a_kind_without_a_definition_payloads_are_not_shown_and_that_is_told(run, flow):
    flow.create("order", "1", {"email": "canary@b.c", "total": 1})
    store = flow.runtime.store
    for held in (store._entities, store._events):
        held["ghost", "1"] = held.pop(("order", "1"))
    (event,) = store._events["ghost", "1"].values()
    store._events["ghost", "1"][1] = event._replace(kind="ghost")
    result = run("export", "out", "--format", "jsonl")
    assert result.stdout.splitlines() == [
        "note: 1 entity of kind 'ghost', which has no definition here: without payloads",
        "1 transition of 1 entity in 1 file: out",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("stats", "ordr"), "Error: no definition of kind 'ordr' (did you mean 'order'?); loaded: order"),
        (("export", "order", "ordr", "out"), "Error: no definition of kind 'ordr' (did you mean 'order'?)"),
        (("stats", "ordr", "--from", "old"), "Error: no definition of kind 'ordr' (did you mean 'order'?)"),
        (("export", "definitions/order.yaml"), "Error: definitions/order.yaml is a file; give a folder"),
        (("export", "gs://bucket"), "Error: 'gs://bucket' is no place for"),
        (("stats", "order", "--from", "nowhere"), "Error: nowhere/manifest.json: there is none, so this is no archive"),
    ],
)
@pytest.mark.usefixtures("flow")
def test_what_cannot_be_done_is_one_clear_line(run, arguments, said):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--picture", "order.pdf"), "'order.pdf' is no .svg and no .png."),
        (("--picture", "nowhere/order.svg"), "there is no folder 'nowhere'."),
        (("--since", "2030-01-01T00:00Z"), "it is yet to come."),
        (("--since", "soon"), "'soon' is no moment"),
    ],
)
@pytest.mark.usefixtures("flow")
def test_what_is_not_understood_is_told_before_the_table_is_read(run, arguments, said, monkeypatch):
    monkeypatch.setattr("workflow.runtime.analytics.histories.TableHistories.each", None)
    result = run("stats", "order", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.usefixtures("three")
def test_a_kind_that_is_named_twice_is_exported_once(run):
    run("archive", "old")
    for number, source in enumerate(((), ("--from", "old"))):
        assert run("export", "order", "order", f"out{number}", *source).stdout.startswith("7 transitions of 3 entities")


@pytest.mark.usefixtures("three")
def test_a_target_that_was_forgotten_is_not_taken_for_a_folder(run):
    result = run("export", "order")
    assert (result.exit_code, Path("order").exists()) == (2, False)
    assert "'order' is a kind, and no target is given; a folder called so is ./order." in result.stderr
    assert run("export", "order", "./order").exit_code == 0


@pytest.mark.parametrize(
    ("library", "arguments", "said"),
    [
        ("pyarrow", ("export", "out"), "writing Parquet needs pyarrow: pip install 'stream-workflow[analytics]'"),
        ("matplotlib", ("stats", "order", "--picture", "x.svg"), "a picture needs matplotlib: pip install"),
    ],
)
@pytest.mark.usefixtures("flow")
def test_without_the_extra_one_line_says_what_to_install(run, monkeypatch, library, arguments, said):
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.setattr("workflow.runtime.analytics.histories.TableHistories.each", None)
    result = run(*arguments)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith(f"Error: {said}")


@pytest.mark.usefixtures("three")
def test_without_the_extra_json_lines_and_tables_work(run, monkeypatch):
    for library in ("pyarrow", "matplotlib"):
        monkeypatch.setitem(sys.modules, library, None)
    assert run("export", "out", "--format", "jsonl").exit_code == 0
    assert run("stats", "order").stdout == PAGE
