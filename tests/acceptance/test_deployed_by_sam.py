"""The project as it goes to AWS: validated, built and deployed by the AWS SAM CLI, then used over HTTP and the stream.

All of it runs on one build and two deployments: SAM takes seconds for each.
"""

from __future__ import annotations

import io
import shutil
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from demo.payment.stripe import captured, post
from tests.acceptance.conftest import REPOSITORY, Deployed, add_kind, an_order, copy_of_the_project, deploy, flow_of
from workflow.aws.client import make_client
from workflow.local.libraries import RUNTIME_REQUIREMENTS
from workflow.local.sam import Sam, SamDeployer

MOST_ZIPPED_MB = 25
UNCHECKED_HASH = (1).to_bytes(4, "little")
"""The flags of byte code that is used without a look at its source. https://peps.python.org/pep-0552/"""

PARCEL = """\
kind: parcel
version: 1
initial: stored
states:
  stored: {}
  handed_over: {final: true, on_enter: [say_goodbye]}
transitions:
  hand_over: {from: stored, to: handed_over}
"""
PARCEL_2 = """\
kind: parcel
version: 2
initial: stored
states:
  stored: {}
  signed: {on_enter: [file_signature]}
  handed_over: {final: true, on_enter: [say_goodbye]}
transitions:
  sign: {from: stored, to: signed}
  hand_over: {from: [stored, signed], to: handed_over}
"""
HOOKS = "from workflow import hook\n\n\n@hook\ndef say_goodbye(effect):\n    pass\n"
HOOKS_2 = f"{HOOKS}\n\n@hook\ndef file_signature(effect):\n    pass\n"


class BySam(NamedTuple):
    """The project that SAM deployed, where it lies, and how long that took."""

    it: Deployed
    project: Path
    took_seconds: float


def sam_project(folder: Path) -> Path:
    """A copy with what SAM's build reads, and as its environment the one that these tests run in."""
    project = copy_of_the_project(folder)
    for file in ("Makefile", "constraints.txt"):
        shutil.copy(REPOSITORY / file, project)
    add_kind(project, "parcel", PARCEL, HOOKS)
    environment = project / ".venv"
    environment.mkdir()
    (environment / "bin").symlink_to(Path(sys.prefix, "bin"))
    # Younger than what it depends on: nothing is to be installed.
    (environment / "ready-local").touch()
    return project


@pytest.fixture(scope="module")
def by_sam(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BySam]:
    """The project on a cloud of its own, to which SAM brought it."""
    project = sam_project(tmp_path_factory.mktemp("project"))
    started = time.monotonic()
    with deploy(project, SamDeployer) as it:
        yield BySam(it, project, time.monotonic() - started)


@pytest.fixture(scope="module")
def package(by_sam: BySam) -> zipfile.ZipFile:
    """The code of the stream's function, as Lambda got it."""
    return zipfile.ZipFile(io.BytesIO(code_of(by_sam.it, by_sam.it.cloud.stack.function_name)))


def code_of(deployed_by_sam: Deployed, function: str) -> bytes:
    functions = make_client("lambda", endpoint_url=deployed_by_sam.cloud.endpoint_url)
    with urllib.request.urlopen(functions.get_function(FunctionName=function)["Code"]["Location"]) as answer:
        content: bytes = answer.read()
    return content


def test_sam_and_cfn_lint_find_nothing_wrong_with_the_template() -> None:
    assert Sam(REPOSITORY).validate().strip() == f"{REPOSITORY / 'template.yaml'} is a valid SAM Template"


def test_an_order_goes_its_way_over_http_and_by_the_stream(by_sam: BySam) -> None:
    email = "ada@sam.example.com"
    assert by_sam.it.ask("PUT", "order/sam", an_order(email)) == 201
    assert by_sam.it.ask("POST", "order/sam/pay", {"amount": "59.90", "payment": "pi_1"}) == 200
    by_sam.it.settle()

    assert by_sam.it.effects("order", "sam") == {
        "1 record_line": ("done", 1),
        "2 send_receipt": ("done", 1),
        "2 record_line": ("done", 1),
    }
    assert by_sam.it.subjects_to(email) == ["Your order sam is paid"]
    assert by_sam.it.order_history(email) == [("sam#000001", "placed"), ("sam#000002", "paid")]


def test_a_signed_webhook_over_http_captures_a_payment_once(by_sam: BySam) -> None:
    flow, cloud = by_sam.it.flow, by_sam.it.cloud
    payment = {"email": "a@b.c", "order": "sam", "currency": "eur", "amount": 5990}
    assert by_sam.it.ask("PUT", "payment/pi_sam", payment) == 201
    event = captured("evt_sam", "pi_sam", int(time.time()), 5990)
    secret = cloud.get_secret("ssm:/workflow/stripe-webhook")

    assert post(f"{cloud.webhook_url}/stripe", b"another secret of thirty-two bytes", event).status == 401
    assert [post(f"{cloud.webhook_url}/stripe", secret, event).status for _ in range(2)] == [200, 200]
    by_sam.it.settle()

    assert [(one.version, one.trigger) for one in flow.history("payment", "pi_sam")] == [(1, "create"), (2, "capture")]
    assert {status for status, _ in by_sam.it.effects("payment", "pi_sam").values()} == {"done"}


def test_the_package_is_small_and_one_for_all_functions(
    by_sam: BySam, package: zipfile.ZipFile, tell_figure: Callable[[str], None]
) -> None:
    files = package.infolist()
    zipped, whole = (sum(getattr(file, name) for file in files) / 1e6 for name in ("compress_size", "file_size"))
    tell_figure(
        f"deployed by SAM in {by_sam.took_seconds:.0f} s; package: {zipped:.1f} MB zipped (at most {MOST_ZIPPED_MB}), "
        f"{whole:.1f} MB unzipped"
    )
    assert zipped <= MOST_ZIPPED_MB
    functions = make_client("lambda", endpoint_url=by_sam.it.cloud.endpoint_url)
    named = by_sam.it.cloud.stack.functions
    assert len(named) >= 3
    assert len({functions.get_function_configuration(FunctionName=name)["CodeSha256"] for name in named}) == 1


def test_every_module_of_the_package_has_byte_code_that_lambda_uses(package: zipfile.ZipFile) -> None:
    names = set(package.namelist())
    modules = {name for name in names if name.endswith(".py")}
    assert [name for name in sorted(modules) if cache_from_source(name) not in names] == []

    def head(name: str) -> bytes:
        return package.read(cache_from_source(name))[:8]

    assert {head(name) for name in modules} == {MAGIC_NUMBER + UNCHECKED_HASH}


def test_the_package_holds_the_libraries_of_the_lambda_and_no_others(package: zipfile.ZipFile) -> None:
    folders = {name.split("/")[0] for name in package.namelist()}
    libraries = {tuple(name.removesuffix(".dist-info").split("-")) for name in folders if name.endswith(".dist-info")}
    wanted = {tuple(pin.replace("-", "_").split("==")) for pin in RUNTIME_REQUIREMENTS}
    assert {(name.replace("-", "_").lower(), version) for name, version in libraries} == wanted
    assert not folders & {"yaml", "pydantic", "click", "rich", "pytest", "tests", "demo", "bench"}
    framework = {name.split("/")[1] for name in package.namelist() if name.startswith("workflow/")}
    assert not framework & {"cli", "console", "local", "testing"}


def test_what_is_in_flight_goes_on_after_sam_deploys_a_new_version(by_sam: BySam) -> None:
    it, folder = by_sam.it, by_sam.project / "definitions"
    assert it.ask("PUT", "parcel/old", {}) == 201
    it.settle()
    before = it.cloud.stack

    (folder / "parcel.yaml").rename(folder / "parcel.v1.yaml")
    (folder / "parcel.yaml").write_text(PARCEL_2)
    (by_sam.project / "handlers" / "parcel.py").write_text(HOOKS_2)
    it.cloud.redeploy()
    flow: Any = flow_of(it.cloud)
    assert [it.ask("POST", f"parcel/old/{trigger}", {}) for trigger in ("sign", "hand_over")] == [200, 200]
    it.settle()

    assert it.cloud.stack == before
    assert [(e.definition, e.trigger) for e in flow.history("parcel", "old")] == [
        (1, "create"),
        (2, "sign"),
        (2, "hand_over"),
    ]
    assert it.effects("parcel", "old") == {"2 file_signature": ("done", 1), "3 say_goodbye": ("done", 1)}
    assert flow.operations.verify().findings == []
