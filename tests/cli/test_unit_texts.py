"""What is written for systemd and launchd: golden texts, and what systemd itself says of them."""

import plistlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrd.client.systemd import Unit
from orchestrd.model.errors import UsageError
from orchestrd_cli.installing import launchd, units

ROOT = Path(__file__).parent.parent.parent
YOU = {"HOME": "/home/you", "PATH": "/home/you/.local/bin:/usr/local/bin:/usr/bin:/bin"}
DEFAULT = "/home/you/.local/state/orchestrd"
PYTHON = "/home/you/.local/share/pipx/venvs/orchestrd/bin/python"

Golden = Callable[[Path, str], None]


def _texts(home: str, python: str = PYTHON, **more: str) -> dict[str, str]:
    return units.texts(Unit(home, YOU), units.surroundings(python, {**YOU, **more}))


@pytest.mark.parametrize("name", ["orchestrd.service", "orchestrd.socket"])
def test_the_units_of_the_default_home_read_as_they_were_reviewed(name: str, golden: Golden) -> None:
    golden(ROOT / "systemd" / name, _texts(DEFAULT)[name])


def test_the_property_list_of_the_default_home_reads_as_it_was_reviewed(golden: Golden) -> None:
    text = launchd.text(Unit(DEFAULT, YOU), units.surroundings(PYTHON, YOU))

    golden(ROOT / "launchd" / "orchestrd.plist", text)
    assert plistlib.loads(text.encode())["ProgramArguments"][0] == PYTHON


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze here")
@pytest.mark.parametrize("home", [DEFAULT, '/tmp/a b"%h\\n$HOME', "/tmp/" + "deep" * 30])
def test_systemd_has_nothing_to_say_of_the_units(home: str, tmp_path: Path) -> None:
    said = _said_of(_texts(home, sys.executable), tmp_path)

    assert said == ""


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze here")
def test_systemd_would_say_if_a_unit_were_wrong(tmp_path: Path) -> None:
    texts = _texts(DEFAULT, sys.executable)

    said = _said_of({name: text.replace("OOMPolicy", "OOMPolicies") for name, text in texts.items()}, tmp_path)

    assert "OOMPolicies" in said


def _said_of(texts: dict[str, str], place: Path) -> str:
    for name, text in texts.items():
        (place / name).write_text(text)
    return subprocess.run(
        ["systemd-analyze", "--user", "verify", *place.glob("*.service")],
        env={"HOME": str(place), "XDG_RUNTIME_DIR": str(place), "SYSTEMD_UNIT_PATH": f"{place}:"},
        capture_output=True,
        text=True,
        check=False,
    ).stderr


def test_each_home_has_units_of_its_own() -> None:
    homes = [DEFAULT, "/srv/orchestrd", "/tmp/home", "/tmp/other/home", "/", "/tmp/é ü"]

    names = {Unit(home, YOU).name for home in homes}

    assert len(names) == len(homes)
    assert "orchestrd" in names
    assert all(name.replace("-", "").isalnum() and name.isascii() for name in names)


def test_the_units_lie_where_the_user_keeps_configuration() -> None:
    assert Unit(DEFAULT, YOU).directory == "/home/you/.config/systemd/user"
    assert Unit(DEFAULT, {**YOU, "XDG_CONFIG_HOME": "/home/you/conf"}).directory == "/home/you/conf/systemd/user"


def test_the_daemon_finds_the_programs_and_the_configuration_of_the_shell_that_installs_it() -> None:
    path = "/home/you/bin:.:/usr/bin:relative/bin:/home/you/bin:"

    service = _texts(DEFAULT, PATH=path, XDG_CONFIG_HOME="/home/you/conf")["orchestrd.service"]

    orch = PYTHON.rpartition("/")[0]
    assert f'Environment="PATH=/home/you/bin:/usr/bin:{orch}"\n' in service
    assert 'Environment="XDG_CONFIG_HOME=/home/you/conf"\n' in service


def test_nothing_in_a_path_is_taken_for_a_word_of_systemd() -> None:
    texts = _texts('/tmp/a "%h" $HOME \\n', "/opt/100%/$x/python")

    service, socket = (
        next(text for name, text in texts.items() if name.endswith(end)) for end in ("service", "socket")
    )
    assert 'Environment="ORCH_HOME=/tmp/a \\"%%h\\" $HOME \\\\n"\n' in service
    assert 'ExecStart="/opt/100%%/$$x/python" ' in service
    assert 'ListenStream=/tmp/a "%%h" $HOME \\n/run/daemon.sock\n' in socket


def test_a_path_over_two_lines_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot stand in a unit"):
        _texts("/tmp/a\nb")


def test_a_home_too_deep_for_a_socket_of_systemd_does_without() -> None:
    texts = _texts("/tmp/" + "deep" * 30)

    assert [name.rpartition(".")[2] for name in texts] == ["service"]
    assert "Requires" not in next(iter(texts.values()))
