"""What goes wrong, as one clear line and an exit code; a traceback is left to our own mistakes."""

from __future__ import annotations

import errno

import click

from workflow.errors import DefinitionError, Refused, Retryable, WorkflowError

REFUSED = 1
RETRYABLE = 3
INTERRUPTED = 130


class DrawError(Refused):
    """The picture could not be drawn: Graphviz is missing, or it failed."""


class Commands(click.Group):
    """A group in the order its commands were added, whose errors are lines."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands as added, not by the alphabet."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> object:
        """Runs the command; every error that is not our own mistake ends it with a line and an exit code."""
        try:
            return super().invoke(ctx)
        except WorkflowError as error:
            complain(error)
            ctx.exit(RETRYABLE if isinstance(error, Retryable) else REFUSED)
        except KeyboardInterrupt:
            click.echo("\nInterrupted.", err=True)
            ctx.exit(INTERRUPTED)
        except click.Abort:
            # Ctrl-C at a question.
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)
        except OSError as error:
            if error.errno == errno.EPIPE:
                # Whoever read has enough, as in `workflow list order | head`; click ends quietly then.
                raise
            click.echo(f"Error: {_of_the_system(error)}", err=True)
            ctx.exit(REFUSED)


def complain(error: WorkflowError) -> None:
    """Says what is wrong, a line for each problem, on the other stream."""
    from workflow.console.values import printable

    if isinstance(error, DefinitionError):
        lines = [str(problem) for problem in error.problems]
    elif isinstance(error, Refused | Retryable):
        lines = [f"Error: {error}"]
    else:
        # Those of the embedded cloud quote what a tool or a template had to say, in its own lines.
        lines = f"Error: {error}".splitlines()
    for line in lines:
        click.echo(printable(line), err=True)


def _of_the_system(error: OSError) -> str:
    from workflow.console.values import printable

    return printable(f"{error.filename}: {error.strerror}" if error.filename else str(error))
