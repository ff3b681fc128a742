"""The libraries a deployed function runs with: pinned, pure Python, and of botocore's data what is used."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from workflow.local.byte_code import TASK_ROOT, compile_folder
from workflow.local.downloads import installed, run_tool
from workflow.local.errors import PackageError

# boto3 is shipped, although the Lambda runtime has one: that one changes under a running function, is older than
# what our tests ran with, and its byte code is not ours to keep. Every pin is listed, so a rebuild is the same build.
RUNTIME_REQUIREMENTS = (
    "aws-xray-sdk==2.15.0",
    "boto3==1.44.5",
    "botocore==1.44.5",
    "jmespath==1.1.0",
    "python-dateutil==2.9.0.post0",
    "s3transfer==0.19.3",
    "six==1.17.0",
    "transitions==0.9.3",
    "urllib3==2.8.0",
    "wrapt==2.5.2",
)

# Descriptions of AWS services that are always there: what the framework calls, and what hooks often do.
COMMON_SERVICES = frozenset(
    {
        *("cloudwatch", "dynamodb", "dynamodbstreams", "events", "kinesis", "kms", "lambda"),
        *("logs", "s3", "scheduler", "secretsmanager", "ses", "sesv2", "sns"),
        *("sqs", "ssm", "stepfunctions", "sts", "xray"),
    }
)
REQUIREMENTS = "requirements.txt"
_MARKER = ".libraries"
_WORD = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def put_libraries(handlers: Sequence[Path], target: Path) -> None:
    """Make `target` hold the libraries alone, unless it has these already; the handlers say which more are needed.

    Of the 440 services that botocore describes, 25 MB, those stay that are common or whose name occurs in a handler's
    source; all stay if handlers bring libraries of their own (`requirements.txt`). A smaller package starts faster,
    and one that lacks a service fails on a laptop as it would on AWS. Raises InstallEngineError, or PackageError for a
    folder that holds what no build made.
    """
    extra = next((folder / REQUIREMENTS for folder in handlers if (folder / REQUIREMENTS).exists()), None)
    listed = "\n".join(RUNTIME_REQUIREMENTS) + (extra.read_text("utf-8") if extra else "")
    version = f"py{sys.version_info.major}.{sys.version_info.minor}"
    name = f"libraries-{hashlib.sha256(listed.encode()).hexdigest()[:16]}-{version}"
    site = installed(name, lambda folder: _install_libraries(folder, extra)) / "site"
    services = _all_services(site) if extra else _used_services(site, handlers)
    marker = target.with_name(target.name + _MARKER)
    content = "\n".join([name, *sorted(services)])
    if target.is_dir() and marker.exists() and marker.read_text() == content:
        return
    if target.is_dir() and any(target.iterdir()) and not marker.exists():
        raise PackageError(f"{target} is not empty and was not made by a build; give a new or an empty folder")
    # Marked before it is filled, so that what an interrupted build leaves is known to be a build's.
    target.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text("unfinished")
    shutil.rmtree(target, ignore_errors=True)
    unused = _all_services(site) - services
    data = str(site / "botocore" / "data")
    shutil.copytree(site, target, ignore=lambda folder, _: unused if folder == data else ())
    marker.write_text(content)


def _all_services(site: Path) -> set[str]:
    return {folder.name for folder in site.glob("botocore/data/*") if folder.is_dir()}


def _used_services(site: Path, handlers: Sequence[Path]) -> set[str]:
    # Words, not calls: a name that is put together at run time can still be named in a comment.
    sources = [path for folder in handlers for path in folder.rglob("*.py")]
    words = {word for path in sources for word in _WORD.findall(path.read_text("utf-8"))}
    return _all_services(site) & (words | COMMON_SERVICES)


def _install_libraries(folder: Path, extra: Path | None) -> None:
    # Pure Python wheels alone: what is built on any laptop runs on any architecture of Lambda.
    site = folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--no-compile", "--target", str(site)]
    pure = ["--only-binary=:all:", "--implementation=py", "--abi=none", "--platform=any"]
    purpose = "The libraries of the Lambda are installed with pip"
    run_tool([*pip, *pure, "--no-deps", *RUNTIME_REQUIREMENTS], purpose=purpose)
    if extra:
        run_tool([*pip, *pure, "--upgrade", *RUNTIME_REQUIREMENTS, "--requirement", str(extra)], purpose=purpose)
    for unused in (site / "bin", *site.glob("boto3/examples"), *site.glob("botocore/data/*/*/examples-1.json*")):
        shutil.rmtree(unused) if unused.is_dir() else unused.unlink(missing_ok=True)
    compile_folder(site, TASK_ROOT)
