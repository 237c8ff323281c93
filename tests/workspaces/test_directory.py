import asyncio
import os
from pathlib import Path

import pytest

from orchestrd.model.errors import NotFoundError, OrchestrdError, RefusedError, TransientError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import WORKSPACE_LOOK_S
from orchestrd.model.session import Spec, Workspace
from orchestrd.workspaces.directory import DirectoryKeeper

SESSION = SessionId("aaaaaaaa")


def spec_in(path: Path | str) -> Spec:
    return Spec(
        name="tests",
        project=str(path),
        agent="shell",
        runtime="process",
        argv=("true",),
        workspace=Workspace(kind="none", path=str(path)),
        nonce="x",
    )


async def refusal_of(path: Path | str) -> OrchestrdError:
    with pytest.raises(OrchestrdError) as caught:
        await DirectoryKeeper().prepare(SESSION, spec_in(path))
    return caught.value


async def test_a_directory_that_is_there_is_ready_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")

    await DirectoryKeeper().prepare(SESSION, spec_in(tmp_path))

    assert [path.name for path in tmp_path.iterdir()] == ["file"]


async def test_a_missing_directory_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    refusal = await refusal_of(tmp_path / "no where")

    assert isinstance(refusal, NotFoundError)
    assert refusal.message == f"the directory {tmp_path}/no where does not exist"
    assert refusal.hint == f"mkdir -p '{tmp_path}/no where'"


async def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    refusal = await refusal_of(tmp_path / "file")

    assert isinstance(refusal, RefusedError)
    assert "is not a directory" in refusal.message
    assert "orch spawn" in refusal.hint


async def test_what_lies_behind_a_file_cannot_be_reached(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    refusal = await refusal_of(tmp_path / "file" / "deeper")

    assert "cannot be reached: Not a directory" in refusal.message


async def test_a_directory_that_may_not_be_entered_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # to root every directory is open

    refusal = await refusal_of(tmp_path)

    assert "may not be entered" in refusal.message


async def test_a_directory_that_does_not_answer_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio, "to_thread", never)
    begun = asyncio.get_running_loop().time()

    refusal = await refusal_of(tmp_path)

    assert isinstance(refusal, TransientError)
    assert asyncio.get_running_loop().time() - begun == pytest.approx(WORKSPACE_LOOK_S)
