"""What a job needs of whatever builds it."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from workflow.errors import Refused

SCHEMES = ("https", "ssh", "file")
"""How builds may clone."""

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# None of these is an option to git, leaves a URL, or ends a line of a log.
_UNSAFE = re.compile(r"[\x00-\x20\x7f]")
# No program can be told the first of these, and a build that cannot be told who it is reports to nobody.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class BuildRefusedError(Refused):
    """A job cannot be built as it stands: asking again changes nothing."""


class Build(NamedTuple):
    """One attempt of a job, and what is to be built."""

    job: str
    attempt: int
    repository: str
    branch: str
    commit: str
    clone_url: str

    @property
    def key(self) -> str:
        """`job#attempt`: each build's own, whoever asks for it and however often."""
        return key_of(self.job, self.attempt)


class Builds(Protocol):
    """Starts and stops builds; both may be asked again with the same key, and do nothing more then."""

    def start(self, build: Build) -> None:
        """Sees to it that the build runs or has run, once. Raises BuildRefusedError, or anything else for what may
        succeed later."""

    def stop(self, key: str) -> None:
        """Sees to it that the build of that key does not run any more; nothing happens if it never did."""


def key_of(job: str, attempt: int) -> str:
    """The key of a build."""
    return f"{job}#{attempt}"


def name_of(key: str) -> str:
    """A short name for the key, of the characters that files, tokens and headers take alike, and as good as unique."""
    readable = re.sub(r"[^A-Za-z0-9-]+", "-", key)[:40].strip("-")
    return f"{readable}-{hashlib.sha256(key.encode()).hexdigest()[:20]}"


def check(build: Build) -> Build:
    """The same build; raises BuildRefusedError for what no build must be given: these texts came from outside."""
    if not _COMMIT.fullmatch(build.commit):
        raise BuildRefusedError(f"job {build.job}: the commit {build.commit!r} is no full hash of 40 or 64 hex digits")
    for name in ("job", "repository", "branch"):
        if _CONTROL.search(getattr(build, name)):
            raise BuildRefusedError(
                f"job {build.job!r}: its {name} has a control character in it: no build is told that"
            )
    if not build.clone_url:
        raise BuildRefusedError(f"job {build.job} has no clone_url; create it with one, or by a push to a repository")
    if not _is_clonable(build.clone_url):
        allowed = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise BuildRefusedError(f"job {build.job}: builds do not clone from {build.clone_url!r}; give one of {allowed}")
    return build


def _is_clonable(url: str) -> bool:
    if _UNSAFE.search(url):
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme in SCHEMES and not host.startswith("-") and (bool(host) or parts.scheme == "file")
