"""Git as the daemon calls it: real gits, some of which do not come back by themselves."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrd.model import limits
from orchestrd.model.errors import NotFoundError, RefusedError, TransientError
from orchestrd.workspaces import git as module
from orchestrd.workspaces.git import Answer, Git
from tests.workspaces.repositories import ENVIRONMENT, a_repository, git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return a_repository(tmp_path / "shop")


def pretending(tmp_path: Path, script: str) -> Git:
    """Give a Git that finds this script where git ought to be."""
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Git(ENVIRONMENT | {"PATH": f"{program.parent}:{os.environ['PATH']}", "PLACE": str(tmp_path)})


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what another process does has no event
            await asyncio.sleep(0.005)


async def until_there(path: Path) -> str:
    await until(lambda: path.exists() and path.read_text().endswith("\n"))
    return path.read_text().strip()


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return False
    return state != "Z"


async def test_what_git_says_comes_back_as_it_was_said(repository: Path) -> None:
    (repository / "naïve name").write_text("x")

    answer = await Git(ENVIRONMENT).ask(str(repository), "ls-files", "-z", "--others")

    assert (answer.code, answer.fields, answer.err) == (0, ["naïve name"], "")


async def test_what_is_given_reaches_git_whole_while_it_answers(repository: Path) -> None:
    names = [f"file-{number:06}" for number in range(50_000)]
    (repository / ".gitignore").write_text("file-*\n")

    answer = await Git(ENVIRONMENT).must(
        str(repository), "check-ignore", "-z", "--stdin", given="".join(f"{name}\0" for name in names).encode()
    )

    assert answer.fields == names


async def test_a_git_that_reads_nothing_of_what_it_is_given_is_no_trouble(tmp_path: Path) -> None:
    answer = await pretending(tmp_path, "exec echo enough").ask("/", "x", given=b"y" * 1_000_000)

    assert (answer.code, answer.text) == (0, "enough")


async def test_a_failure_is_told_in_gits_own_words(repository: Path) -> None:
    with pytest.raises(RefusedError) as refused:
        await Git(ENVIRONMENT).must(str(repository), "rev-parse", "--verify", "nowhere")

    assert refused.value.code == "git_failed"
    assert "Needed a single revision" in refused.value.message
    assert (await Git(ENVIRONMENT).ask(str(repository), "rev-parse", "--verify", "nowhere")).code == 128


async def test_no_hook_and_no_monitor_of_the_repository_runs(repository: Path, tmp_path: Path) -> None:
    for name in ("post-checkout", "pre-commit", "post-commit", "reference-transaction", "monitor"):
        hook = repository / ".git/hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran-{name}\n")
        hook.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(repository / ".git/hooks/monitor"))
    calls = Git(ENVIRONMENT)

    await calls.must(str(repository), "commit", "-q", "--allow-empty", "-m", "x")
    await calls.must(str(repository), "checkout", "-q", "-b", "other")
    await calls.must(str(repository), "status")

    assert list(tmp_path.glob("ran-*")) == []


async def test_the_repository_is_the_directorys_own_whatever_the_environment_says(
    repository: Path, tmp_path: Path
) -> None:
    other = a_repository(tmp_path / "other")
    inside_a_hook = Git(ENVIRONMENT | {"GIT_DIR": str(other / ".git"), "GIT_INDEX_FILE": str(other / "index")})

    answer = await inside_a_hook.must(str(repository), "rev-parse", "--show-toplevel")

    assert answer.text == str(repository)


async def test_without_git_it_is_said_that_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no git"):
        await Git({"PATH": str(tmp_path)}).ask("/", "version")


async def test_a_git_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    calls = pretending(tmp_path, "sleep 600 & echo $! > $PLACE/child; echo $$ > $PLACE/pid; wait")

    with pytest.raises(TransientError) as late:
        await calls.ask("/", "fetch", limit_s=0.5)

    assert (late.value.code, "git fetch" in late.value.message) == ("git_late", True)
    assert not lives(int(await until_there(tmp_path / "pid")))
    assert not lives(int(await until_there(tmp_path / "child")))


async def test_a_git_that_nobody_waits_for_any_more_may_put_its_things_in_order(tmp_path: Path) -> None:
    script = "trap 'echo tidy > $PLACE/tidied; exit 1' TERM; echo $$ > $PLACE/pid; while :; do sleep 0.05; done"
    calls = pretending(tmp_path, script)

    async with asyncio.TaskGroup() as group:
        call = group.create_task(calls.ask("/", "x"), name="call")
        pid = int(await until_there(tmp_path / "pid"))
        call.cancel()

    assert not lives(pid)
    assert (tmp_path / "tidied").read_text() == "tidy\n"


async def test_a_git_that_will_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GIT_END_S", 0.1)
    calls = pretending(tmp_path, "trap '' TERM; echo $$ > $PLACE/pid; while :; do sleep 0.05; done")

    with pytest.raises(TransientError):
        await calls.ask("/", "x", limit_s=0.3)

    assert not lives(int(await until_there(tmp_path / "pid")))


async def test_a_git_ended_by_a_signal_is_told_by_its_code(tmp_path: Path) -> None:
    answer = await pretending(tmp_path, "kill -9 $$").ask("/", "x")

    assert answer.code == -signal.SIGKILL


async def test_more_than_can_be_taken_in_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GIT_OUTPUT_BYTES_MAX", 100_000)

    with pytest.raises(RefusedError) as refused:
        await pretending(tmp_path, "head -c 3000000 /dev/zero").ask("/", "x")

    assert refused.value.code == "git_output"


async def test_no_more_than_so_many_run_at_once(tmp_path: Path) -> None:
    calls = pretending(tmp_path, "echo x >> $PLACE/begun; while [ ! -e $PLACE/go ]; do sleep 0.02; done")
    begun = tmp_path / "begun"

    async with asyncio.TaskGroup() as group:
        for number in range(limits.GIT_AT_ONCE_MAX + 3):
            group.create_task(calls.ask("/", "x"), name=f"call {number}")
        await until(lambda: begun.exists() and len(begun.read_text().split()) >= limits.GIT_AT_ONCE_MAX)
        at_once = len(begun.read_text().split())
        (tmp_path / "go").touch()

    assert (at_once, len(begun.read_text().split())) == (limits.GIT_AT_ONCE_MAX, limits.GIT_AT_ONCE_MAX + 3)


async def test_a_lock_of_another_program_is_waited_for(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = repository / ".git/index.lock"
    lock.touch()
    calls, asked = Git(ENVIRONMENT), 0
    ask = calls.ask

    async def counted(*words: str, **settings: Any) -> Answer:
        nonlocal asked
        asked += 1
        if asked == 3:
            await asyncio.to_thread(lock.unlink)
        return await ask(*words, **settings)

    monkeypatch.setattr(calls, "ask", counted)
    monkeypatch.setattr(module, "GIT_LOCK_LOOK_S", 0.01)
    await calls.must(str(repository), "add", "-A")

    assert asked == 3


async def test_a_lock_that_stays_is_named(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GIT_LOCK_LOOKS", 2)
    monkeypatch.setattr(module, "GIT_LOCK_LOOK_S", 0.01)
    (repository / ".git/index.lock").touch()

    with pytest.raises(TransientError, match=r"another program holds .* locked: .*index\.lock': File exists"):
        await Git(ENVIRONMENT).must(str(repository), "add", "-A")


async def test_one_repository_is_changed_by_one_at_a_time_and_forgotten_after() -> None:
    calls = Git(ENVIRONMENT)

    async with calls.alone("/a"):
        assert calls.alone("/a").locked()
        assert not calls.alone("/b").locked()
    assert dict(calls._locks) == {}
