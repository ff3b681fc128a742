"""Whether the functions can run, and run the same code. Pure."""

from __future__ import annotations

from collections import defaultdict

from workflow.runtime.doctor.facts import FunctionFacts, StackFacts
from workflow.runtime.doctor.finding import Finding, Findings, Level, aws

NEEDED = {
    "stream": "no hook runs",
    "sweep": "no timer fires, and nothing that was put aside goes on",
}
_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
_LOG_DAYS = "30"


def are_there(facts: StackFacts) -> Findings:
    """Whether the stack has the functions that it cannot do without."""
    if any(one.what == "functions" for one in facts.unseen):
        return
    for role, why in NEEDED.items():
        if facts.find_function(role) is None:
            handler = f"workflow.aws.lambdas.{role}.handler"
            yield Finding(
                Level.STANDING,
                f"there is no function with the handler {handler}",
                f"stack {facts.stack}",
                why,
                "take it over from the framework's template, and deploy",
            )


def can_run(facts: StackFacts) -> Findings:
    """Whether each function can be invoked, and works on the table that is looked at."""
    for function in facts.functions:
        where = f"function {function.name}"
        if function.state not in ("Active", "Inactive"):
            what, why = f"the function is {function.state}: {function.state_reason}", "it cannot be invoked"
            yield Finding(Level.STANDING, what.rstrip(": "), where, why, "deploy again: sam build && sam deploy")
        if function.update == "Failed":
            what, why = (
                f"its last update failed: {function.update_reason}",
                "it runs what was deployed before, if at all",
            )
            yield Finding(Level.STANDING, what.rstrip(": "), where, why, "deploy again: sam build && sam deploy")
        if function.reserved == 0:
            yield Finding(
                Level.STANDING,
                "its reserved concurrency is 0",
                where,
                "every invocation is throttled: somebody switched it off",
                "take the reservation away",
                (aws(facts, "lambda", "delete-function-concurrency", "--function-name", function.name),),
            )
        if function.table and function.table != facts.table_name:
            yield Finding(
                Level.STANDING,
                f"it works on the table {function.table}",
                where,
                f"the stack's table is {facts.table_name}: what this function does is done elsewhere",
                "see WORKFLOW_TABLE in the template, and deploy",
            )


def same_code(facts: StackFacts) -> Findings:
    """Whether all functions run the same code."""
    by_code: dict[str, list[FunctionFacts]] = defaultdict(list)
    for function in facts.functions:
        by_code[function.code].append(function)
    if len(by_code) < 2:
        return
    known = [_known(facts, code) for code in by_code]
    differs = None in known or any(one != known[0] for one in known)
    groups = "; ".join(", ".join(one.role for one in group) for group in by_code.values())
    yield Finding(
        Level.EXPOSED if differs else Level.ADVICE,
        f"the functions do not run the same code: {groups}",
        f"stack {facts.stack}",
        "one may write what another does not understand yet"
        if differs
        else "their definitions agree, their files do not",
        "deploy all of them together: sam build && sam deploy",
    )


def _known(facts: StackFacts, code: str) -> list[object] | None:
    found = (facts.codes or {}).get(code)
    return None if found is None else list(found.definitions)


def package_fits(facts: StackFacts) -> Findings:
    """Whether what is in a package can be loaded, and loaded fast, by the function that it is deployed to."""
    for function in facts.functions:
        code = (facts.codes or {}).get(function.code)
        if code is None:
            continue
        where = f"function {function.name}"
        machine = _MACHINES.get(function.architecture, function.architecture)
        if code.machines and machine not in code.machines:
            yield Finding(
                Level.STANDING,
                f"its libraries are for {', '.join(sorted(code.machines))}, the function is {function.architecture}",
                where,
                "what imports one of them fails",
                "build for the architecture that the template names",
            )
        wanted = function.runtime.replace("python", "cpython-").replace(".", "")
        if wanted not in code.byte_code:
            found = f"is for {', '.join(sorted(code.byte_code))}" if code.byte_code else "is missing"
            yield Finding(
                Level.ADVICE,
                f"its byte code {found}, the function runs on {function.runtime}",
                where,
                "every cold start compiles all modules: four times as slow",
                "build with the Python that the template names",
            )


def logs(facts: StackFacts) -> Findings:
    """Whether logs are thrown away at some time."""
    for function in facts.functions:
        if function.retention_days == 0:
            yield Finding(
                Level.ADVICE,
                "its log is kept for ever",
                f"log group {function.log}",
                "it costs more every month, and keeps what people asked to forget",
                "keep it for a month",
                (
                    aws(
                        facts,
                        *("logs", "put-retention-policy", "--log-group-name", function.log),
                        *("--retention-in-days", _LOG_DAYS),
                    ),
                ),
            )
