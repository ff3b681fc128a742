"""Which adapter builds the jobs, by the environment."""

from __future__ import annotations

import os
from pathlib import Path

from handlers.builds.port import Builds
from handlers.clients import client
from handlers.parameters import get_secret


def find_builds() -> Builds | None:
    """The adapter that BUILDS names, local or codebuild; None where it is not set, and runners find jobs themselves.

    Raises LookupError for a setting that is missing, ValueError for another adapter.
    """
    chosen = os.environ.get("BUILDS", "")
    if not chosen:
        return None
    # Each brings what the other does without.
    if chosen == "local":
        from handlers.builds.local import LocalBuilds

        folder, runner_url = Path(_get("BUILDS_FOLDER")), _get("RUNNER_URL")
        return LocalBuilds(folder, runner_url=runner_url, secret=lambda: get_secret("RUNNER_SECRET"))
    if chosen == "codebuild":
        from handlers.builds.codebuild import CodeBuilds

        secret_name = _get("RUNNER_SECRET_NAME")
        project, runner_url = _get("CODEBUILD_PROJECT"), _get("RUNNER_URL")
        return CodeBuilds(client("codebuild"), project=project, runner_url=runner_url, secret_name=secret_name)
    raise ValueError(f"BUILDS={chosen!r} is no adapter; give local or codebuild")


def _get(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise LookupError(f"{name} is not set; BUILDS={os.environ['BUILDS']} needs it")
    return value
