"""Whether entities stand still, were lost, or are of definitions that the deployed code does not know. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from workflow.definition.definition import Definition, Definitions
from workflow.runtime.doctor.facts import CodeFacts, ParkedFacts, StackFacts
from workflow.runtime.doctor.finding import Finding, Findings, Level, aws
from workflow.runtime.reason import command, span

_MOST_NAMED = 3


def lost(facts: StackFacts) -> Findings:
    """Whether records lie in the bucket of what the mapping gave up on."""
    found = facts.lost
    if found is None or not found.count:
        return
    since = f", the first {span(facts.now - found.first_at)} ago" if found.first_at else ""
    yield Finding(
        Level.LOSING,
        f"{found.count}{' or more' if found.more else ''} batches of records were given up{since}",
        f"bucket {found.bucket}",
        "the effects that they owed have not run, unless `workflow reconcile` has found them since",
        "`workflow reconcile`, then delete the objects",
        ("workflow reconcile",),
        (
            "once that has found nothing more:",
            *(aws(facts, "s3", "rm", f"s3://{found.bucket}/{prefix}", "--recursive") for prefix in found.prefixes),
        ),
    )


def parked(facts: StackFacts) -> Findings:
    """Whether entities wait for a person; those that go on by themselves are no illness."""
    people = sorted((one for one in facts.parked or () if one.for_person), key=lambda one: one.since)
    if people:
        since = span(facts.now - people[0].since)
        yield Finding(
            Level.STANDING,
            f"{_waiting(people, 'parked' in facts.cut)} for a person, the longest for {since}",
            _named(people),
            "their hooks do not go on by themselves, and what is owed later waits behind",
            "`workflow explain` says why; then `workflow redrive` or `workflow skip`",
            ("workflow parked", *(command("explain", one.kind, one.entity_id) for one in people[:_MOST_NAMED])),
            (
                "once the cause is mended:",
                *(command("redrive", one.kind, one.entity_id) for one in people[:_MOST_NAMED]),
            ),
        )
    undeployed = sorted((one for one in facts.parked or () if one.why == "definition"), key=lambda one: one.since)
    if undeployed:
        yield Finding(
            Level.STANDING,
            f"{_waiting(undeployed, 'due' in facts.cut)} for its definition",
            _named(undeployed),
            "the deployed code does not know the version of the definition that they moved by",
            "deploy that version; they go on within two minutes",
            by_hand=("from where that version is:", "sam build && sam deploy"),
        )


def _waiting(entries: Sequence[ParkedFacts], more: bool) -> str:
    if more:
        return f"{len(entries):,} or more entities wait"
    return f"{len(entries):,} {'entity waits' if len(entries) == 1 else 'entities wait'}"


def _named(entries: Sequence[ParkedFacts]) -> str:
    told = ", ".join(
        f"{one.kind} {one.entity_id} (version {one.version} {one.hook}".rstrip() + ")" for one in entries[:_MOST_NAMED]
    )
    more = len(entries) - _MOST_NAMED
    return f"{told} and {more:,} more" if more > 0 else told


def unknown(facts: StackFacts) -> Findings:
    """Whether entities are of a definition that some deployed function does not know."""
    if facts.entities is None:
        return
    for (kind, version), (count, example) in sorted(facts.entities.versions.items()):
        without = [
            function.role
            for function in facts.functions
            if (code := _code(facts, function.code)) and code.definitions.find(kind, version) is None
        ]
        if not without:
            continue
        mine = facts.local is not None and facts.local.find(kind, version) is not None
        yield Finding(
            Level.STANDING,
            f"{count:,} {'entity is' if count == 1 else 'entities are'} of {kind}@{version}, which is not deployed",
            f"{kind} {example}; unknown to: {', '.join(without)}",
            "no trigger can move them there, and what they owe is put aside",
            "deploy it; it is among this project's definitions"
            if mine
            else "put its file back beside the others, and deploy",
            by_hand=("from here:", "sam build && sam deploy") if mine else (),
        )


def _code(facts: StackFacts, code: str) -> CodeFacts | None:
    return (facts.codes or {}).get(code)


def differing(facts: StackFacts) -> Findings:
    """Whether this project's definitions are those that are deployed."""
    function = facts.find_function("stream")
    code = _code(facts, function.code) if function else None
    if facts.local is None or code is None:
        return
    changed = [_name(d) for d in facts.local if _differs(d, code.definitions)]
    if changed:
        yield Finding(
            Level.EXPOSED,
            f"{', '.join(changed)}: here and deployed differ under the same version",
            "the project's definitions",
            "what a version means must not change: histories were made by it",
            "raise `version` and keep the old file, then deploy",
        )
    gone = [_name(d) for d in code.definitions if facts.local.find(d.kind, d.version) is None]
    if gone:
        yield Finding(
            Level.ADVICE,
            f"{', '.join(gone)}: deployed, and not here",
            "the project's definitions",
            "deploying from here takes them away from the entities that are of them",
            "keep the old files beside the new ones",
        )
    new = [_name(d) for d in facts.local if code.definitions.find(d.kind, d.version) is None]
    if new:
        yield Finding(
            Level.ADVICE,
            f"{', '.join(new)}: here, and not deployed",
            "the project's definitions",
            "who fires triggers by them from here makes entities that the functions do not know",
            "deploy before you fire: sam build && sam deploy",
        )


def _differs(definition: Definition, deployed: Definitions) -> bool:
    other = deployed.find(definition.kind, definition.version)
    return other is not None and other != definition


def _name(definition: Definition) -> str:
    return f"{definition.kind}@{definition.version}"
