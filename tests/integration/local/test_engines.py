"""The engines start, answer and leave nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from workflow.aws.client import make_client
from workflow.local import server
from workflow.local.dynamodb_local import DynamoDBLocal
from workflow.local.embedded_cloud import EmbeddedCloud
from workflow.local.errors import StartEngineError

STARTED_BY_A_CHILD = """
import sys
from workflow.local.embedded_cloud import EmbeddedCloud
cloud = EmbeddedCloud().__enter__()
print(cloud.endpoint_url, flush=True)
sys.stdin.read()
"""


def test_dynamodb_local_keeps_one_database_per_access_key() -> None:
    with DynamoDBLocal() as engine:
        one, other = (make_client("dynamodb", endpoint_url=engine.endpoint_url, access_key=key) for key in ("a1", "b2"))
        one.create_table(
            TableName="Orders",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
        assert one.list_tables()["TableNames"] == ["Orders"]
        assert other.list_tables()["TableNames"] == []


def test_dynamodb_local_is_reached_by_the_loopback_address_alone_where_java_is_a_jdk(dynamodb_local_url: str) -> None:
    is_jdk = subprocess.run(["java", "--describe-module", "jdk.compiler"], capture_output=True).returncode == 0
    port = int(dynamodb_local_url.rpartition(":")[2])
    # Another of this machine's addresses; on Linux even a machine without a network has this one.
    with socket.socket() as other_interface:
        assert (other_interface.connect_ex(("127.0.0.2", port)) == 0) == (not is_jdk)


def test_a_stopped_engine_leaves_no_process_and_no_file() -> None:
    before = _working_folders()
    with EmbeddedCloud() as cloud:
        port = int(cloud.endpoint_url.rpartition(":")[2])
        assert _working_folders() != before
    assert not server.answers(port)
    assert _working_folders() == before


def test_an_engine_does_not_outlive_a_parent_that_is_killed() -> None:
    before = _working_folders()
    parent = subprocess.Popen(
        [sys.executable, "-c", STARTED_BY_A_CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert parent.stdin is not None
    port = int(parent.stdout.readline().strip().rpartition(":")[2])
    assert server.answers(port)

    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdin.close()
    parent.stdout.close()

    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and (server.answers(port) or _working_folders() != before):
        time.sleep(0.05)
    assert not server.answers(port)
    assert _working_folders() == before


def test_a_missing_java_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StartEngineError) as refused, DynamoDBLocal():
        pass
    assert str(refused.value) == "DynamoDB Local needs Java 17 or newer, and there is no `java` on PATH"


def test_an_engine_that_dies_is_told_with_its_last_words() -> None:
    engine = Broken(["sh", "-c", "echo no good >&2; exit 3"])
    with pytest.raises(StartEngineError) as refused, engine:
        pass
    assert str(refused.value) == "Broken ended while starting. Its last words:\nno good"


def test_an_engine_that_never_answers_is_given_up_and_stopped() -> None:
    before = _working_folders()
    engine = Broken(["sh", "-c", "echo thinking; sleep 60"], start_timeout_seconds=0.5)
    with pytest.raises(StartEngineError) as refused, engine:
        pass
    first, last = str(refused.value).splitlines()
    assert first.startswith("Broken did not answer on port ")
    assert first.endswith(" within 0.5 s. Its last words:")
    assert last == "thinking"
    assert _working_folders() == before


class Broken(server.Server):
    """A server that does what it is told instead of serving."""

    def __init__(self, command: list[str], *, start_timeout_seconds: float = 5) -> None:
        super().__init__("Broken", start_timeout_seconds=start_timeout_seconds)
        self._command = command

    def command(self, port: int) -> list[str]:
        return self._command

    def environment(self, port: int, folder: Path) -> dict[str, str]:
        return dict(os.environ)


def _working_folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("stream-workflow-*"))
