"""The chapters: twelve pushes to three repositories, and everything that goes wrong with some of them."""

from __future__ import annotations

import queue
import textwrap
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from demo.ci.github import Reply, delivery_id, push_body
from demo.ci.service import Pushed, Service
from demo.ci.sources import QUICK, Script
from demo.facts import read_table
from demo.story import WIDTH, Story
from handlers.builds.processes import find_process
from workflow.local.feed import Feed
from workflow.local.pump import Delivery

TIME_OUT = "15s"
ENDED = ("passed", "failed", "timed_out", "cancelled")
SHOP, API, DOCS = "acme/shop", "acme/api", "acme/docs"
EVE, ADA, BOB = ({login: f"{login}@example.com"} for login in ("eve", "ada", "bob"))
REPOSITORIES: Mapping[str, Mapping[str, Any]] = {
    SHOP: {"users": EVE | ADA, "priorities": {"main": 10, "release": 20}},
    API: {"users": EVE | BOB},
    DOCS: {"users": EVE},
}
SLOW = 0.4
AT_ONCE = 3
"""Each request at once is a process of the function, here as on AWS, and this is to run on a small machine."""


class Moves:
    """What the stream brings of jobs, as `workflow dev` tells it, until somebody shows it."""

    def __init__(self) -> None:
        self._feed = Feed()
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def note(self, delivery: Delivery) -> None:
        """Takes one delivery; from any thread."""
        for line in self._feed.lines_of(delivery):
            if line.startswith("job "):
                self._lines.put(line)

    def show(self) -> None:
        """Prints what came since the last time."""
        while not self._lines.empty():
            print(f"     | {self._lines.get()}")


class CiStory(Story):
    """Pushes, waits and shows how jobs move meanwhile."""

    def __init__(self, service: Service, moves: Moves) -> None:
        super().__init__(service.cloud)
        self.service, self._moves = service, moves
        self.pushes: dict[str, Pushed] = {}
        """The pushes that were taken, by the job that each became."""
        self.refused = 0

    def push(self, repository: str, branch: str, script: Script = QUICK, *, sender: str = "eve") -> str:
        """Delivers a push, tells the answer, and returns the job that it becomes."""
        pushed = self.service.push(repository, branch, script, sender=sender)
        return self._take(pushed)

    def push_often(self, repository: str, branch: str, script: Script) -> str:
        """Delivers one push several times at once, as nobody can rule out, and returns the job that it becomes."""
        commit, delivery = self.service.sources.commit(repository, script), delivery_id()

        def redeliver(_: int) -> Pushed:
            return self.service.redeliver(repository, branch, commit, delivery=delivery)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            pushes = list(pool.map(redeliver, range(AT_ONCE)))
        same = {str(pushed.reply) for pushed in pushes}
        print(f"   X-GitHub-Delivery {delivery}, {AT_ONCE} times at once: {len(same)} answer, each time")
        self.answers["repeated"] += AT_ONCE - 1
        self.surprises += len(same) - 1
        return self._take(pushes[0])

    def _take(self, pushed: Pushed) -> str:
        reply, accepted = pushed.reply, pushed.reply.status == 200
        words = f"job {pushed.job}" if accepted else str(reply.content)
        print(f"   push to {pushed.repository:<10} {pushed.branch:<16} {pushed.commit[:8]}  {reply.status}  {words}")
        self.answers["accepted" if accepted else "refused"] += 1
        self.surprises += not accepted
        assert accepted, f"{pushed} was to be taken"
        self.pushes[pushed.job] = pushed
        self._moves.show()
        return pushed.job

    def refuse(self, expected: Mapping[str, tuple[int, Callable[[], Reply]]]) -> None:
        """Makes requests that are no push to be built, several at once, and tells their answers."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            replies = list(pool.map(lambda asked: asked[1](), expected.values()))
        for (what, (status, _)), reply in zip(expected.items(), replies, strict=True):
            line = f"   {reply.status}  {what:<40}  {reply.content.get('error', '')}".rstrip()
            print(textwrap.fill(line, WIDTH, subsequent_indent=" " * 50))
            self.refused += 1
            self.surprises += reply.status != status

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Waits until it holds and every hook has run, and shows how jobs move meanwhile."""
        self.service.until(holds, what, self._moves.show)
        self.service.settle()
        self._moves.show()
        print(f"   ... {what}")

    def until_in(self, state: str, *jobs: str) -> None:
        """Waits until all of the jobs are in that state."""
        what = f"{', '.join(jobs)}: {state.replace('_', ' ')}"
        self.until(lambda: all(self.service.is_in(job, state) for job in jobs), what)


def three_repositories(story: CiStory) -> None:
    story.chapter(
        "Three repositories",
        "Each is an entity: where to clone it from, who may have it built, which branches are urgent.",
    )
    for name, known in REPOSITORIES.items():
        story.create("repository", name, story.service.register(name, **known), by="admin")
        urgent = ", ".join(f"{branch} {priority}" for branch, priority in known.get("priorities", {}).items())
        print(f"      users: {', '.join(known['users'])}; priorities: {urgent or 'none'}")
    story.wait()


def what_is_no_push(story: CiStory) -> None:
    story.chapter("What is no push of somebody known", "The right status, one clear line, and nothing is written.")
    service = story.service
    table = service.cloud.stack.table_name
    before = read_table(service.cloud, table)
    commit = "1" * 40
    fine = push_body(SHOP, "main", commit, "eve")
    story.refuse(
        {
            "signed with another secret": (401, lambda: service.deliver(fine, secret=b"not the secret")),
            "not signed": (401, lambda: service.deliver(fine, headers={"X-Hub-Signature-256": ""})),
            "of an unknown repository": (404, lambda: service.deliver(push_body("acme/x", "main", commit, "eve"))),
            "by an unknown sender": (403, lambda: service.deliver(push_body(SHOP, "main", commit, "mallory"))),
            "of a type that is not declared": (204, lambda: service.deliver({"action": "opened"}, told="issues")),
            "of a branch that was deleted": (204, lambda: service.deliver(fine | {"deleted": True})),
            "cut off": (400, lambda: service.deliver(b'{"ref": "refs/heads/ma')),
            "without a commit": (422, lambda: service.deliver({k: v for k, v in fine.items() if k != "after"})),
        }
    )
    after = read_table(service.cloud, table)
    story.surprises += before != after
    same = "the same" if before == after else "NOT the same"
    print(f"\n   {len(before)} items in the table before, {len(after)} after: {same}")


def twelve_pushes(story: CiStory) -> None:
    story.chapter(
        f"Nine of twelve pushes, the first one {AT_ONCE} times",
        "One job each. A repository builds one at a time; the first builds wait for this story to let them go on.",
    )
    shop = story.push_often(SHOP, "main", Script(gate="shop", seconds=SLOW))
    api = story.push(API, "main", Script(gate="api", seconds=SLOW), sender="bob")
    docs = story.push(DOCS, "main", Script(gate="docs", seconds=SLOW, exit_code=3))
    story.until(lambda: all(story.service.is_built(job) for job in (shop, api, docs)), "three builds run")
    story.push(SHOP, "feature/cart", sender="ada")
    cart = story.push(SHOP, "feature/cart", Script(seconds=SLOW), sender="ada")
    print("      it supersedes the push before it, to the same branch")
    story.push(SHOP, "release", Script(seconds=SLOW))
    story.push(API, "feature/login", Script(seconds=SLOW), sender="bob")
    story.push(API, "feature/search", Script(seconds=SLOW))
    story.push(DOCS, "typo", Script(seconds=SLOW))
    story.until(lambda: len(list(story.flow.list("job"))) == 9 and story.service.is_in(cart, "pending"), "all wait")
    print()
    story.command("lanes")
    story.command(f"explain job {cart}")


def a_worker_dies(story: CiStory) -> None:
    story.chapter(
        "A worker dies",
        f"SIGKILL, in the middle of a build. Nobody reports it; a timer of {TIME_OUT} runs since it began.",
    )
    (api,) = (job for job, pushed in story.pushes.items() if (pushed.repository, pushed.branch) == (API, "main"))
    pid = story.service.kill_worker(api)
    story.surprises += not pid
    print(f"   kill -9 {pid}: {api} has no worker any more, and holds its repository's slot")
    story.service.sources.open_gate("api")


def builds_end(story: CiStory) -> None:
    story.chapter(
        "Builds end, and who is most urgent goes next",
        "Of the shop's two that wait, release goes first, though it came last. The documentation's build fails.",
    )
    for gate in ("shop", "docs"):
        story.service.sources.open_gate(gate)
    own = [job for job, pushed in story.pushes.items() if pushed.repository in (SHOP, DOCS)]
    story.until(lambda: all(story.service.is_in(job, *ENDED) for job in own), "shop and docs have nothing left to do")


def a_person_cancels(story: CiStory) -> None:
    story.chapter(
        "A person cancels a build that runs, and asks for it again",
        "Its worker is stopped, its slot is the next one's at once. Asked for again, it waits for its turn.",
    )
    job = story.push(SHOP, "main", Script(gate="wrong", seconds=SLOW), sender="ada")
    following = story.push(SHOP, "feature/wishlist", Script(seconds=SLOW))
    story.push(DOCS, "glossary", Script(seconds=SLOW))
    story.until(lambda: story.service.is_built(job), f"{job} is built")
    pid = story.service.worker(job)
    story.fire("job", job, "cancel", {"reason": "the wrong database"}, by="ada")
    story.until(lambda: story.service.is_in(following, "active", "passed"), f"{following} has its slot")
    gone = find_process(pid) is None
    story.surprises += not pid or not gone
    print(f"   process {pid}, its worker: {'gone' if gone else 'STILL THERE'}")
    story.fire("job", job, "retry", by="ada")
    story.until_in("passed", job, following)


def the_dead_worker(story: CiStory) -> None:
    story.chapter(
        "The job whose worker died",
        "The durable timer ends it: the slot is given back, bob gets a mail, others go on. Then he asks for it again.",
    )
    (api,) = (job for job, pushed in story.pushes.items() if (pushed.repository, pushed.branch) == (API, "main"))
    story.until_in("timed_out", api)
    story.fire("job", api, "retry", by="bob")
    story.until_in("passed", *(job for job, pushed in story.pushes.items() if pushed.repository == API))
    story.until(
        lambda: (
            all(story.service.is_in(job, *ENDED) for job in story.pushes) and not any(story.flow.operations.parked())
        ),
        "everything has ended",
    )
    print()
    story.command("lanes")
    story.command(f"history job {api}")


CHAPTERS = (
    three_repositories,
    what_is_no_push,
    twelve_pushes,
    a_worker_dies,
    builds_end,
    a_person_cancels,
    the_dead_worker,
)
