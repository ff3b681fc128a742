"""One commit of a repository, without its past."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from handlers.builds.port import SCHEMES

# Nothing but what is said here: no settings of this machine's people, no questions, no programs of the repository's.
ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
}
_SETTINGS = (
    "protocol.allow=never",
    *(f"protocol.{scheme}.allow=always" for scheme in SCHEMES),
    "core.hooksPath=/dev/null",
    "http.followRedirects=false",
    "advice.detachedHead=false",
    "init.defaultBranch=main",
)


def commands(clone_url: str, commit: str, folder: Path) -> Iterator[list[str]]:
    """What brings the commit into the folder; `port.check` must have passed both texts."""
    git = ["git", "-C", str(folder), *(word for setting in _SETTINGS for word in ("-c", setting))]
    yield [*git, "init", "--quiet", "--template="]
    yield [*git, "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", clone_url, commit]
    yield [*git, "checkout", "--quiet", "--detach", "FETCH_HEAD"]
