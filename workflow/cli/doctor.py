"""The command that looks at a deployed stack and says what is wrong with it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from workflow.cli.failures import complain
from workflow.cli.output import json_option, make_console, print_json
from workflow.cli.session import Session
from workflow.errors import DefinitionError, WorkflowError

if TYPE_CHECKING:
    from workflow.definition.definition import Definitions
    from workflow.runtime.doctor.facts import StackFacts

CANNOT_LOOK = 2


@click.command(short_help="Say what is wrong with a deployed stack, the worst first.")
@click.option("--stack", metavar="NAME", default="", help="The stack.  [default: the one that made the table]")
@click.option("--fix", is_flag=True, help="Print the commands that mend it, and run none of them.")
@json_option
@click.pass_context
def doctor(ctx: click.Context, stack: str, fix: bool, as_json: bool) -> None:
    """Look at a deployed stack, on AWS or on the embedded cloud, and say in order of danger what is wrong with it.

    Reads only. Ends with 0 (healthy), 1 (there is a danger) or 2 (it could not look, or not at everything).
    """
    session = ctx.find_object(Session)
    assert session is not None
    try:
        facts = _gather(session, stack)
    except WorkflowError as error:
        complain(error)
        ctx.exit(CANNOT_LOOK)
    from workflow.runtime.doctor.judge import exit_code, judge

    findings = judge(facts)
    if as_json:
        from workflow.console.doctor import doctor_form

        print_json(doctor_form(facts, findings))
    elif fix:
        from workflow.console.doctor import fix_lines

        for line in fix_lines(facts, findings):
            click.echo(line)
    else:
        from workflow.console.doctor import doctor_view

        make_console().print(doctor_view(facts, findings))
    ctx.exit(exit_code(findings))


def _gather(session: Session, stack: str) -> StackFacts:
    from workflow.aws.deployed.stack_facts import gather

    settings = session.settings
    return gather(
        stack=stack,
        table=settings.table if stack else settings.get_table(),
        endpoint_url=settings.endpoint_url,
        now=datetime.now(UTC),
        local=_own_definitions(session),
    )


def _own_definitions(session: Session) -> Definitions | None:
    """The project's definitions; None where there are none: the stack may be looked at from anywhere."""
    compiled = session.settings.definitions.endswith(".json")
    try:
        if compiled:
            from workflow.aws.compose import read_compiled

            return read_compiled(session.settings.definitions)
        return session.load_definitions()
    except DefinitionError:
        raise
    except (WorkflowError, ModuleNotFoundError):
        return None
