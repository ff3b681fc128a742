"""Archive and hydrate from the shell: what is told, and with which exit code it ends."""

from __future__ import annotations

import json

import pytest

from workflow.testing import MemoryStore


@pytest.fixture
def archived(flow, deliver, run):
    """Two orders, one of them paid, in the folder `old`."""
    for id in ("1", "2"):
        flow.create("order", id, {"email": "secret@b.c", "total": 1})
    flow.fire("order", "1", "pay", {"amount": 1})
    deliver()
    return run("archive", "old")


def _emptied(flow):
    store = flow.runtime.store
    fresh = MemoryStore()
    store.__dict__.update({name: value for name, value in fresh.__dict__.items() if name not in ("records", "ledger")})
    store.ledger._entries.clear()


def test_what_was_archived_is_told(archived):
    assert (archived.exit_code, archived.stderr) == (0, "")
    assert archived.stdout == "2 entities, 3 events in 2 parts: old\n"


@pytest.mark.usefixtures("archived")
def test_what_was_hydrated_is_told(run, flow):
    _emptied(flow)
    result = run("hydrate", "old")
    assert (result.exit_code, result.stderr) == (0, "loading ...\nchecking ...\n")
    assert result.stdout.splitlines() == [
        # One of its hooks had failed.
        "note: 1 event still owed effects when archived; they are not run",
        "2 entities loaded with 3 events",
        "2 entities read again and right",
    ]
    assert flow.get("order", "1").state == "paid"
    again = run("hydrate", "old", "--json")
    assert json.loads(again.stdout) == {
        "lines": 2, "loaded": 0, "events": 0, "there": 2, "moved_on": 0, "placed": 0, "checked": 2,
        "opened": 0, "wrong": 0, "told": [], "unknown": {}, "put_aside": {},
    }  # fmt: skip


@pytest.mark.usefixtures("archived")
def test_what_stands_in_the_way_is_told_without_values_and_ends_with_1(run, flow):
    _emptied(flow)
    flow.create("order", "2", {"email": "other@b.c", "total": 2})
    result = run("hydrate", "old")
    assert result.exit_code == 1
    assert "not loaded: order 2: it is there at version 1 with another history" in result.stdout
    assert "@b.c" not in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("hydrate", "nowhere"), "Error: nowhere/manifest.json: there is none, so this is no archive"),
        (("hydrate", "gs://bucket"), "Error: 'gs://bucket' is no place for an archive; give a folder, or s3://bucket"),
        (("archive", "definitions/order.yaml"), "Error: definitions/order.yaml is a file; give a folder"),
        (("archive", "old", "--kind", "ordr"), "Error: no definition of kind 'ordr' (did you mean 'order'?)"),
        (("hydrate", "old", "--kind", "ordr"), "Error: no definition of kind 'ordr'"),
    ],
)
@pytest.mark.usefixtures("flow")
def test_what_is_no_archive_is_one_clear_line(run, arguments, said):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1


@pytest.mark.usefixtures("archived")
def test_an_interrupted_one_says_how_it_goes_on(run, flow, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("workflow.testing.memory_bulk.MemoryBulk.standing", stop)
    result = run("hydrate", "old")
    assert result.exit_code == 130
    assert "Stopped. What was loaded stays so; the same command goes on from about here." in result.stderr


@pytest.mark.usefixtures("flow")
def test_the_help_says_that_an_archive_holds_sensitive_fields(run):
    assert "the sensitive ones too" in run("archive", "--help").stdout


MAP = """\
archive: old_shop
kind: order
id: line.id
created: line.ordered
data: {email: line.mail, total: line.total}
steps:
  - {trigger: pay, at: line.paid, payload: {amount: line.total}}
"""
ROWS = """\
id,mail,total,ordered,paid
1,secret@b.c,5,2026-03-01T00:00:00Z,2026-03-02T00:00:00Z
2,secret@b.c,much,2026-03-01T00:00:00Z,
3,secret@b.c,5,2026-03-28T22:58:00Z,
"""


@pytest.fixture
def old_system(tmp_path):
    """A file of an old system, and its map."""
    (tmp_path / "old.yaml").write_text(MAP)
    (tmp_path / "old.csv").write_text(ROWS)


@pytest.mark.usefixtures("old_system")
def test_files_of_an_old_system_are_loaded_and_bad_lines_put_aside(run, flow):
    result = run("hydrate", "old.csv", "--map", "old.yaml")
    assert (result.exit_code, result.stderr) == (1, "loading ...\nchecking ...\n")
    assert result.stdout.splitlines() == [
        "not loaded: old.csv line 3: order 2: its creation: data.total takes a number, not this text; "
        "declared: email, total, code, express, lines, carrier",
        "1 line put aside in old.csv.rejected.jsonl, with why: mend them or the map",
        "2 entities loaded with 3 events",
        "2 entities read again and right, 1 not",
    ]
    assert (flow.get("order", "1").state, flow.get("order", "3").state) == ("paid", "placed")
    form = json.loads(run("hydrate", "old.csv", "--map", "old.yaml", "--json").stdout)
    assert (form["there"], form["wrong"], form["put_aside"]) == (2, 1, {"old.csv.rejected.jsonl": 1})


@pytest.mark.usefixtures("old_system")
def test_several_files_are_read_in_the_encoding_that_is_given(run, flow, tmp_path):
    (tmp_path / "more.csv").write_bytes(ROWS.replace("secret@b.c", "ü@b.c").replace("\n3,", "\n4,").encode("latin-1"))
    form = json.loads(run("hydrate", "old.csv", "more.csv", "--map", "old.yaml", "--json").stdout)
    assert (form["loaded"], len(form["told"])) == (2, 2)
    assert form["told"][0].startswith("more.csv line 2 column 3 (byte 30 of its text): this is not utf-8; give --enc")
    form = json.loads(run("hydrate", "more.csv", "--map", "old.yaml", "--encoding", "latin-1", "--json").stdout)
    assert (form["loaded"], form["wrong"]) == (1, 2)
    assert flow.get("order", "4").data["email"] == "ü@b.c"


@pytest.mark.usefixtures("flow", "old_system")
def test_a_broken_map_is_told_like_a_broken_definition(run, tmp_path):
    (tmp_path / "old.yaml").write_text(MAP.replace("trigger: pay", "trigger: pey").replace("line.mail", "lin.mail"))
    result = run("hydrate", "old.csv", "--map", "old.yaml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        "old.yaml:5:15: the expression starts from 'lin'; did you mean 'line'? it may start from: line, step, at",
        "old.yaml:7:15: there is no trigger 'pey'; did you mean 'pay'? triggers: cancel, deliver, expire, pay, ship",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("old.csv", "--map", "no.yaml"), 1, "no.yaml:1:1: the file cannot be read: No such file or directory"),
        (("old.csv", "--map", "old.yaml", "--encoding", "utf-9"), 1, "Error: there is no encoding 'utf-9'; give one"),
        (("old.csv", "--encoding", "utf-8"), 2, "--encoding is for files of an old system; give their --map as well"),
        (("old.csv", "old.csv"), 2, "one archive at a time; files of an old system need their --map"),
        (("old.csv", "--map", "old.yaml", "--kind", "order"), 2, "the map says the kind"),
        (("old.csv",), 1, "Error: old.csv is a file; give a folder, or s3://bucket/prefix"),
    ],
)
@pytest.mark.usefixtures("flow", "old_system")
def test_what_does_not_fit_together_is_told(run, arguments, code, said):
    result = run("hydrate", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr
