"""Real builds: each runs once, reports once, and is gone when it is stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from handlers.builds.local import BuildNotStartedError, LocalBuilds
from handlers.builds.port import Build, BuildRefusedError
from handlers.builds.processes import Process, find_process
from handlers.builds.report import signed
from handlers.builds.slot import find_holder, take
from tests.unit.handlers.builds.conftest import SECRET, Reports, Repository
from tests.unit.handlers.servers import Answered


def eventually(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.02)


def is_over(builds: LocalBuilds, build: Build) -> bool:
    holder = find_holder(builds.folder(build.key))
    return holder is not None and not holder.is_alive()


def run(builds: LocalBuilds, build: Build) -> str:
    """Builds to the end, and gives the log."""
    builds.start(build)
    eventually(lambda: is_over(builds, build))
    return (builds.folder(build.key) / "log").read_text()


def told(reports: Reports) -> list[dict[str, object]]:
    return [json.loads(asked.body) for asked in reports.asked]


def test_a_build_that_passes_is_reported_with_a_signature(
    builds: LocalBuilds, repository: Repository, reports: Reports
) -> None:
    build = repository.build('echo "$CI $JOB $ATTEMPT $REPOSITORY $BRANCH"')
    log = run(builds, build)
    assert log.splitlines()[0] == "true acme/shop-2 1 acme/shop main"
    assert told(reports) == [
        {
            "type": "build.passed",
            "data": {
                "job": "acme/shop-2",
                "attempt": 1,
                "exit_code": 0,
                "log_url": (builds.folder(build.key) / "log").as_uri(),
            },
        }
    ]
    (asked,) = reports.asked
    expected = signed(asked.headers["webhook-id"], int(asked.headers["webhook-timestamp"]), asked.body, SECRET)
    assert {name: asked.headers[name] for name in expected} == expected
    assert asked.path == "/webhooks/runner"


@pytest.mark.parametrize(
    ("script", "exit_code", "said"),
    [
        ("echo no >&2; exit 3", 3, "no"),
        ("kill -9 $$", 137, ""),
        (None, 127, "the commit has no build.sh"),
    ],
)
def test_a_build_that_fails_is_reported_with_its_exit_code(
    builds: LocalBuilds, repository: Repository, reports: Reports, script: str | None, exit_code: int, said: str
) -> None:
    log = run(builds, repository.build(script))
    assert log.startswith(said)
    assert [(r["type"], r["data"]["exit_code"]) for r in told(reports)] == [("build.failed", exit_code)]  # type: ignore[index]


def test_a_script_that_cannot_be_run_fails(builds: LocalBuilds, repository: Repository, reports: Reports) -> None:
    repository.commit("true")
    (repository.folder / "build.sh").chmod(0o644)
    build = repository.build(None)
    assert run(builds, build).startswith("./build.sh cannot be run: Permission denied\n")
    assert told(reports)[0]["type"] == "build.failed"


def test_a_commit_that_is_not_there_fails_with_what_git_says(
    builds: LocalBuilds, repository: Repository, reports: Reports
) -> None:
    build = repository.build("true")._replace(commit="0" * 40)
    assert "fatal: " in run(builds, build)
    assert told(reports)[0]["type"] == "build.failed"


def test_the_commit_that_was_asked_for_is_built_and_not_the_newest(
    builds: LocalBuilds, repository: Repository, reports: Reports
) -> None:
    build = repository.build("echo first")
    repository.commit("echo second")
    assert run(builds, build).splitlines()[0] == "first"


def test_a_build_that_is_started_many_times_at_once_runs_once(
    builds: LocalBuilds, repository: Repository, reports: Reports, tmp_path: Path
) -> None:
    build = repository.build(f"echo run >> {tmp_path}/runs")
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: builds.start(build), range(6)))
    eventually(lambda: is_over(builds, build))
    builds.start(build)
    assert (tmp_path / "runs").read_text() == "run\n"
    assert len(reports.asked) == 1


def test_another_attempt_is_another_build(builds: LocalBuilds, repository: Repository, reports: Reports) -> None:
    build = repository.build('[ "$ATTEMPT" = 2 ]')
    run(builds, build)
    run(builds, build._replace(attempt=2))
    assert [report["type"] for report in told(reports)] == ["build.failed", "build.passed"]
    assert len({asked.headers["webhook-id"] for asked in reports.asked}) == 2


def test_a_build_that_is_stopped_takes_all_its_processes_with_it_and_says_nothing(
    builds: LocalBuilds, repository: Repository, reports: Reports, tmp_path: Path
) -> None:
    build = repository.build(f"sleep 300 & echo $! > {tmp_path}/child; echo $$ > {tmp_path}/script; wait")
    builds.start(build)
    eventually((tmp_path / "script").exists)
    eventually(lambda: (tmp_path / "script").read_text())
    pids = [int((tmp_path / name).read_text()) for name in ("child", "script")]
    assert [find_process(pid) is not None for pid in pids] == [True, True]
    builds.stop(build.key)
    eventually(lambda: [find_process(pid) for pid in pids] == [None, None])
    assert is_over(builds, build)
    assert reports.asked == []
    assert not (builds.folder(build.key) / "work").exists()
    builds.stop(build.key)
    builds.start(build)
    assert reports.asked == []


def test_a_build_that_is_stopped_before_it_is_started_never_runs(
    builds: LocalBuilds, repository: Repository, reports: Reports
) -> None:
    build = repository.build("true")
    builds.stop(build.key)
    builds.start(build)
    assert [path.name for path in builds.folder(build.key).iterdir()] == ["runner.json"]
    assert reports.asked == []


def test_stopping_ends_no_process_that_merely_has_the_number_of_the_runner(
    builds: LocalBuilds, repository: Repository
) -> None:
    build = repository.build("true")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        folder = builds.folder(build.key)
        folder.mkdir(parents=True)
        take(folder, Process(other.pid, "long ago"))
        builds.stop(build.key)
        assert other.poll() is None
        other.communicate(b"\n")


def test_a_build_that_takes_too_long_is_ended_and_reported(
    builds_folder: Path, runner_url: str, repository: Repository, reports: Reports
) -> None:
    builds = LocalBuilds(builds_folder, runner_url=runner_url, secret=lambda: SECRET, limit_seconds=1)
    assert run(builds, repository.build("sleep 300")).startswith("the build took too long\n")
    assert [report["data"]["exit_code"] for report in told(reports)] == [124]  # type: ignore[index]


def test_what_a_build_leaves_running_ends_with_it(builds: LocalBuilds, repository: Repository, tmp_path: Path) -> None:
    run(builds, repository.build(f"sleep 300 & echo $! > {tmp_path}/child"))
    assert find_process(int((tmp_path / "child").read_text())) is None


def test_a_report_is_repeated_under_the_same_id_until_it_is_taken(
    builds: LocalBuilds, repository: Repository, reports: Reports
) -> None:
    reports.first = [Answered(0), Answered(503), Answered(429), Answered(401)]
    log = run(builds, repository.build("true"))
    answers = [line.rpartition(": ")[2] for line in log.splitlines()]
    assert answers == ["no answer", "503", "429", "401", "200"]
    assert len({asked.headers["webhook-id"] for asked in reports.asked}) == 1
    assert len({asked.body for asked in reports.asked}) == 1


def test_a_report_that_is_refused_is_not_repeated(
    builds: LocalBuilds, repository: Repository, reports: Reports
) -> None:
    reports.first = [Answered(403, {"error": "attempt 1 was given up"})]
    run(builds, repository.build("true"))
    assert len(reports.asked) == 1


def test_a_build_sees_neither_the_secret_nor_the_credentials_of_the_hooks(
    builds: LocalBuilds, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("GITHUB_TOKEN", "hidden")
    build = repository.build("env | cut -d= -f1 | sort")
    names = set(run(builds, build).splitlines()[:-1])
    told_to_builds = {"ATTEMPT", "BRANCH", "CI", "COMMIT", "HOME", "JOB", "REPOSITORY"}
    assert names - {"LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"} == told_to_builds | {
        "PATH",
        "PWD",
    }
    everything = [path.read_text() for path in builds.folder(build.key).iterdir()]
    assert not any(SECRET.removeprefix("whsec_") in text for text in everything)


@pytest.mark.parametrize(
    "change",
    [
        {"commit": "--upload-pack=touch /tmp/x"},
        {"commit": "main"},
        {"commit": ""},
        {"clone_url": ""},
        {"clone_url": "--upload-pack=x"},
        {"clone_url": "ext::sh -c id"},
        {"clone_url": "http://github.com/acme/shop"},
        {"clone_url": "ssh://-oProxyCommand=id/x"},
        {"clone_url": "https://git hub.com/acme/shop"},
        {"clone_url": "https://[x/"},
        {"clone_url": "https:///shop"},
        {"clone_url": "/etc"},
    ],
)
def test_what_could_mean_more_to_git_than_an_address_and_a_commit_is_refused(
    builds: LocalBuilds, change: dict[str, str]
) -> None:
    build = Build("7", 1, "acme/shop", "main", "0" * 40, "https://github.com/acme/shop.git")._replace(**change)
    with pytest.raises(BuildRefusedError, match=r"^job 7"):
        builds.start(build)
    assert not builds.folder(build.key).exists()


@pytest.mark.parametrize("change", [{"branch": "a\0b"}, {"repository": "acme/shop\n"}, {"job": "acme/shop\x7f-2"}])
def test_what_no_process_can_be_told_is_refused_and_not_left_without_a_report(
    builds: LocalBuilds, change: dict[str, str]
) -> None:
    build = Build("acme/shop-2", 1, "acme/shop", "main", "0" * 40, "https://github.com/acme/shop.git")
    with pytest.raises(BuildRefusedError, match=f"its {next(iter(change))} has a control character"):
        builds.start(build._replace(**change))


def test_keys_that_are_alike_have_folders_of_their_own(builds: LocalBuilds) -> None:
    names = {builds.folder(key).name for key in ("a/b-1#1", "a-b-1#1", "a/b-1#11", "../b-1#1", "ä" * 900)}
    assert len(names) == 5
    assert all(len(name) <= 64 and name.replace("-", "").isalnum() and name.isascii() for name in names)


def test_a_runner_that_does_not_come_up_fails_the_effect_and_leaves_the_build_to_another_try(
    builds: LocalBuilds, repository: Repository, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = repository.build("true")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/bin/false")
        with pytest.raises(BuildNotStartedError, match=r"no runner came up \(exit code 1\)"):
            builds.start(build)
    run(builds, build)
    assert len(reports.asked) == 1


def test_a_build_outlives_the_process_that_started_it(
    builds: LocalBuilds, runner_url: str, repository: Repository, reports: Reports, tmp_path: Path
) -> None:
    build = repository.build(f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done")
    program = f"""
from pathlib import Path
from handlers.builds.local import LocalBuilds
from handlers.builds.port import Build
folder = Path({str(builds.folder(build.key).parent)!r})
builds = LocalBuilds(folder, runner_url={runner_url!r}, secret=lambda: {SECRET!r})
builds.start({build!r})
"""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[4])}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    assert not is_over(builds, build)
    (tmp_path / "go").touch()
    eventually(lambda: is_over(builds, build))
    assert [report["type"] for report in told(reports)] == ["build.passed"]
