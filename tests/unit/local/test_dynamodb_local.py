"""How DynamoDB Local is started."""

from pathlib import Path

import pytest

from workflow.local import dynamodb_local
from workflow.local.dynamodb_local import DynamoDBLocal


@pytest.mark.parametrize(
    ("has_compiler", "program"),
    [(True, ["-cp", "engine/DynamoDBLocal.jar", "LoopbackServer.java"]), (False, ["-jar", "engine/DynamoDBLocal.jar"])],
)
def test_only_a_jdk_is_asked_to_run_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_compiler: bool, program: list[str]
) -> None:
    java = tmp_path / "java"
    java.write_text(f"#!/bin/sh\n[ \"$*\" = '--describe-module jdk.compiler' ] && exit {0 if has_compiler else 1}\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(dynamodb_local, "_installed_engine", lambda: Path("engine"))

    command = DynamoDBLocal().command(8000)

    folder = str(Path(dynamodb_local.__file__).parent) + "/"
    assert [word.removeprefix(folder) for word in command[4 : 4 + len(program)]] == program
    assert command[4 + len(program) :] == ["-inMemory", "-disableTelemetry", "-port", "8000"]
