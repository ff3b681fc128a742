"""A whole cloud for one project, for as long as a `with` block lasts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from workflow.aws.client import make_client
from workflow.local.deploy import HANDLERS_PARAMETER, Deployer
from workflow.local.embedded_cloud import ACCESS_KEY, REGION, EmbeddedCloud
from workflow.local.errors import DeployError
from workflow.local.layout import TEMPLATE, read_layout
from workflow.local.mailbox import Mail, read_mails, verify_sender
from workflow.local.pump import Delivery, Pump
from workflow.local.sam import SamDeployer
from workflow.local.schedule import Schedule, Sweep
from workflow.local.secrets import get_secret, put_missing_secrets, put_secret
from workflow.local.stack import Stack


@dataclass(slots=True)
class LocalCloud:
    """A project deployed to an embedded cloud, with its stream being pumped and its schedule kept.

    `env` holds the AWS_* and the function's own variables: with them in the environment, `Workflow.from_env()` and the
    `workflow` command reach this cloud.
    """

    project: Path
    endpoint_url: str
    stack: Stack
    pump: Pump
    schedule: Schedule
    env: dict[str, str]
    _deployer: Deployer | SamDeployer = field(repr=False)
    _given: dict[str, str] = field(default_factory=dict, repr=False)

    def redeploy(self, given: Mapping[str, str] = MappingProxyType({})) -> float:
        """Bring the cloud to the project's present files and return how many seconds that took.

        `given` are parameters of the template, from now on: those that can be told only of a cloud that is there, such
        as its address. What is deployed stays, and keeps working, if anything is wrong with the files. Raises what
        building raises, or DeployError.
        """
        started = time.monotonic()
        code = self._deployer.build(self.project)
        put_missing_secrets(self.endpoint_url, code)
        given_now = {**self._given, **given}
        stack = self._deployer.deploy(_template(self.project), code, parameters(self.project) | given_now)
        self._given = given_now
        self.pump.follow(stack)
        self.schedule.follow(stack)
        self.stack, self.env = stack, environment(code, stack)
        return time.monotonic() - started

    def sweep(self) -> Mapping[str, int]:
        """Sweep once now, whatever the schedule says, and return what the function counted; raises SweepError."""
        return self.schedule.sweep()

    def mails(self) -> list[Mail]:
        """Return what hooks have sent by SES so far, oldest first."""
        return read_mails(self.endpoint_url)

    @property
    def webhook_url(self) -> str:
        """Where webhooks are posted to, each to its own source beneath it."""
        return self.stack.webhook_url

    @property
    def api_url(self) -> str:
        """Where entities are over HTTP, each at its kind and id beneath it; requests are signed by an AWS identity."""
        return self.stack.api_url

    def put_secret(self, name: str, value: str) -> None:
        """Put the secret that a webhook names so; the function reads it within five minutes, or as soon as a signature
        fits none of those it knows."""
        put_secret(self.endpoint_url, name, value)

    def get_secret(self, name: str) -> bytes:
        """Return the secret that a webhook names so, to sign with; random unless put. Raises SecretAccessError."""
        return get_secret(self.endpoint_url, name)


@contextmanager
def local_cloud(
    project: Path,
    *,
    on_delivery: Callable[[Delivery], None] | None = None,
    on_sweep: Callable[[Sweep], None] | None = None,
    sweep_seconds: float | None = None,
    given: Mapping[str, str] = MappingProxyType({}),
    on_step: Callable[[str], None] = lambda step: None,
    deployer: type[Deployer | SamDeployer] = Deployer,
) -> Iterator[LocalCloud]:
    """Start a cloud, build and deploy `project` to it, pump its stream and keep its schedule; nothing of it runs after
    the block.

    `sweep_seconds` takes the place of the schedule's interval. `given` are parameters of the template. `on_step` is
    told what happens next. `deployer` is the quick way, unless the one to AWS is to be tried. Raises LocalCloudError or
    DefinitionError, with nothing left running.
    """
    project = project.resolve()
    template = _template(project)
    on_step("building the functions")
    code = deployer.build(project)
    on_step("starting the embedded cloud")
    with EmbeddedCloud() as cloud:
        on_step(f"deploying {TEMPLATE}")
        put_missing_secrets(cloud.endpoint_url, code)
        deploying = deployer(cloud.endpoint_url)
        stack = deploying.deploy(template, code, parameters(project) | {**given})
        env = environment(code, stack)
        if sender := env.get("MAIL_FROM"):
            verify_sender(cloud.endpoint_url, sender)
        with (
            Pump(stack, on_delivery=on_delivery) as pump,
            Schedule(stack, every_seconds=sweep_seconds, on_sweep=on_sweep) as schedule,
        ):
            yield LocalCloud(project, cloud.endpoint_url, stack, pump, schedule, env, deploying, {**given})


def parameters(project: Path) -> dict[str, str]:
    """Return the template's parameters that the project's settings decide: which handler modules there are."""
    handlers = read_layout(project).handlers
    return {} if handlers is None else {HANDLERS_PARAMETER: ",".join(handlers)}


def environment(code: Path, stack: Stack) -> dict[str, str]:
    """Return the variables that lead a process on this machine to the stack, which was built in the folder `code`."""
    functions = make_client("lambda", endpoint_url=stack.endpoint_url)
    configuration = functions.get_function_configuration(FunctionName=stack.function_name)
    variables: dict[str, str] = configuration.get("Environment", {}).get("Variables", {})
    for compiled in ("WORKFLOW_DEFINITIONS", "WORKFLOW_WEBHOOKS"):
        if file := variables.get(compiled):
            variables[compiled] = str(code / file)
    return variables | {
        "AWS_ENDPOINT_URL": stack.endpoint_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
    }


def _template(project: Path) -> Path:
    template = project / TEMPLATE
    if not template.is_file():
        raise DeployError(f"{project} has no {TEMPLATE}: is this the project's folder?")
    return template
