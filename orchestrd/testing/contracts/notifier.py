"""What every notifier promises, whatever it tells people by. One suite: a stage builds the far end of the channel."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Protocol

import pytest
from msgspec import Struct
from msgspec.structs import replace

from orchestrd.model.errors import OrchestrdError, TransientError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import NOTICES_TOGETHER_MAX
from orchestrd.model.notice import Notice, Priority
from orchestrd.ports import Notifier

STUCK = Notice(
    key="reaction.agent-stuck.1",
    priority=Priority.URGENT,
    title="fix-login is stuck",
    text="It works, and nothing has come of it for 15 minutes.",
    at=datetime(2026, 1, 1, 12, tzinfo=UTC),
    session=SessionId("aaaaaaaa"),
    url="https://example.org/pull/7",
)
READY = Notice(
    key="reaction.approved-and-green.2",
    priority=Priority.ACTION,
    title="fix-logout is ready",
    text="Approved, and green.",
    at=datetime(2026, 1, 1, 12, 1, tzinfo=UTC),
    session=SessionId("bbbbbbbb"),
)
LONG_S, OTHERS_S, LOOK_S = 30.0, 5.0, 0.01
HOSTILE = "--help; $(touch x) `id` \"q\" 'q' \\ %s &amp; <b>bold</b> \x1b[31mred\x1b[0m \x00 nul \u202e desrever"


class Arrived(Struct, frozen=True, kw_only=True):
    """What has come out at the far end, once. `identity` is null where the channel has no place for one."""

    text: str  # all of it, title included
    identity: str | None = None


class Stage(Protocol):
    """The far end of a channel."""

    notifier: Notifier
    secret: str | None  # stands in what the channel is set to, and nowhere else

    def arrived(self) -> Sequence[Arrived]:
        """Give what has come, the oldest first."""
        ...

    def break_down(self) -> None:
        """Let it fail from now on, in a way that may be mended."""
        ...

    def mend(self) -> None:
        """Let it work again."""
        ...

    def hang(self) -> None:
        """Let it take what comes, and never answer."""
        ...


class NotifierContract:
    """Mixed into a test class whose fixture `stage` builds the far end."""

    async def test_it_goes_by_the_users_own_name_and_by_its_kind(self, stage: Stage) -> None:
        assert stage.notifier.name == "phone"
        assert stage.notifier.kind

    async def test_a_notice_arrives_once_with_its_title_and_its_text(self, stage: Stage) -> None:
        await stage.notifier.tell([STUCK])

        (arrived,) = stage.arrived()
        assert STUCK.title in arrived.text
        assert STUCK.text in arrived.text

    async def test_several_arrive_together_each_with_its_title(self, stage: Stage) -> None:
        await stage.notifier.tell([STUCK, READY])

        (arrived,) = stage.arrived()
        assert STUCK.title in arrived.text
        assert READY.title in arrived.text

    async def test_as_many_as_may_be_told_together_are_taken_however_long(self, stage: Stage) -> None:
        many = [
            replace(STUCK, key=f"k{number}", title=f"{number} {'t' * 290}", text="ä" * 4_000)
            for number in range(NOTICES_TOGETHER_MAX)
        ]

        await stage.notifier.tell(many)

        (arrived,) = stage.arrived()
        assert "0 ttt" in arrived.text

    async def test_what_is_told_again_can_be_told_by_its_identity_and_nothing_else_has_that(self, stage: Stage) -> None:
        elsewhere = replace(STUCK, session=SessionId("bbbbbbbb"))

        for notice in (STUCK, STUCK, elsewhere, READY):
            await stage.notifier.tell([notice])

        first, again, *others = [arrived.identity for arrived in stage.arrived()]
        assert first == again
        assert first is None or first not in others

    async def test_text_from_outside_is_shown_and_does_nothing(self, stage: Stage) -> None:
        await stage.notifier.tell([replace(STUCK, title=HOSTILE, text=HOSTILE)])

        (arrived,) = stage.arrived()
        assert "$(touch x)" in arrived.text
        assert not {"\x1b", "\0", "\u202e"} & set(arrived.text)

    async def test_a_title_and_a_text_may_be_empty(self, stage: Stage) -> None:
        await stage.notifier.tell([replace(STUCK, title="", text="")])

        assert len(stage.arrived()) == 1

    async def test_a_channel_that_does_not_work_may_be_tried_again_and_works_once_it_is_mended(
        self, stage: Stage
    ) -> None:
        stage.break_down()
        with pytest.raises(TransientError):
            await stage.notifier.tell([STUCK])
        broken = len(stage.arrived())
        stage.mend()

        await stage.notifier.tell([STUCK])

        assert len(stage.arrived()) - broken == 1

    async def test_what_goes_wrong_names_the_channel_and_no_secret(self, stage: Stage) -> None:
        stage.break_down()

        with pytest.raises(OrchestrdError) as caught:
            await stage.notifier.tell([STUCK])

        told = f"{caught.value.message} {caught.value.hint} {caught.value.__cause__}"
        assert "phone" in told
        assert stage.secret is None or stage.secret not in told

    async def test_it_can_be_called_off_and_used_again(self, stage: Stage) -> None:
        stage.hang()
        async with asyncio.timeout(LONG_S), asyncio.TaskGroup() as group:
            telling = group.create_task(stage.notifier.tell([STUCK]))
            while not stage.arrived():  # noqa: ASYNC110 - the far end tells nobody of it
                await asyncio.sleep(LOOK_S)
            telling.cancel()
        hanging = len(stage.arrived())
        stage.mend()

        await stage.notifier.tell([READY])

        assert len(stage.arrived()) - hanging == 1
        assert READY.title in stage.arrived()[-1].text

    async def test_one_that_hangs_holds_no_thread_that_others_need(self, stage: Stage) -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(max_workers=1))
        stage.hang()

        async with asyncio.timeout(LONG_S), asyncio.TaskGroup() as group:
            telling = group.create_task(stage.notifier.tell([STUCK]))
            while not stage.arrived():  # noqa: ASYNC110 - the far end tells nobody of it
                await asyncio.sleep(LOOK_S)
            async with asyncio.timeout(OTHERS_S):
                await asyncio.to_thread(str)
            telling.cancel()
        stage.mend()

    async def test_closing_it_twice_is_harmless(self, stage: Stage) -> None:
        await stage.notifier.tell([STUCK])

        await stage.notifier.close()
        await stage.notifier.close()
