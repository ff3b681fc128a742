"""The AWS SAM CLI, in an environment of its own, and held to an embedded cloud: the way to AWS, tried on a laptop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from workflow.local.deploy import DEFAULT_STACK_NAME, given_of
from workflow.local.downloads import installed, run_tool
from workflow.local.embedded_cloud import ACCESS_KEY, REGION
from workflow.local.errors import DeployError
from workflow.local.server import clean_environment
from workflow.local.stack import Stack, get_working_stack

# cfn-lint is what `sam validate --lint` asks. The other pins are those that SAM itself makes.
_REQUIREMENTS = ("aws-sam-cli==1.170.0", "cfn-lint==1.58.0")
_BUILT = Path(".aws-sam", "build")
_CODE = _BUILT / "StreamFunction"
_CONFIGURATION = "samconfig.toml"
_OUTPUT_TAIL_LINES = 25
_POLL_SECONDS = "0.5"


class Sam:
    """The commands of SAM that a deployment needs, in one project's folder; `endpoint_url` is the cloud they mean.

    No Docker, no AWS account and no network are needed. Each raises DeployError with the end of what SAM said,
    and InstallEngineError if SAM cannot be installed.
    """

    def __init__(self, project: Path, endpoint_url: str = "") -> None:
        self._project, self._endpoint_url = project, endpoint_url

    def validate(self) -> str:
        """Check the project's template as SAM and cfn-lint do, and return what they said."""
        return self._run("validate", "--lint")

    def build(self) -> Path:
        """Build the functions as the template's Makefile says, and return the folder of one; the others are equal."""
        self._run("build")
        return self._project / _CODE

    def deploy(self, stack_name: str, parameters: Mapping[str, str] = MappingProxyType({})) -> str:
        """Bring the stack to what was built last, and return what SAM said."""
        overrides = [f'{name}="{value}"' for name, value in parameters.items()]
        return self._run(
            *("deploy", "--template-file", str(_BUILT / "template.yaml"), "--stack-name", stack_name, "--resolve-s3"),
            *("--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"),
            *("--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"),
            *(("--parameter-overrides", *overrides) if overrides else ()),
        )

    def _run(self, command: str, *arguments: str) -> str:
        sam = installed(f"{_REQUIREMENTS[0]}-py{sys.version_info.major}.{sys.version_info.minor}", _install)
        # The settings of the way to AWS, profile, region and names, are not for this cloud.
        configuration = sam / _CONFIGURATION
        line = [str(sam / "bin" / "sam"), command, "--config-file", str(configuration), *arguments]
        code, output = _run_whole_group(line, self._project, self._environment(sam))
        if code != 0:
            tail = "\n".join(output.strip().splitlines()[-_OUTPUT_TAIL_LINES:])
            raise DeployError(f"`sam {command}` failed:\n{tail}")
        return output

    def _environment(self, sam: Path) -> dict[str, str]:
        # MAKE*: the settings of a `make` that we may run under are not for the one that SAM runs.
        mine = ("AWS_", "SAM_CLI_", "MAKE", "MFLAGS")
        kept = clean_environment(lambda name: name.startswith(mine))
        endpoint = {"AWS_ENDPOINT_URL": self._endpoint_url} if self._endpoint_url else {}
        return (
            kept
            | endpoint
            | {
                "AWS_ACCESS_KEY_ID": ACCESS_KEY,
                "AWS_SECRET_ACCESS_KEY": "local",
                "AWS_DEFAULT_REGION": REGION,
                "AWS_CONFIG_FILE": "/dev/null",
                "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
                "AWS_EC2_METADATA_DISABLED": "true",
                "SAM_CLI_TELEMETRY": "0",
                "SAM_CLI_POLL_DELAY": _POLL_SECONDS,
                "__SAM_CLI_APP_DIR": str(sam / "app"),
            }
        )


class SamDeployer:
    """Deploys one project to one cloud as a person deploys it to AWS: `sam build`, then `sam deploy`.

    Slower than `Deployer`, by half a minute, and what it does is what AWS would get.
    """

    def __init__(self, endpoint_url: str, stack_name: str = DEFAULT_STACK_NAME) -> None:
        self._endpoint_url, self._stack_name = endpoint_url, stack_name

    @staticmethod
    def build(project: Path) -> Path:
        """Build the functions by `sam build` and return the folder of one; raises DeployError."""
        return Sam(project).build()

    def deploy(self, template: Path, code: Path, parameters: Mapping[str, str] = MappingProxyType({})) -> Stack:
        """Bring the stack to what was built last beside `template`, and return it once it works; raises DeployError.

        Code that was deployed and does not run stays, as on AWS.
        """
        given = given_of(template.read_text(encoding="utf-8"), parameters)
        Sam(template.parent, self._endpoint_url).deploy(self._stack_name, given)
        return get_working_stack(self._endpoint_url, self._stack_name)


def _run_whole_group(line: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a program and return its exit code and output; what it started ends with it if we are interrupted."""
    with subprocess.Popen(
        line,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, output


def _install(folder: Path) -> None:
    run_tool([sys.executable, "-m", "venv", str(folder)], purpose="The SAM CLI needs its own environment")
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input"]
    run_tool([*pip, *_REQUIREMENTS], purpose="The SAM CLI is installed with pip")
    (folder / _CONFIGURATION).write_text("version = 0.1\n", encoding="utf-8")
