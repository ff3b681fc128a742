"""Commands on definitions, which need no table: check (of webhooks too), diagram and schema."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from workflow.cli.failures import REFUSED, DrawError
from workflow.cli.output import deliver, json_option, make_console, print_json
from workflow.cli.session import Session
from workflow.errors import DefinitionError, Problem, UnknownKindError

if TYPE_CHECKING:
    from workflow.definition.definition import Definition, Definitions
    from workflow.definition.webhooks.webhook import Webhooks

_Loaded = TypeVar("_Loaded")
_output_option = click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write to this file."
)
_FORMATS = ("mermaid", "dot", "svg", "png")
_FORMAT_OF_SUFFIX = {".dot": "dot", ".gv": "dot", ".svg": "svg", ".png": "png"}


@click.command(short_help="Check definitions and webhooks, and say what is wrong where.")
@click.argument("path", required=False)
@click.option("--without-hooks", is_flag=True, help="Do not ask whether hooks and guards are registered.")
@json_option
@click.pass_context
def check(ctx: click.Context, path: str | None, without_hooks: bool, as_json: bool) -> None:
    """Check the definitions in PATH, or definitions and webhooks of the project, with every problem's place and a way
    out.

    Hooks and guards must be registered by the project's handlers. Ends with 1 if there are problems.
    """
    session: Session = ctx.obj
    hooks = None if without_hooks else session.hooks()
    definitions, problems = _loaded(lambda: session.load_definitions(path, hooks))
    webhooks = None
    if path is None:
        webhooks, more = _loaded(lambda: _load_webhooks(session, definitions))
        problems += more
    _report(problems, definitions, webhooks, as_json)
    if problems:
        ctx.exit(REFUSED)


def _load_webhooks(session: Session, definitions: Definitions | None) -> Webhooks:
    from workflow.definition.webhooks.load import load_webhooks

    return load_webhooks(session.project / session.settings.webhooks, definitions)


def _loaded(load: Callable[[], _Loaded]) -> tuple[_Loaded | None, list[Problem]]:
    try:
        return load(), []
    except DefinitionError as error:
        return None, [replace(problem, file=_from_here(problem.file)) for problem in error.problems]


def _report(problems: list[Problem], definitions: Definitions | None, webhooks: Webhooks | None, as_json: bool) -> None:
    if as_json:
        from workflow.console.forms import check_form

        print_json(check_form(problems, definitions, webhooks))
        return
    from workflow.console.problems import good_summary, problem_text, problems_summary

    console = make_console()
    for problem in problems:
        # Not folded: terminals and editors find the place only in a whole line.
        console.print(problem_text(problem), soft_wrap=True)
    if problems or definitions is None:
        console.print(problems_summary(problems))
    else:
        console.print(good_summary(definitions, webhooks))


def _from_here(file: str) -> str:
    path, here = Path(file).absolute(), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else file


@click.command(short_help="Print the JSON Schema of definitions.")
@_output_option
def schema(output: Path | None) -> None:
    """Print the JSON Schema of a definition, by which editors complete and underline."""
    from workflow.definition.schema import schema_text

    deliver(schema_text(), output)


@click.command(short_help="Draw a definition.")
@click.argument("kind")
@click.option(
    "--format",
    "picture",
    type=click.Choice(_FORMATS),
    help="svg and png need Graphviz.  [default: by the output's name, else mermaid]",
)
@_output_option
@click.pass_obj
def diagram(session: Session, kind: str, picture: str | None, output: Path | None) -> None:
    """Draw the states and transitions of KIND."""
    definition = get_definition(session, kind)
    picture = picture or _FORMAT_OF_SUFFIX.get(output.suffix if output else "", "mermaid")
    if picture == "png" and output is None and sys.stdout.isatty():
        raise click.UsageError("A terminal cannot show png; add --output FILE.")
    deliver(_draw(definition, picture), output)


def get_definition(session: Session, kind: str) -> Definition:
    definitions = session.load_definitions()
    definition = definitions.find(kind)
    if definition is None:
        raise UnknownKindError(f"no definition of kind {kind!r}; loaded: {', '.join(definitions.kinds)}")
    return definition


def _draw(definition: Definition, picture: str) -> str | bytes:
    from workflow.definition.diagram import dot, mermaid

    if picture == "mermaid":
        return mermaid(definition)
    return dot(definition) if picture == "dot" else _graphviz(dot(definition), picture)


def _graphviz(text: str, picture: str) -> bytes:
    program = shutil.which("dot")
    if program is None:
        raise DrawError(
            f"{picture} is drawn by Graphviz, and there is no `dot` on PATH; install Graphviz, or take --format "
            f"mermaid or dot"
        )
    done = subprocess.run([program, f"-T{picture}"], input=text.encode(), capture_output=True)
    if done.returncode != 0:
        raise DrawError(f"Graphviz failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
