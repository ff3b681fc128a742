"""Whether the table keeps what it should, and can be asked what it must. Pure."""

from __future__ import annotations

from workflow.runtime.doctor.facts import IndexFacts, StackFacts, TableFacts
from workflow.runtime.doctor.finding import Finding, Findings, Level, aws, change_table

EXPIRES_AT = "expires_at"
INDEXES = (
    IndexFacts(
        "by_due",
        ("due", "due_at"),
        projection="KEYS_ONLY",
    ),
    IndexFacts(
        "by_state",
        ("listed", "pk"),
        projection="INCLUDE",
        attributes=frozenset({"state", "version", "changed_at", "owing", "place"}),
    ),
)
_COSTS = {
    "by_due": "the sweeper finds no timer and nothing that was put aside: none of it goes on",
    "by_state": "nothing can be listed, and `reconcile` finds nothing",
}


def is_there(facts: StackFacts) -> Findings:
    """Whether the table can be written to."""
    table = facts.table
    if table and table.status not in ("ACTIVE", "UPDATING"):
        yield Finding(
            Level.STANDING,
            f"the table is {table.status}",
            f"table {table.name}",
            "every transition is refused",
            "see why it is so: in its stack's events, or its key for encryption",
        )


def indexes(facts: StackFacts) -> Findings:
    """Whether both indexes are there, ready, and hold what is read from them."""
    if facts.table is None:
        return
    found = {index.name: index for index in facts.table.indexes}
    for wanted in INDEXES:
        problem = _problem(wanted, found.get(wanted.name))
        if problem:
            yield Finding(
                Level.STANDING,
                problem,
                f"index {wanted.name} of {facts.table.name}",
                _COSTS[wanted.name],
                "bring the index to what the template says and deploy: sam deploy",
            )


def _problem(wanted: IndexFacts, found: IndexFacts | None) -> str:
    if found is None:
        return "the index is missing"
    if found.status != "ACTIVE":
        return f"the index is {found.status}"
    if found.keys != wanted.keys:
        return f"the index has the keys {', '.join(found.keys)}, not {', '.join(wanted.keys)}"
    missing = wanted.attributes - found.attributes
    if found.projection != "ALL" and missing:
        return f"the index lacks the attributes {', '.join(sorted(missing))}"
    return ""


def safety(facts: StackFacts) -> Findings:
    """Whether what is deleted or overwritten by mistake can be had again."""
    table = facts.table
    if table is None:
        return
    if table.recovery is False:
        yield Finding(
            Level.EXPOSED,
            "point-in-time recovery is off",
            f"table {table.name}",
            "what a bug or a person overwrites or deletes is gone; there is no other backup of it",
            "switch it on",
            (_recoverable(facts, table),),
        )
    if not table.is_protected:
        yield Finding(
            Level.ADVICE,
            "the table is not protected from being deleted",
            f"table {table.name}",
            "one command deletes every entity and its history",
            "protect it; parameter DeletionProtection of the template",
            change_table(facts, table.name, "--deletion-protection-enabled"),
        )


def _recoverable(facts: StackFacts, table: TableFacts) -> str:
    return aws(
        facts,
        *("dynamodb", "update-continuous-backups", "--table-name", table.name),
        *("--point-in-time-recovery-specification", "PointInTimeRecoveryEnabled=true"),
    )


def read_models(facts: StackFacts) -> Findings:
    """Whether the stack's other tables can be had again; what a projection wrote there can be written anew."""
    for table in facts.read_models:
        where = f"table {table.name}"
        if table.recovery is False:
            yield Finding(
                Level.ADVICE,
                "point-in-time recovery is off for a table beside the entities'",
                where,
                "what is overwritten or deleted there is gone, unless `workflow rebuild` can write it anew",
                "switch it on",
                (_recoverable(facts, table),),
            )
        if not table.is_protected:
            yield Finding(
                Level.ADVICE,
                "a table beside the entities' is not protected from being deleted",
                where,
                "one command deletes it",
                "protect it; parameter DeletionProtection of the template",
                change_table(facts, table.name, "--deletion-protection-enabled"),
            )


def costs(facts: StackFacts) -> Findings:
    """Whether the table grows without end, or is held up by a capacity that somebody set."""
    table = facts.table
    if table is None:
        return
    if table.expiry is not None and table.expiry != EXPIRES_AT:
        yield _never_expires(facts, table)
    if table.billing != "PAY_PER_REQUEST":
        yield Finding(
            Level.ADVICE,
            "the table's capacity is provisioned",
            f"table {table.name}",
            "above it writes are throttled: transitions are tried again, then refused for the moment",
            "pay per request, unless its load is known and even",
            by_hand=(
                "unless its load is known and even:",
                *change_table(facts, table.name, "--billing-mode", "PAY_PER_REQUEST"),
            ),
        )


def _never_expires(facts: StackFacts, table: TableFacts) -> Finding:
    switched = aws(
        facts,
        *("dynamodb", "update-time-to-live", "--table-name", table.name),
        *("--time-to-live-specification", f"Enabled=true,AttributeName={EXPIRES_AT}"),
    )
    return Finding(
        Level.ADVICE,
        f"items expire by {table.expiry!r}, not by {EXPIRES_AT!r}" if table.expiry else "nothing expires",
        f"table {table.name}",
        "request ids that are long over stay, and the table grows with each",
        f"switch the time to live on, by {EXPIRES_AT}",
        () if table.expiry else (switched,),
        (f"once it is switched off for {table.expiry!r}, and an hour has passed:", switched) if table.expiry else (),
    )
