"""The settings of a daemon: flags over files, and a reload that is taken or refused, one at a time."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrd.model.errors import UsageError
from orchestrd.model.settings import Configuration, DaemonSettings
from orchestrd.reloading import Flags, Reloading, read_configuration, settings_of
from tests.supervisors import Told

WRONG = UsageError("wrong")


def _user_file(place: Path, text: str) -> dict[str, str]:
    (place / "orchestrd").mkdir(exist_ok=True)
    (place / "orchestrd" / "config.toml").write_text(text)
    return {"XDG_CONFIG_HOME": str(place)}


def test_a_flag_wins_over_the_file_and_is_fixed(tmp_path: Path) -> None:
    environ = _user_file(
        tmp_path, "[daemon]\ninterval_s = 2\nmax_running = 3\narchive_after_days = 1\nlog_mib_max = 2\n"
    )
    flags = Flags(interval_s=0.5)

    settings = settings_of(read_configuration(flags, environ), flags, environ)

    assert (settings.interval_s, settings.max_running, settings.fixed) == (0.5, 3, ("interval_s",))
    assert (settings.archive_after_s, settings.log_bytes_max) == (86_400.0, 2 * 1024 * 1024)
    assert settings.config == f"{tmp_path}/orchestrd/config.toml"


def test_what_is_wrong_keeps_a_daemon_from_starting(tmp_path: Path) -> None:
    environ = _user_file(tmp_path, "[daemon]\ninterval = 2\nmax_runing = 3\n")

    with pytest.raises(UsageError) as refused:
        read_configuration(Flags(), environ)

    assert refused.value.message == (
        f"{tmp_path}/orchestrd/config.toml:2: there is no key 'interval' in [daemon]: did you mean 'interval_s'?"
        " (and 1 more)"
    )
    assert (refused.value.code, refused.value.hint) == ("config", "orch config check")


class Bench:
    """A reloading whose configurations come from a list, and what became of each."""

    def __init__(self, *configurations: Configuration | Exception) -> None:
        self.told: list[object] = []
        self.errors: list[tuple[str, BaseException | None]] = []
        self.wishes_meanwhile = 0
        self._left: Iterator[Configuration | Exception] = iter(configurations)
        self.supervisor = Told()
        self.reloading = Reloading(
            self._read,
            self._take,
            self.told.append,
            self.supervisor,
            lambda what, error: self.errors.append((what, error)),
        )

    async def _take(self, configuration: Configuration) -> None:
        self.told.append(configuration)

    def _read(self) -> Configuration:
        for _ in range(self.wishes_meanwhile):
            self.reloading.want()
        self.wishes_meanwhile = 0
        configuration = next(self._left)
        if isinstance(configuration, Exception):
            raise configuration
        return configuration


async def test_a_reload_is_taken_or_refused_and_the_next_one_is_read_anew() -> None:
    other = Configuration(daemon=DaemonSettings(interval_s=1.0))
    bench = Bench(WRONG, other)
    await bench.reloading.start()

    bench.reloading.want()
    await asyncio.sleep(1.0)
    bench.reloading.want()
    await asyncio.sleep(1.0)
    await bench.reloading.stop()

    assert (bench.told, bench.errors) == ([WRONG, other], [])


async def test_a_supervisor_does_not_wait_for_a_reload_that_has_broken() -> None:
    broken = ZeroDivisionError("our own mistake")
    bench = Bench(broken)
    await bench.reloading.start()

    bench.reloading.want()
    await asyncio.sleep(1.0)
    await bench.reloading.stop()

    assert (bench.told, [error for _, error in bench.errors]) == ([], [broken])
    assert [word for word in bench.supervisor.words if "=1" in word] == ["RELOADING=1", "READY=1"]


async def test_many_wishes_while_one_is_under_way_are_one_more_reload() -> None:
    first, second = Configuration(), Configuration(daemon=DaemonSettings(interval_s=2.0))
    bench = Bench(first, second)
    bench.wishes_meanwhile = 5
    await bench.reloading.start()

    bench.reloading.want()
    await bench.reloading.stop()

    assert (bench.told, bench.errors) == ([first, second], [])


async def test_who_asks_while_the_daemon_starts_is_served_once_it_has() -> None:
    bench = Bench(Configuration())
    bench.reloading.want()
    await asyncio.sleep(1.0)
    before = list(bench.told)

    await bench.reloading.start()
    await asyncio.sleep(1.0)
    await bench.reloading.stop()

    assert (before, bench.told) == ([], [Configuration()])


async def test_nothing_is_read_once_the_end_has_begun() -> None:
    bench = Bench()
    await bench.reloading.start()
    await bench.reloading.stop()

    bench.reloading.want()
    await asyncio.sleep(1.0)

    assert (bench.told, bench.errors) == ([], [])


async def test_a_supervisor_is_told_when_a_reload_begins_and_that_it_is_over_even_one_that_is_refused() -> None:
    bench = Bench(WRONG)
    await bench.reloading.start()

    bench.reloading.want()
    await bench.reloading.stop()

    assert bench.supervisor.words == ["RELOADING=1", "READY=1", "STATUS=at work"]
