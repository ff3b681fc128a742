"""Where an entity's home is, in what people read; and what they are told of entities that are at home elsewhere."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest


@pytest.fixture
def at_home(flow, clock):
    """Order 42 was paid in Ireland an hour ago, and the stream brought nothing; now this is Virginia."""
    flow.runtime.store.region = "eu-west-1"
    flow.create("order", "42", {"email": "a@b.c", "total": 1})
    flow.fire("order", "42", "pay", {"amount": 1})
    clock.moment += timedelta(hours=1)
    flow.runtime.store.region = "us-east-1"
    return flow


@pytest.mark.usefixtures("at_home")
def test_every_view_of_an_entity_says_its_home(run):
    for command in ("show", "history", "explain"):
        second = run(command, "order", "42", columns=120).stdout.splitlines()[1]
        assert second == "since 2026-03-28 23:59:58, definition version 1, at home in eu-west-1"
    assert json.loads(run("show", "order", "42", "--json").stdout)["home"] == "eu-west-1"


def test_without_a_home_nothing_is_said_of_one(run, flow):
    flow.create("order", "42", {"email": "a@b.c", "total": 1})
    assert "home" not in run("show", "order", "42", columns=120).stdout
    assert "home" not in json.loads(run("show", "order", "42", "--json").stdout)


@pytest.mark.usefixtures("at_home")
def test_a_trigger_from_a_shell_is_refused_with_the_way_out(run):
    result = run("fire", "order", "42", "ship")
    told = (
        "order 42: its home is eu-west-1, and this is us-east-1; send it there: to the address of the stack in "
        "eu-west-1, or from a shell with AWS_DEFAULT_REGION=eu-west-1 WORKFLOW_REGION=eu-west-1"
    )
    assert (result.exit_code, told in result.stderr) == (1, True)


@pytest.mark.usefixtures("at_home")
def test_reconcile_says_what_it_left_to_another_region(run):
    result = run("reconcile")
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        ["1 entity looked at, 0 restored", "1 with open effects are at home in another region: reconcile there"],
    )
    assert json.loads(run("reconcile", "--json").stdout)["elsewhere"] == 1


def test_verify_says_what_it_did_not_check(run, at_home):
    lines = run("verify").stdout.splitlines()
    assert lines[0] == "not checked: 1 entity at home in eu-west-1: verify there"
    assert json.loads(run("verify", "--json").stdout)["elsewhere"] == {"eu-west-1": 1}
    at_home.runtime.store.region = ""
    at_home.create("order", "43", {"email": "a@b.c", "total": 1})
    at_home.runtime.store.region = "eu-west-1"
    assert run("verify").stdout.splitlines()[-2] == (
        "not checked: 1 entity without a home: verify where no region is set"
    )
