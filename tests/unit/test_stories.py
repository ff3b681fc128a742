"""What the pages of docs/stories show is so: files as they are, commands as they answer, a picture of what it says."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from demo.__main__ import STORIES as TOLD
from handlers import clients
from tests.fakes.clock import FakeClock
from tests.shipped import HANDLERS
from workflow import Workflow
from workflow.cli.commands import workflow
from workflow.definition.load import load_definitions
from workflow.definition.webhooks.load import load_webhooks
from workflow.runtime.webhooks.receive import Answer, Delivery, Receiver
from workflow.testing import MemoryDelivery, MemoryStore

REPOSITORY = Path(__file__).parents[2]
STORIES = REPOSITORY / "docs" / "stories"
PAGE = (STORIES / "ci-scheduler.md").read_text(encoding="utf-8")
TEMPLATE = (REPOSITORY / "template.yaml").read_text(encoding="utf-8")
SETTINGS = ("BUILDS", "GITHUB_API_URL")
SECRET = b"It's a Secret to Everybody"


def blocks(language: str) -> list[str]:
    """The page's code blocks of that language, as they stand in a list item as well."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def commands() -> list[list[str]]:
    """Every command line of the page, in words."""
    lines = [line for block in blocks("sh") for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line, comments=True) for line in lines]


class Mailbox:
    def __init__(self) -> None:
        self.sent: list[object] = []

    def send_email(self, **request: object) -> None:
        self.sent.append(request)


class Service:
    """The repository's own project in memory, with nothing that builds or takes statuses; its clock stands still."""

    def __init__(self) -> None:
        self.clock, self.mailbox = FakeClock(), Mailbox()
        self.flow = Workflow(REPOSITORY / "definitions", MemoryStore(), handlers=HANDLERS, clock=self.clock)
        webhooks = load_webhooks(REPOSITORY / "webhooks", self.flow.definitions)
        self._receiver, self._delivery = Receiver(self.flow.runtime, webhooks, self), MemoryDelivery(self.flow)

    def get(self, name: str, *, afresh: bool = False) -> bytes:
        return SECRET

    def run(self, *words: str) -> str:
        """What the `workflow` command prints."""
        result = CliRunner().invoke(workflow, words, obj=lambda settings: self.flow)
        assert result.exit_code == 0, result.output
        return result.output

    def push(self, repository: str, branch: str, delivery: str) -> Answer:
        """Delivers a push, and runs what it owes; a second passes."""
        body = {"ref": f"refs/heads/{branch}", "after": "1" * 40, "repository": {"full_name": repository}}
        content = json.dumps(body | {"deleted": False, "sender": {"login": "eve"}}).encode()
        headers = {
            "x-github-event": "push",
            "x-github-delivery": delivery,
            "x-hub-signature-256": "sha256=" + hmac.new(SECRET, content, hashlib.sha256).hexdigest(),
        }
        answer = self._receiver.receive(Delivery("github", headers, content))
        self.deliver()
        self.clock.advance(1)
        return answer

    def deliver(self) -> None:
        assert self._delivery.run().failed == []


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """With the one repository that the page registers, by the command it shows."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    service = Service()
    monkeypatch.setenv("MAIL_FROM", "ci@example.com")
    monkeypatch.setattr(clients, "_clients", {"sesv2": service.mailbox})
    (create,) = (words for words in commands() if words[:2] == ["workflow", "create"])
    service.run(*create[1:])
    return service


@pytest.fixture
def busy(service: Service) -> Service:
    """Three repositories that build; one of them has two jobs waiting, another one."""
    for name in ("acme/api", "acme/docs"):
        data = {"customer": "acme", "clone_url": f"https://github.com/{name}.git", "users": {"eve": "eve@example.com"}}
        service.flow.create("repository", name, data)
    for number, (repository, branch) in enumerate(
        [
            ("acme/shop", "main"),
            ("acme/api", "main"),
            ("acme/docs", "main"),
            ("acme/shop", "feature/cart"),
            ("acme/shop", "feature/cart"),
            ("acme/shop", "release"),
            ("acme/api", "feature/login"),
        ]
    ):
        assert service.push(repository, branch, str(number)).status == 200
    service.clock.advance(timedelta(minutes=2).total_seconds())
    return service


@pytest.mark.parametrize("language", ["yaml", "python"])
def test_the_files_it_shows_are_those_of_the_project(language: str) -> None:
    found = blocks(language)
    assert found
    for block in found:
        name, _, shown = block.partition("\n")
        assert shown in (REPOSITORY / name.removeprefix("# ")).read_text(encoding="utf-8"), name


def test_the_webhook_that_it_says_to_show_whole_is_whole() -> None:
    (shown,) = (block for block in blocks("yaml") if block.startswith("# webhooks/github.yaml\n"))
    assert shown.partition("\n")[2] == (REPOSITORY / "webhooks" / "github.yaml").read_text(encoding="utf-8")


def test_the_diagram_is_the_one_that_the_command_draws(service: Service) -> None:
    assert blocks("mermaid") == [service.run("diagram", "job")]


def test_its_commands_answer_as_it_shows(busy: Service) -> None:
    shown = blocks("console")
    assert [block.partition("\n")[0] for block in shown] == ["$ workflow lanes", "$ workflow explain job acme/shop-4"]
    for block in shown:
        command, _, answer = block.partition("\n")
        assert busy.run(*shlex.split(command)[2:]).strip() == answer.strip()


def test_a_push_that_passes_costs_what_it_says(service: Service) -> None:
    service.push("acme/shop", "main", "1")
    service.push("acme/shop", "main", "1")
    service.flow.fire("job", "acme/shop-2", "pass", {"attempt": 1, "log_url": "https://ci.example.com/1"})
    service.deliver()
    events = [*service.flow.history("repository", "acme/shop")[1:], *service.flow.history("job", "acme/shop-2")]
    entries = [*service.flow.effects("repository", "acme/shop"), *service.flow.effects("job", "acme/shop-2")]
    effects = [hook for entry in entries for hook in entry.outcomes]
    counted = f"{len(events)} transitions, {len(effects)} effects and {len(service.mailbox.sent)} mail, "
    assert counted in " ".join(PAGE.split())


def test_what_it_deploys_with_are_parameters_that_are_off_by_default() -> None:
    (deploy,) = (words for words in commands() if words[:2] == ["sam", "deploy"])
    given = dict(word.split("=", 1) for word in deploy[3:])
    for name in given:
        assert re.search(rf'^  {name}:\n    Type: String\n    Default: ""$', TEMPLATE, re.MULTILINE), name
    assert given["Builds"] == "codebuild"


def test_the_secrets_it_puts_are_those_that_webhooks_and_template_name(service: Service) -> None:
    put = {words[words.index("--name") + 1] for words in commands() if words[:3] == ["aws", "ssm", "put-parameter"]}
    told = [w for w in load_webhooks(REPOSITORY / "webhooks", service.flow.definitions) if f"{w.name}.yaml" in PAGE]
    named = {name.removeprefix("ssm:") for webhook in told for name in webhook.signature.secrets}
    (deploy,) = (words for words in commands() if words[:2] == ["sam", "deploy"])
    assert put == named | {word.partition("=")[2] for word in deploy if word.startswith("GithubTokenName=")}


def test_the_demo_it_begins_with_is_one_that_make_knows() -> None:
    assert commands()[0] == ["make", "demo", "STORY=ci"]
    assert "$(BIN)/python -m demo $(STORY)" in (REPOSITORY / "Makefile").read_text(encoding="utf-8")


def test_a_story_that_nobody_knows_is_answered_in_one_line() -> None:
    done = subprocess.run([sys.executable, "-m", "demo", "no-such"], cwd=REPOSITORY, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"there is no story 'no-such'; known: {', '.join(sorted(TOLD))}\n"


def test_the_lane_that_the_readme_shows_can_be_given_to_a_job(tmp_path: Path) -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```\n(lanes:\n.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    job = (REPOSITORY / "definitions" / "job.yaml").read_text(encoding="utf-8")
    (tmp_path / "job.yaml").write_text(
        re.sub(r"^lanes:\n(?:  .*\n)+", shown, job, flags=re.MULTILINE), encoding="utf-8"
    )
    (lane,) = load_definitions(tmp_path).find("job").lanes.values()
    assert (lane.name, lane.limit, lane.trigger, lane.ageing_seconds) == ("build", 1, "start", 0)


def test_the_picture_tells_of_twelve_jobs_in_three_repositories() -> None:
    texts = [text.text or "" for text in ET.parse(STORIES / "ci-lanes.svg").iter("{http://www.w3.org/2000/svg}text")]
    assert [text for text in texts if "/" in text and text.startswith("acme/")] == [
        "acme/shop",
        "acme/api",
        "acme/docs",
    ]
    assert len([text for text in texts if re.match(r"(shop|api|docs)-\d", text)]) == 12


def test_every_file_it_points_at_is_there() -> None:
    pointed = [target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", PAGE) if "://" not in target]
    assert pointed
    assert [target for target in pointed if not (STORIES / target).exists()] == []
