import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import TZPATH, ZoneInfo

from orchestrd import clock
from orchestrd.clock import SystemClock, local_zone
from orchestrd.runtimes import launcher


def test_it_reads_wall_clock_boot_and_seconds_since_boot() -> None:
    before, now = time.clock_gettime(time.CLOCK_BOOTTIME), SystemClock().now()

    assert abs((now.at - datetime.now(UTC)).total_seconds()) < 60
    assert before <= now.up_s <= before + 60
    assert now.boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_time_since_boot_never_goes_back() -> None:
    system = SystemClock()

    readings = [system.now().up_s for _ in range(100)]

    assert readings == sorted(readings)


def test_clock_and_launcher_name_a_boot_alike() -> None:
    assert SystemClock().now().boot == launcher.boot_id()
    assert clock.NO_BOOT_ID == launcher.NO_BOOT_ID


def test_where_there_is_no_boot_id_every_boot_has_the_same_name(tmp_path: Path) -> None:
    assert SystemClock(str(tmp_path / "none")).now().boot == clock.NO_BOOT_ID


def test_the_zone_of_the_wall_is_that_of_the_environment_or_of_the_machine(tmp_path: Path) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    files = [Path(place, "Europe/Berlin") for place in TZPATH]
    machine = next((str(file) for file in files if file.is_file()), None)
    winter = datetime(2026, 1, 1, 12, tzinfo=UTC)

    zones = [local_zone({"TZ": "Europe/Berlin"}), local_zone({"TZ": ":Europe/Berlin"})]
    zones += [local_zone({}, machine)] if machine else []

    assert {winter.astimezone(zone).utcoffset() for zone in zones} == {berlin.utcoffset(winter)}


def test_where_no_zone_is_known_it_is_utc(tmp_path: Path) -> None:
    (tmp_path / "odd").write_text("no zone")

    zones = [local_zone({"TZ": "No/Where"}), local_zone({"TZ": "../etc"})]
    zones += [local_zone({}, str(tmp_path / name)) for name in ("odd", "absent")]

    assert zones == [UTC] * 4
