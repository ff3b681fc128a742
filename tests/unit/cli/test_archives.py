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
