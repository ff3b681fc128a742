"""What is true when every push has been built: read from histories, GitHub, the mailbox and what builds left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from demo.ci.service import Service
from workflow import Event, Workflow
from workflow.local.mailbox import Mail

STATUSES = {
    "pending": ("pending", "waits for its turn"),
    "active": ("pending", "is being built"),
    "passed": ("success", "passed"),
    "failed": ("failure", "failed"),
    "timed_out": ("error", "took too long"),
    "cancelled": ("error", "was cancelled"),
}
"""What GitHub is to be told of each state, in its word and in ours."""

MAILED = ("passed", "failed", "timed_out")


class Span(NamedTuple):
    """How long a job was in one state."""

    job: str
    state: str
    attempt: int
    since: datetime
    until: datetime
    ended: str
    """The state after it; '' for the last one."""


class Histories:
    """All that happened to jobs and repositories, oldest first."""

    def __init__(self, flow: Workflow) -> None:
        self.jobs = _histories(flow, "job")
        self.repositories = _histories(flow, "repository")
        self.repository_of = {job: str(events[0].payload["repository"]) for job, events in self.jobs.items()}

    def spans(self, job: str) -> list[Span]:
        """The states that the job was in, one after the other."""
        events, attempt, spans = self.jobs[job], 0, []
        for event, after in pairwise([*events, None]):
            assert event is not None
            attempt += event.target == "pending"
            until, ended = (after.at, after.target) if after else (event.at, "")
            spans.append(Span(job, event.target, attempt, event.at, until, ended))
        return spans

    def runs(self, repository: str) -> list[Span]:
        """The repository's builds, in the order they were started."""
        of_it = [job for job, name in self.repository_of.items() if name == repository]
        spans = [span for job in of_it for span in self.spans(job) if span.state == "active"]
        return sorted(spans, key=lambda span: span.since)

    def starts(self) -> list[str]:
        """`job#attempt` of each start."""
        return [f"{span.job}#{span.attempt}" for name in self.repositories for span in self.runs(name)]


def _histories(flow: Workflow, kind: str) -> dict[str, list[Event]]:
    found = {listed.id: list(flow.history(kind, listed.id)) for listed in flow.list(kind)}
    return dict(sorted(found.items(), key=lambda item: item[1][0].at))


class CiFacts:
    """Each fact in words, and whether it holds."""

    def __init__(self, service: Service, answers: Counter[str], refused: int, surprises: int) -> None:
        self._service, self._answers, self._refused, self._surprises = service, answers, refused, surprises
        self.histories = Histories(service.flow)
        self._pushes = [
            event for events in self.histories.repositories.values() for event in events if event.trigger == "push"
        ]

    def lines(self) -> Iterator[tuple[bool, str]]:
        """All of them."""
        yield from self._requests()
        yield from self._builds()
        yield from self._lanes()
        yield from self._outside()
        yield from self._whole()

    def _requests(self) -> Iterator[tuple[bool, str]]:
        told = ", ".join(f"{count} {answer}" for answer, count in self._answers.items())
        yield not self._surprises, f"each request was answered as it should be: {told}, {self._refused} were no pushes"
        jobs = sorted(f"{event.entity_id}-{event.version}" for event in self._pushes)
        yield (
            sorted(self.histories.jobs) == jobs,
            f"{len(jobs)} pushes, {len(self.histories.jobs)} jobs: one job a push",
        )

    def _builds(self) -> Iterator[tuple[bool, str]]:
        starts, runs = self.histories.starts(), self._service.sources.runs()
        yield sorted(starts) == sorted(runs), f"{len(starts)} starts, {len(runs)} builds: one build a start"

    def _lanes(self) -> Iterator[tuple[bool, str]]:
        runs = [self.histories.runs(name) for name in self.histories.repositories]
        beside = [pair for spans in runs for pair in pairwise(spans) if pair[0].until > pair[1].since]
        yield not beside, "never more than one running per repository, at any moment of the histories"
        passed_over = [span.job for spans in runs for pair in pairwise(spans) for span in self._more_urgent(*pair)]
        yield not passed_over, "each freed slot went to the most urgent of those who waited"

    def _more_urgent(self, before: Span, started: Span) -> Iterator[Span]:
        """Who waited when the slot came free, went on waiting, and would have been next by its rank."""
        repository = self.histories.repository_of[started.job]
        for job, events in self.histories.jobs.items():
            for span, event in zip(self.histories.spans(job), events, strict=True):
                if span.state != "pending" or self.histories.repository_of[job] != repository or job == started.job:
                    continue
                waited = span.since < before.until and span.until > started.since
                if waited and _rank(event) < self._rank_of(started):
                    yield span

    def _rank_of(self, started: Span) -> str:
        waits = [
            event
            for event, span in zip(self.histories.jobs[started.job], self.histories.spans(started.job), strict=True)
            if span.state == "pending" and span.attempt == started.attempt
        ]
        return _rank(waits[0])

    def _outside(self) -> Iterator[tuple[bool, str]]:
        owed = {job: expected_statuses(self.histories.spans(job)) for job in self.histories.jobs}
        posted = {
            job: self._service.github.statuses(self.histories.repository_of[job], self._commit(job))
            for job in self.histories.jobs
        }
        count = sum(map(len, posted.values()))
        yield posted == owed, f"{count} statuses on GitHub: one for each state that a job came into, in that order"
        mails = [mail.subject for mail in self._service.cloud.mails()]
        owed_mails = [
            f"{self.histories.repository_of[job]}@{self._commit(job)[:8]} {span.state.replace('_', ' ')}"
            for job in self.histories.jobs
            for span in self.histories.spans(job)
            if span.state in MAILED
        ]
        yield sorted(mails) == sorted(owed_mails), f"{len(mails)} mails: one for each end that was nobody's wish"

    def _commit(self, job: str) -> str:
        return str(self.histories.jobs[job][0].payload["commit"])

    def _whole(self) -> Iterator[tuple[bool, str]]:
        ends = Counter(events[-1].target for events in self.histories.jobs.values())
        told = ", ".join(f"{count} {state}" for state, count in ends.most_common())
        running = [job for job in self.histories.jobs for a in range(1, 6) if self._service.worker(job, a)]
        operations = self._service.flow.operations
        lanes = [view for view in operations.lanes() if view.running or view.waiting]
        yield (
            not {"pending", "active"} & {*ends} and not running and not lanes and not any(operations.parked()),
            f"everything ended: {told}; no worker, nobody in a lane, nothing put aside",
        )
        verified = operations.verify()
        yield (
            not verified.findings and not verified.unknown,
            f"`workflow verify` finds nothing wrong with {verified.entities} entities, {verified.events} events, "
            f"{verified.effects} effects",
        )


def _rank(event: Event) -> str:
    assert event.place is not None, f"{event} is no waiting"
    return event.place.rank


def expected_statuses(spans: list[Span]) -> list[tuple[str, str]]:
    """What GitHub is to have been told of a job that went through these states."""
    return [(STATUSES[span.state][0], f"Attempt {span.attempt} {STATUSES[span.state][1]}") for span in spans]


def table_of_jobs(service: Service, histories: Histories) -> Iterator[str]:
    """A line for each job: how it ended, what GitHub and whoever asked for it were told."""
    yield f"{'job':<12} {'branch':<16} {'commit':<8} {'prio':>4}  {'ended':<9} {'attempts':>8}  statuses on GitHub"
    for job in histories.jobs:
        entity = service.job(job)
        data = entity.data
        statuses = ", ".join(
            state for state, _ in service.github.statuses(str(data["repository"]), str(data["commit"]))
        )
        yield (
            f"{job:<12} {data['branch']:<16} {str(data['commit'])[:8]:<8} {data['priority']:>4}  "
            f"{entity.state:<9} {data['attempt']:>8}  {statuses}"
        )


def mails_told(mails: list[Mail]) -> Iterator[str]:
    """A line for each address: what its mails were about."""
    by_recipient: Mapping[str, list[str]] = {
        address: [mail.subject for mail in mails if address in mail.recipients]
        for address in sorted({address for mail in mails for address in mail.recipients})
    }
    for address, subjects in by_recipient.items():
        for subject in subjects:
            yield f"mail to {address:<16}  {subject}"
