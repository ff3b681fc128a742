"""`make demo STORY=signup`: who signs up has an answer at once, whatever the mail server does; the mail goes once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from demo.signup.mail_server import MailServer, mail_server
from demo.story import Story
from demo.telling import tell_story
from handlers.user import CONFIRM_URL, sign_up, user_id

CONFIRMATION = "Please confirm your address"
DOWN = [f"down{number}@example.com" for number in range(1, 6)]
FLAKY = [f"flaky{number}@example.com" for number in range(1, 6)]
SLOW = [f"slow{number}@example.com" for number in range(1, 6)]
SLOW_SECONDS = 4.0
ANSWER_SECONDS = 3.0
"""What nobody should have to wait longer for, on a machine that does much else."""


class SignUps:
    """The chapters, and what is measured in them."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._answers: list[float] = []

    def the_server_is_down(self, story: Story) -> None:
        """Everybody has an answer, and the mails come later."""
        story.chapter("Nobody takes mails", "The mail server is down. Five people sign up, and have their answers.")
        self._server.stop()
        self._sign_up(story, DOWN)
        story.wait()
        story.command("parked", most=4)
        self._server.start()
        print("   The mail server is up again:")
        story.wait_for_the_sweeper()

    def the_server_is_flaky(self, story: Story) -> None:
        """Some are turned away, some are taken without a word."""
        story.chapter("It works now and then", "Two mails are turned away, two are taken and the answer is lost.")
        self._server.later, self._server.cuts = 2, 2
        self._sign_up(story, FLAKY)
        story.wait()
        story.wait_for_the_sweeper()

    def the_server_is_slow(self, story: Story) -> None:
        """The mail takes its time; nobody waits for it."""
        story.chapter("It is slow", f"Each mail takes {SLOW_SECONDS:.0f} s. Nobody waits for them but the Lambda.")
        self._server.slow_seconds = SLOW_SECONDS
        self._sign_up(story, SLOW)
        story.wait()
        self._server.slow_seconds = 0

    def links_are_clicked(self, story: Story) -> None:
        """The code of the mail confirms, another one does not."""
        story.chapter("The link", "It holds a code that nobody else has; it stands in no log and in no error.")
        user = user_id(DOWN[0])
        story.fire("user", user, "confirm", {"code": "a guess"}, by="link", expected="refused")
        for email in DOWN:
            story.fire("user", user_id(email), "confirm", {"code": self._code(email)}, by="link")
        story.wait()
        story.command(f"history user {user}")

    def the_same_again(self, story: Story) -> None:
        """Signing up twice is signing up once."""
        story.chapter("Twice", "Somebody signs up again: the same answer, no second user, no second mail.")
        self._sign_up(story, [DOWN[0].upper()])
        story.wait()

    def facts(self, story: Story) -> Iterator[tuple[bool, str]]:
        """What was counted."""
        users, everybody = list(story.flow.list("user")), [*DOWN, *FLAKY, *SLOW]
        yield (
            len(users) == len(everybody) and not story.surprises,
            f"{len(self._answers)} sign-ups, {len(users)} users, {len(DOWN)} of them confirmed",
        )
        longest = max(self._answers)
        yield (
            longest < ANSWER_SECONDS,
            f"the longest answer took {longest * 1000:.0f} ms, beside a mail server that was down, flaky and slow",
        )
        letters = {email: [one for one in self._server.to(email) if one.subject == CONFIRMATION] for email in everybody}
        distinct = {email: {one.message_id for one in found} for email, found in letters.items()}
        again = sum(map(len, letters.values())) - len(everybody)
        yield (
            all(len(found) == 1 for found in distinct.values()),
            f"{len(everybody)} users got one confirmation each; the server took {again} a second time, whose answer "
            f"was lost, with the Message-ID of the first",
        )
        welcomed = [len({one.message_id for one in self._server.to(email)}) - 1 for email in DOWN]
        yield welcomed == [1] * len(DOWN), f"{sum(welcomed)} users were welcomed, once each"
        outcomes = [
            o for user in users for entry in story.flow.effects("user", user.id) for o in entry.outcomes.values()
        ]
        yield (
            all(outcome.status == "done" for outcome in outcomes),
            f"{len(outcomes)} effects owed, {len(outcomes)} committed, in {sum(o.attempts for o in outcomes)} attempts",
        )

    def _sign_up(self, story: Story, emails: list[str]) -> None:
        for email in emails:
            began = time.perf_counter()
            user = sign_up(story.flow, email, email.partition("@")[0].title())
            self._answers.append(time.perf_counter() - began)
            print(f"   {email} is user {user}   ({self._answers[-1] * 1000:.0f} ms)")

    def _code(self, email: str) -> str:
        text = self._server.to(email)[0].text
        link = next(line for line in text.splitlines() if line.startswith(CONFIRM_URL))
        return parse_qs(urlsplit(link).query)["code"][0]


def tell() -> bool:
    """The whole story; whether every fact at its end holds."""
    with mail_server() as server:
        told = SignUps(server)
        return tell_story(
            "Signing up, on a cloud of its own, with a mail server on this machine that fails.",
            [
                told.the_server_is_down,
                told.the_server_is_flaky,
                told.the_server_is_slow,
                told.links_are_clicked,
                told.the_same_again,
            ],
            told.facts,
            counted_in="the table, and on the mail server",
            given={"SmtpUrl": server.url},
        )
