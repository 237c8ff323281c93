"""Hostile entries in the inbox: quarantine and a word about it; what is sound in between is obeyed."""

import os
import socket
import time
from pathlib import Path

import msgspec
import pytest

from orchestrd.client.blocking import Client
from orchestrd.model.event import Event
from tests.acceptance import agents
from tests.acceptance.daemon import Home
from tests.acceptance.processes import until

UNREADABLE = 9
UNWANTED = 3


def _rejections(home: Home) -> list[Event]:
    return [event for event in home.journal() if event.type == "command_rejected"]


def _spoil(home: Home) -> None:
    """Put things into the inbox that no client of ours would."""
    (home.place / "precious").write_text("precious")
    new = Path(home.layout.inbox_new)
    new.mkdir(parents=True, exist_ok=True)
    (new / "0-garbage.json").write_bytes(os.urandom(500))
    (new / "0-empty.json").write_bytes(b"")
    (new / "0-huge.json").write_bytes(b"")
    os.truncate(new / "0-huge.json", 100 * 1024 * 1024)
    (new / "0-directory").mkdir()
    os.mkfifo(new / "0-fifo.json")
    (new / "0-link.json").symlink_to(home.place / "precious")
    (new / "-rf").write_bytes(b"{}")
    (new / "two\nlines").write_bytes(b'{"type":"explode","session":"aaaaaaaa"}')
    (new / "0-path.json").write_bytes(b'{"type":"stop","session":"../../x"}')

    spawn = {"type": "spawn", "session": "aaaaaaaa"} | {"spec": msgspec.to_builtins(home.request("exit 0").spec)}
    spawn["spec"]["name"] = "../../etc"
    (new / "1-name.json").write_bytes(msgspec.json.encode(spawn))
    (new / "1-stop.json").write_bytes(b'{"type":"stop","session":"bbbbbbbb"}')
    (new / "1-kill.json").write_bytes(b'{"type":"kill","session":"cccccccc"}')


@pytest.mark.parametrize("is_running", [True, False], ids=["while the daemon runs", "before it starts"])
def test_hostile_entries_are_set_aside_and_sound_ones_obeyed(home: Home, *, is_running: bool) -> None:
    if is_running:
        home.start()
    _spoil(home)
    spooled = Client(home.layout.home, use_daemon=False).spawn(home.request(agents.ends_with(5)))
    if not is_running:
        home.start()

    until(lambda: len(_rejections(home)) >= UNREADABLE + UNWANTED, "each is told of")

    session = spooled.document.id
    until(lambda: session in home.documents(), "the sound one is taken in")
    assert home.until_over(session)[session].exit_code == 5
    assert list(home.documents()) == [session]
    assert list(Path(home.layout.inbox_new).iterdir()) == []
    assert len(home.quarantined()) == UNREADABLE
    assert all((event.error or "").isprintable() for event in _rejections(home))
    assert home.facts().rejected == UNREADABLE
    assert (home.place / "precious").read_text() == "precious"


def test_the_inbox_is_drained_before_the_socket_answers(home: Home) -> None:
    client = Client(home.layout.home, use_daemon=False)
    spooled = [client.spawn(home.request(agents.ends_with(0))).document for _ in range(20)]
    assert {told.state for told in spooled} == {"accepted"}
    assert {told.revision for told in spooled} == {0}

    home.begin()
    until(lambda: _answers(home), "the socket answers")

    assert set(home.documents()) == {told.id for told in spooled}
    home.until_over()
    assert all(len(home.mark(told.id)) == 1 for told in spooled)


def test_an_entry_that_is_offered_twice_is_obeyed_once(home: Home) -> None:
    client = Client(home.layout.home, use_daemon=False)
    request = home.request(agents.ends_with(0))
    for _ in range(3):
        client.spawn(request)
        time.sleep(0.001)  # names are made of the time

    home.start()
    told = home.until_over(request.id)

    assert (told[request.id].generation, len(home.mark(request.id))) == (1, 1)
    assert _rejections(home) == []


def _answers(home: Home) -> bool:
    with socket.socket(socket.AF_UNIX) as knock:
        return knock.connect_ex(home.layout.socket) == 0
