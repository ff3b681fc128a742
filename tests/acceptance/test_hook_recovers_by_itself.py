"""What a hook calls is out for a while: what needs it is tried again by itself, and all else goes on meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.conftest import Deployed, an_order, eventually
from workflow.aws.client import make_client

ADA = "ada@recovers.example.com"


class Permission:
    """What lets the functions' hooks write to the order history, and send mail."""

    def __init__(self, deployed: Deployed) -> None:
        self._iam = make_client("iam", endpoint_url=deployed.cloud.endpoint_url)
        roles = [role["RoleName"] for role in self._iam.list_roles()["Roles"]]
        self._roles = [role for role in roles if "StreamRole" in role or "SweepRole" in role]
        attached = self._iam.list_attached_role_policies(RoleName=self._roles[0])["AttachedPolicies"]
        (self._policy,) = (policy["PolicyArn"] for policy in attached)

    def take_away(self) -> None:
        for role in self._roles:
            self._iam.detach_role_policy(RoleName=role, PolicyArn=self._policy)

    def give_back(self) -> None:
        for role in self._roles:
            self._iam.attach_role_policy(RoleName=role, PolicyArn=self._policy)


@pytest.fixture
def permission(deployed: Deployed) -> Iterator[Permission]:
    deployed.settle()
    permission = Permission(deployed)
    yield permission
    permission.give_back()


def test_a_failing_hook_holds_up_its_own_order_only_and_recovers_by_itself(
    deployed: Deployed, permission: Permission
) -> None:
    flow = deployed.flow
    failures = deployed.cloud.pump.counters.failures
    permission.take_away()
    flow.create("order", "waits", an_order(ADA))
    flow.fire("order", "waits", "pay", {"amount": "59.90", "payment": "pi_1"})
    flow.fire("order", "waits", "refund", {"amount": "59.90"})
    flow.create("trial", "goes-on")
    flow.fire("trial", "goes-on", "begin")
    deployed.settle()

    assert deployed.effects("trial", "goes-on") == {"2 work": ("done", 1), "2 wrap_up": ("done", 1)}
    assert deployed.cloud.pump.counters.failures == failures
    (waiting,) = flow.effects("order", "waits")
    assert (waiting.parked and waiting.parked.why) == "retry"
    assert waiting.outcomes["record_line"].error.startswith("ClientError: An error occurred (AccessDenied")
    assert (deployed.subjects_to(ADA), deployed.order_history(ADA)) == ([], [])

    permission.give_back()
    eventually(lambda: deployed.sweep().get("effects_done") == 5)

    effects = deployed.effects("order", "waits")
    status, attempts = effects.pop("1 record_line")
    assert (status, attempts >= 4) == ("done", True)
    assert effects == {
        "2 send_receipt": ("done", 1),
        "2 record_line": ("done", 1),
        "3 send_refund_notice": ("done", 1),
        "3 record_line": ("done", 1),
    }
    assert deployed.subjects_to(ADA) == ["Your order waits is paid", "Your order waits is refunded"]
    states = [state for _, state in deployed.order_history(ADA)]
    assert states == ["placed", "paid", "refunded"]
