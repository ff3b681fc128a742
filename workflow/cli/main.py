"""The entry point of the `workflow` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs one command and exits: 0 done, 1 refused, 2 not understood, 3 worth another try, 130 interrupted."""
    try:
        from workflow.cli.commands import workflow
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.exit("Error: the workflow command needs more libraries: pip install 'stream-workflow[cli]'")
    for stream in (sys.stdout, sys.stderr):
        # Data may hold what the terminal's encoding does not; better spelt out than a traceback.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    workflow(prog_name="workflow")


if __name__ == "__main__":
    main()
