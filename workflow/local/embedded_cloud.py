"""The embedded cloud: a pure-Python AWS emulator (ministack) in an environment of its own."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from workflow.local.downloads import installed, run_tool
from workflow.local.server import LOOPBACK, Server, clean_environment

REGION = "us-east-1"
# ministack takes twelve digits for an account, and for its root: all others are held to their role.
ACCESS_KEY = "000000000000"

# The translator turns our SAM template into CloudFormation; its newer versions are not tested with this ministack.
_REQUIREMENTS = ("ministack==1.5.33", "aws-sam-translator==1.115.0")
_ENTRY = Path(__file__).with_name("emulator_entry.py")


class EmbeddedCloud(Server):
    """DynamoDB, its streams, Lambda, CloudFormation, S3 and SES at `endpoint_url`, all in memory.

    Deployed functions run on a bare interpreter, so that a package that lacks a dependency fails here as on AWS.
    Raises InstallEngineError or StartEngineError on entry.
    """

    def __init__(self, *, start_timeout_seconds: float = 30) -> None:
        super().__init__("The embedded cloud", start_timeout_seconds=start_timeout_seconds)

    def command(self, port: int) -> list[str]:
        """Return the emulator's command line, with the interpreter that its Lambda workers get."""
        tag = f"py{sys.version_info.major}.{sys.version_info.minor}"
        emulator = installed(f"{_REQUIREMENTS[0]}-{tag}", _install_emulator)
        runtime = installed(f"lambda-runtime-{tag}", _install_bare_interpreter)
        return [str(_python(emulator)), "-I", str(_ENTRY), str(_python(runtime))]

    def environment(self, port: int, folder: Path) -> Mapping[str, str]:
        """Return our own environment less what would reach into the functions, plus the emulator's settings."""
        # Workers inherit all of it: the developer's own AWS_* or PYTHONPATH would hide what the template lacks.
        kept = clean_environment(lambda name: name.startswith(("AWS_", "WORKFLOW_", "PYTHON")))
        return kept | {
            "GATEWAY_PORT": str(port),
            "BIND_HOST": LOOPBACK,
            # Roles are enforced: a permission that the template forgot fails here as on AWS.
            "AUTH": "true",
            "MINISTACK_REGION": REGION,
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "TMPDIR": str(folder),
            "PYTHONUNBUFFERED": "1",
        }


def _python(environment: Path) -> Path:
    return environment / "bin" / "python"


def _install_emulator(folder: Path) -> None:
    run_tool([sys.executable, "-m", "venv", str(folder)], purpose="The embedded cloud needs its own environment")
    run_tool(
        [str(_python(folder)), "-m", "pip", "install", "--quiet", "--no-input", *_REQUIREMENTS],
        purpose="The embedded cloud is installed with pip",
    )


def _install_bare_interpreter(folder: Path) -> None:
    run_tool(
        [sys.executable, "-m", "venv", "--without-pip", str(folder)],
        purpose="Deployed functions need an interpreter",
    )
