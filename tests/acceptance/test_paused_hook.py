"""A person pauses a hook: what owes it is put aside and says so, all else goes on, and after `resume` it runs once."""

from __future__ import annotations

from tests.acceptance.conftest import Deployed, an_order
from workflow.aws.client import make_client

ADA = "ada@paused.example.com"


def new_process(deployed: Deployed) -> None:
    """Lets Lambda start the function anew: a process that is warm learns of a pause within ten seconds, and a new one
    at once."""
    functions, stack = make_client("lambda", endpoint_url=deployed.cloud.endpoint_url), deployed.cloud.stack
    size = functions.get_function_configuration(FunctionName=stack.function_name)["MemorySize"]
    functions.update_function_configuration(FunctionName=stack.function_name, MemorySize=size + 1)


def test_a_paused_hook_holds_up_what_owes_it_until_it_is_resumed(deployed: Deployed) -> None:
    flow, operations = deployed.flow, deployed.flow.operations
    deployed.settle()
    operations.pause("send_receipt", "the wording is wrong", by="eve")
    new_process(deployed)
    flow.create("order", "paused", an_order(ADA))
    flow.fire("order", "paused", "pay", {"amount": "59.90", "payment": "pi_1"})
    flow.fire("order", "paused", "pack")
    deployed.settle()

    assert deployed.effects("order", "paused") == {
        "1 record_line": ("done", 1),
        "2 send_receipt": ("owed", 0),
        "2 record_line": ("owed", 0),
    }
    assert deployed.order_history(ADA) == [("paused#000001", "placed")]
    assert deployed.why("order", "paused").endswith(": the wording is wrong")
    assert deployed.sweep() == {}

    assert [entry.entity_id for entry in operations.resume("send_receipt")] == ["paused"]
    new_process(deployed)
    assert deployed.sweep() == {"effects_done": 2}
    assert deployed.effects("order", "paused") == {
        "1 record_line": ("done", 1),
        "2 send_receipt": ("done", 1),
        "2 record_line": ("done", 1),
    }
    assert deployed.subjects_to(ADA) == ["Your order paused is paid"]
    assert operations.pauses() == {}
