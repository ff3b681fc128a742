"""Commit statuses: one for each effect, whatever happens on the way to GitHub."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from handlers import parameters
from handlers.github import Status, StatusNotPostedError, StatusRefusedError, post_status
from tests.unit.handlers.servers import Answered, FakeGitHub, serve

COMMIT = "5f3c9a1e7b20" + "0" * 28
AT = f"acme/shop@{COMMIT}"
PASSED = Status("success", "Attempt 1 passed", "https://ci.example.com/7/1")
KEY = "job#acme/shop-2#3#post_status"


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    double = FakeGitHub()
    with serve(double.answer) as url:
        monkeypatch.setenv("GITHUB_API_URL", f"{url}/")
        monkeypatch.setenv("GITHUB_TOKEN", "ghp_secret")
        yield double


def test_a_status_says_how_the_commit_stands_with_a_link_and_the_mark_of_its_effect(github: FakeGitHub) -> None:
    post_status("acme/shop", COMMIT, PASSED, key=KEY)
    assert github.statuses == {
        AT: [
            {
                "state": "success",
                "context": "workflow",
                "description": "Attempt 1 passed [5e7cfa1993f8]",
                "target_url": "https://ci.example.com/7/1",
            }
        ]
    }
    assert [(asked.method, asked.headers["authorization"]) for asked in github.asked] == [
        ("GET", "Bearer ghp_secret"),
        ("POST", "Bearer ghp_secret"),
    ]


def test_a_token_from_a_file_comes_without_the_end_of_its_line(
    github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_secret\n")
    post_status("acme/shop", COMMIT, PASSED, key=KEY)
    assert github.asked[0].headers["authorization"] == "Bearer ghp_secret"


@pytest.mark.parametrize("token", ["ghp_\nsecret", "ghp_secret€"])
def test_what_is_no_token_is_refused_and_not_quoted(
    github: FakeGitHub, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", token)
    with pytest.raises(StatusRefusedError, match=r"^GITHUB_TOKEN is no token: .* no header takes$"):
        post_status("acme/shop", COMMIT, PASSED, key=KEY)
    assert github.asked == []


def test_an_effect_that_runs_again_posts_no_second_status(github: FakeGitHub) -> None:
    for _ in range(3):
        post_status("acme/shop", COMMIT, PASSED, key=KEY)
    post_status("acme/shop", COMMIT, PASSED, key="job#acme/shop-2#6#post_status")
    assert github.told(AT) == [("success", "Attempt 1 passed")] * 2


def test_a_status_whose_answer_was_lost_is_not_posted_again(github: FakeGitHub) -> None:
    github.first = [Answered(200, []), Answered(0)]
    with pytest.raises(StatusNotPostedError, match=r"POST .*: ProtocolError$"):
        post_status("acme/shop", COMMIT, PASSED, key=KEY)
    post_status("acme/shop", COMMIT, PASSED, key=KEY)
    assert github.told(AT) == [("success", "Attempt 1 passed")]


def test_a_status_is_found_among_hundreds(github: FakeGitHub) -> None:
    post_status("acme/shop", COMMIT, PASSED, key=KEY)
    github.statuses[AT][:0] = [{"description": str(number)} for number in range(250)]
    post_status("acme/shop", COMMIT, PASSED, key=KEY)
    assert len(github.statuses[AT]) == 251


def test_a_long_description_is_cut_and_its_mark_is_not(github: FakeGitHub) -> None:
    post_status("acme/shop", COMMIT, Status("error", "x" * 200), key=KEY)
    (posted,) = github.statuses[AT]
    assert (len(posted["description"]), posted["description"][-17:]) == (140, "xx [5e7cfa1993f8]")


def test_a_log_in_a_file_is_no_link(github: FakeGitHub) -> None:
    post_status("acme/shop", COMMIT, Status("failure", "no", "file:///tmp/log"), key=KEY)
    assert "target_url" not in github.statuses[AT][0]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answered(401, {"message": "Bad credentials"}), StatusRefusedError),
        (Answered(404, {"message": "Not Found"}), StatusRefusedError),
        (Answered(422, "no map"), StatusRefusedError),
        (Answered(301, {}, {"Location": "https://elsewhere.example.com/"}), StatusRefusedError),
        (Answered(403, {"message": "Resource not accessible"}), StatusRefusedError),
        (Answered(403, {"message": "API rate limit"}, {"X-RateLimit-Remaining": "0"}), StatusNotPostedError),
        (Answered(403, {"message": "secondary limit"}, {"Retry-After": "60"}), StatusNotPostedError),
        (Answered(408), StatusNotPostedError),
        (Answered(429), StatusNotPostedError),
        (Answered(502, "<html>"), StatusNotPostedError),
        (Answered(0), StatusNotPostedError),
    ],
)
def test_what_github_says_for_good_waits_for_a_person_and_all_else_is_tried_again(
    github: FakeGitHub, answer: Answered, error: type[Exception]
) -> None:
    github.first = [answer]
    with pytest.raises(error) as raised:
        post_status("acme/shop", COMMIT, PASSED, key=KEY)
    assert ("ghp_secret" in str(raised.value), github.statuses, len(github.asked)) == (False, {}, 1)


def test_an_error_says_what_github_said(github: FakeGitHub) -> None:
    github.first = [Answered(200, []), Answered(422, {"message": "No commit found for SHA"})]
    with pytest.raises(StatusRefusedError, match=rf"POST .*/repos/acme/shop/statuses/{COMMIT}: 422 No commit found"):
        post_status("acme/shop", COMMIT, PASSED, key=KEY)


@pytest.mark.parametrize(
    ("repository", "commit"),
    [
        ("acme", COMMIT),
        ("acme/..", COMMIT),
        ("../../user", COMMIT),
        ("acme/a?b", COMMIT),
        ("acme/shop", "HEAD"),
        ("", ""),
    ],
)
def test_what_is_no_repository_or_commit_never_gets_into_an_address(
    github: FakeGitHub, repository: str, commit: str
) -> None:
    with pytest.raises(StatusRefusedError, match=r"is no commit that GitHub can have$"):
        post_status(repository, commit, PASSED, key=KEY)
    assert github.asked == []


def test_without_an_address_of_github_nothing_is_posted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("GITHUB_API_URL", raising=False)
    with caplog.at_level(logging.DEBUG, "handlers.github"):
        post_status("acme/shop", COMMIT, PASSED, key=KEY)
    assert caplog.messages == [f"GITHUB_API_URL is not set: no status for {KEY}"]


def test_the_token_may_come_from_the_parameter_store(github: FakeGitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[dict[str, object]] = []

    class Parameters:
        def get_parameter(self, **request: object) -> dict[str, object]:
            read.append(request)
            return {"Parameter": {"Value": "from ssm"}}

    monkeypatch.delenv("GITHUB_TOKEN")
    monkeypatch.setenv("GITHUB_TOKEN_NAME", "/hooks/github-token")
    monkeypatch.setattr(parameters, "_kept", {})
    monkeypatch.setattr(parameters, "client", lambda service: Parameters())
    post_status("acme/shop", COMMIT, PASSED, key=KEY)
    assert {asked.headers["authorization"] for asked in github.asked} == {"Bearer from ssm"}
    assert read == [{"Name": "/hooks/github-token", "WithDecryption": True}]


def test_what_is_posted_is_json(github: FakeGitHub) -> None:
    post_status("acme/shop", COMMIT, Status("error", 'of "quotes"'), key=KEY)
    assert json.loads(github.asked[-1].body)["description"].startswith('of "quotes" [')
