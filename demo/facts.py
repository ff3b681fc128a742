"""What is true when the demo's story has been told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from workflow import Event, Workflow
from workflow.aws.client import make_client
from workflow.engine.events import fold
from workflow.local.session import LocalCloud
from workflow.runtime.ledger_entry import Outcome

_REFUSED = "MailRefusedError: "


class Facts:
    """Read from the tables, the mailbox and the stream, and not from what the story meant to do."""

    def __init__(self, flow: Workflow, cloud: LocalCloud, answers: Counter[str], surprises: int) -> None:
        self.cloud, self.answers, self.surprises = cloud, answers, surprises
        items = read_table(self.cloud, self.cloud.stack.table_name)
        self.entities = [flow.get(*item["pk"]["S"].split("#", 1)) for item in items if item["sk"]["S"] == "entity"]
        self.event_items = sum(item["sk"]["S"].startswith("event#") for item in items)
        self.histories = {entity.key: flow.history(entity.kind, entity.id) for entity in self.entities}
        self.events = [event for history in self.histories.values() for event in history]
        self.violations = [v for entity in self.entities for v in flow.violations(entity.kind, entity.id)]
        self.owed = [f"{e.kind}#{e.entity_id}#{e.version}#{hook}" for e in self.events for hook in owed(flow, e)]
        entries = [entry for entity in self.entities for entry in flow.effects(entity.kind, entity.id)]
        self.outcomes = {
            f"{entry.kind}#{entry.entity_id}#{entry.version}#{hook}": outcome
            for entry in entries
            for hook, outcome in entry.outcomes.items()
        }

    def lines(self) -> Iterator[tuple[bool, str]]:
        """Each fact in words, and whether it holds."""
        yield from self._transitions()
        yield from self._effects()
        yield from self._stream()

    def _transitions(self) -> Iterator[tuple[bool, str]]:
        transitions, by_hooks = sum(e.version for e in self.entities), sum(bool(event.cause) for event in self.events)
        by_lanes = sum(event.by.startswith("lane:") for event in self.events)
        accepted = self.answers["accepted"]
        answers = ", ".join(f"{count} {answer}" for answer, count in self.answers.items())
        yield not self.surprises, f"{self.answers.total()} requests, each answered as it should be: {answers}"
        yield (
            transitions == self.event_items == len(self.events) == accepted + by_hooks + by_lanes,
            f"{transitions} transitions, {self.event_items} events: {accepted} asked for, {by_hooks} fired by hooks, "
            f"{by_lanes} by lanes",
        )
        changed = {entity.key for entity in self.entities if entity != fold(self.histories[entity.key])}
        by_hand = {f"{violation.kind}#{violation.entity_id}" for violation in self.violations}
        yield (
            changed == by_hand,
            f"{len(self.entities) - len(changed)} of {len(self.entities)} entities equal their folded history; "
            f"changed by hand and recorded as a violation: {', '.join(sorted(by_hand)) or 'none'}",
        )

    def _effects(self) -> Iterator[tuple[bool, str]]:
        done = {key: outcome for key, outcome in self.outcomes.items() if outcome.status == "done"}
        refused = {key: o for key, o in done.items() if o.attempts == 2 and o.earlier[0].error.startswith(_REFUSED)}
        in_one = [key for key, outcome in done.items() if outcome.attempts == 1]
        yield (
            sorted(done) == sorted(self.owed) and len(done) == len(in_one) + len(refused),
            f"{len(self.owed)} effects owed, {len(done)} done: {len(in_one)} in one attempt, {len(refused)} in their "
            f"second, after the mail provider's refusal and `redrive`",
        )
        yield from self._meanwhile(refused)
        mails = [mail.body.rpartition("Reference: ")[2].strip() for mail in self.cloud.mails()]
        lines, recorded = order_history(self.cloud), [key for key in done if key.endswith("#record_line")]
        yield (
            len(set(mails)) == len(mails)
            and {*mails} <= {*done}
            and {*refused} <= {*mails}
            and len(lines) == len(recorded),
            f"{len(mails)} mails, none of them twice; {len(lines)} lines in the order history",
        )

    def _meanwhile(self, refused: Mapping[str, Outcome]) -> Iterator[tuple[bool, str]]:
        """How long the effects of other entities took that were owed while the refused ones waited."""
        waiting = {key.rpartition("#")[0].rpartition("#")[0] for key in refused}
        made = {f"{e.kind}#{e.entity_id}#{e.version}": e.at for e in self.events}
        ended = {key: outcome.at for key, outcome in self.outcomes.items() if outcome.at is not None}
        began = min((made[_event(key)] for key in refused), default=self.events[0].at)
        over = min((ended[key] for key in refused), default=began)
        beside = [
            ended[key] - made[_event(key)]
            for key in ended
            if began <= made[_event(key)] <= over and not any(key.startswith(f"{name}#") for name in waiting)
        ]
        longest = max(beside, default=timedelta())
        yield (
            bool(waiting) and bool(beside) and began + longest < over,
            f"{len(waiting)} orders waited for a person for {(over - began).total_seconds():.1f} s; what the others "
            f"owed meanwhile was done within {longest.total_seconds():.2f} s",
        )

    def _stream(self) -> Iterator[tuple[bool, str]]:
        counters = self.cloud.pump.counters
        yield (
            counters.records_acknowledged == len(self.events) + len(self.violations) and not counters.failures,
            f"{counters.records_acknowledged} stream records reached the Lambda in {counters.invocations} batches: "
            f"{len(self.events)} transitions, {len(self.violations)} by hand; no batch failed",
        )


def _event(effect: str) -> str:
    return effect.rpartition("#")[0]


def owed(flow: Workflow, event: Event) -> tuple[str, ...]:
    """The hooks that the event owes by its definition."""
    definition = flow.definitions.find(event.kind, event.definition)
    assert definition is not None
    return definition.edges[event.trigger, event.source, event.target]


def order_history(cloud: LocalCloud) -> list[dict[str, Any]]:
    """The read model that the orders' hooks keep."""
    return read_table(cloud, cloud.stack.outputs["OrderHistoryTableName"])


def read_table(cloud: LocalCloud, name: str) -> list[dict[str, Any]]:
    """Every item of a table, as DynamoDB keeps it."""
    pages = make_client("dynamodb", endpoint_url=cloud.endpoint_url).get_paginator("scan")
    return [item for page in pages.paginate(TableName=name, ConsistentRead=True) for item in page["Items"]]
