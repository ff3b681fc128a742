"""Signing up: the mail server takes mails, turns them away, and forgets to say that it took one."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import handlers.user
from tests.simulation.stories.in_place import put_in_place
from workflow.definition.load import load_definitions
from workflow.runtime.hooks import Hooks
from workflow.testing.simulation import Scenario

_DEFINITION = Path(__file__).parents[3] / "definitions" / "user.yaml"


class _MailServer:
    """What it took, by the key that each mail carries."""

    def __init__(self) -> None:
        self.asked = 0
        self.mails: dict[str, list[tuple[str, str, str]]] = defaultdict(list)

    def forget(self) -> None:
        """Begins anew."""
        self.asked = 0
        self.mails.clear()

    def take(self, to: str, subject: str, text: str, *, key: str) -> None:
        """Stands for `send_mail`."""
        self.asked += 1
        if self.asked % 5 == 3:
            raise ConnectionError("it is down")
        self.mails[key].append((to, subject, text))
        if self.asked % 5 == 4:
            raise TimeoutError("nobody knows whether it took it")

    def check(self) -> None:
        """One mail for each time that one is owed; what was sent again is the same mail to whoever sorts by its key."""
        for key, mails in self.mails.items():
            assert len(set(mails)) == 1, f"{key}: two different mails have one key"
        first = [key for key in self.mails if key.endswith("#1#send_confirmation")]
        users = {key.removeprefix("user#").rsplit("#", 2)[0] for key in self.mails}
        assert len(first) == len(users), f"{len(users)} users, {len(first)} first confirmations"


def scenario() -> Scenario:
    """The shipped kind with its own hooks, and a mail server of its own."""
    server = _MailServer()

    def begin() -> None:
        put_in_place(handlers.user, send_mail=server.take)
        server.forget()

    return Scenario(load_definitions(_DEFINITION), Hooks([handlers.user]), before_each=begin, check=server.check)
