"""Where everything lies."""

import pytest

from orchestrd.core.home import layout_from
from orchestrd.core.layout import Layout, config_file_from, draft_of, home_from
from orchestrd.model.errors import UsageError


@pytest.mark.parametrize(
    ("environ", "home"),
    [
        ({"ORCH_HOME": "/orch", "XDG_STATE_HOME": "/state"}, "/orch"),
        ({"ORCH_HOME": "/orch//"}, "/orch"),
        ({"ORCH_HOME": "/"}, "/"),
        ({"ORCH_HOME": "", "XDG_STATE_HOME": "/state/"}, "/state/orchestrd"),
        ({"XDG_STATE_HOME": "state", "HOME": "/me"}, "/me/.local/state/orchestrd"),
        ({"HOME": "/me"}, "/me/.local/state/orchestrd"),
        ({}, "/.local/state/orchestrd"),
    ],
)
def test_the_home_is_found_by_the_nearest_name(environ: dict[str, str], home: str) -> None:
    assert home_from(environ) == home


def test_a_home_that_would_be_another_in_every_directory_is_refused() -> None:
    with pytest.raises(UsageError, match="ORCH_HOME='my home' is no absolute path") as refused:
        layout_from({"ORCH_HOME": "my home"})

    assert refused.value.hint == "export ORCH_HOME=\"$PWD\"/'my home'"


def test_a_home_is_the_same_place_however_it_is_written() -> None:
    assert layout_from({"ORCH_HOME": "/a/../orch//"}).home == "/orch"


def test_every_place_lies_in_a_directory_of_the_home_and_parents_come_first() -> None:
    layout = Layout("/orch")
    directories = layout.directories()

    places = [
        layout.record("aaaaaaaa"),
        layout.run_directory("aaaaaaaa", 2),
        layout.prompt("aaaaaaaa"),
        layout.secret("aaaaaaaa"),
        layout.log("aaaaaaaa"),
        layout.home_record,
        layout.socket,
        layout.nudge,
        layout.lock,
        layout.daemon_log,
    ]
    assert {place.rpartition("/")[0] for place in places} <= set(directories)
    for number, directory in enumerate(directories[1:], start=1):
        assert directory.rpartition("/")[0] in directories[:number]


def test_a_run_directory_is_named_after_its_session_and_generation() -> None:
    assert Layout("/orch").run_directory("aaaaaaaa", 2) == "/orch/runs/aaaaaaaa.2"


def test_a_draft_lies_hidden_beside_what_it_will_replace() -> None:
    assert draft_of("/orch/sessions/aaaaaaaa.json") == "/orch/sessions/.aaaaaaaa.json.tmp"


@pytest.mark.parametrize(
    ("environ", "file"),
    [
        ({"XDG_CONFIG_HOME": "/x/", "HOME": "/home/me"}, "/x/orchestrd/config.toml"),
        ({"XDG_CONFIG_HOME": "relative", "HOME": "/home/me/"}, "/home/me/.config/orchestrd/config.toml"),
        ({}, "/.config/orchestrd/config.toml"),
    ],
)
def test_the_users_own_settings_lie_where_those_of_others_do(environ: dict[str, str], file: str) -> None:
    assert config_file_from(environ) == file
