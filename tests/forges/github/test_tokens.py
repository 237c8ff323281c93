"""Where the token of a host comes from, and that it goes nowhere else."""

import time
from pathlib import Path

import pytest

from orchestrd.forges.github.hosts import hosts_of
from orchestrd.forges.github.tokens import token_of
from orchestrd.model.errors import RefusedError
from orchestrd.model.forge_settings import ForgeSettings

ENTERPRISE_URL = "https://git.example.com"
STORED = """github.com:
    git_protocol: https
    users:
        ann:
            oauth_token: gho_ofgithub
    user: ann
git.example.com:
    oauth_token: "ghp_ofenterprise"
    user: ann
"""


def found(environ: dict[str, str], host: str = "github.com", **settings: str) -> str | None:
    told = ForgeSettings(**settings)  # type: ignore[arg-type] # the words of the configuration
    token = token_of(hosts_of(told)[host], told, {"PATH": "", "HOME": "/nowhere"} | environ)
    return token.text if token else None


def a_gh(place: Path, script: str) -> dict[str, str]:
    """Put a program that calls itself gh on the PATH."""
    program = place / "gh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": f"{place}:/usr/bin:/bin"}


def test_what_is_set_comes_first(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("fromafile\n")

    environ = {"MINE": "fromavariable", "GITHUB_TOKEN": "usual", "HOME": str(tmp_path)}

    assert found(environ, token_env="MINE") == "fromavariable"
    assert found(environ, token_file="~/token") == "fromafile"
    assert found(environ, token_file=str(tmp_path / "token")) == "fromafile"


@pytest.mark.parametrize(
    ("environ", "settings", "source"),
    [
        ({"MINE": "s3cret"}, ForgeSettings(token_env="MINE"), "the variable MINE"),
        ({}, ForgeSettings(token_file="~/token"), "the file ~/token"),
        ({"GH_TOKEN": "s3cret"}, ForgeSettings(), "the variable GH_TOKEN"),
        ({}, ForgeSettings(), "what gh has stored"),
    ],
)
def test_a_token_says_where_it_is_from_and_never_what_it_is(
    environ: dict[str, str], settings: ForgeSettings, source: str, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    (tmp_path / "hosts.yml").write_text("github.com:\n    oauth_token: s3cret\n")
    places = {"PATH": "", "HOME": str(tmp_path), "GH_CONFIG_DIR": str(tmp_path)}

    token = token_of(hosts_of(settings)["github.com"], settings, places | environ)

    assert token is not None
    assert (token.text, token.source, repr(token)) == ("s3cret", source, f"Token({source})")


@pytest.mark.parametrize(
    ("environ", "token"),
    [
        ({"GITHUB_TOKEN": "one", "GH_TOKEN": "two"}, "one"),
        ({"GITHUB_TOKEN": " ", "GH_TOKEN": "two"}, "two"),
        ({"GH_ENTERPRISE_TOKEN": "three"}, None),
        ({}, None),
    ],
)
def test_then_comes_what_the_environment_has(environ: dict[str, str], token: str | None) -> None:
    assert found(environ) == token


def test_a_token_of_github_is_never_that_of_an_enterprise_server_nor_the_other_way_round() -> None:
    environ = {"GITHUB_TOKEN": "ofgithub", "GH_ENTERPRISE_TOKEN": "ofenterprise", "SET": "set"}

    assert found(environ, "git.example.com", github_url=ENTERPRISE_URL) == "ofenterprise"
    assert found(environ, "github.com", github_url=ENTERPRISE_URL, token_env="SET") == "ofgithub"
    assert found({"GITHUB_TOKEN": "ofgithub"}, "git.example.com", github_url=ENTERPRISE_URL) is None


@pytest.mark.parametrize("variable", ["GH_CONFIG_DIR", "XDG_CONFIG_HOME", "HOME"])
def test_then_comes_what_gh_has_stored(tmp_path: Path, variable: str) -> None:
    below = {"GH_CONFIG_DIR": ".", "XDG_CONFIG_HOME": "gh", "HOME": ".config/gh"}[variable]
    place = tmp_path / below
    place.mkdir(parents=True, exist_ok=True)
    (place / "hosts.yml").write_text(STORED)

    environ = {variable: str(tmp_path)}

    assert found(environ) == "gho_ofgithub"
    assert found(environ, "git.example.com", github_url=ENTERPRISE_URL) == "ghp_ofenterprise"


def test_then_gh_is_asked_for_what_its_keyring_has(tmp_path: Path) -> None:
    environ = a_gh(tmp_path, 'test "$*" = "auth token --hostname github.com" && echo gho_fromkeyring')

    assert found(environ) == "gho_fromkeyring"


@pytest.mark.parametrize("script", ["exit 1", "echo not a token; exit 0", "echo x; exit 1", "true"])
def test_a_gh_that_has_none_says_nothing(tmp_path: Path, script: str) -> None:
    assert found(a_gh(tmp_path, script)) is None


def test_a_gh_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrd.forges.github.tokens.GH_ANSWER_S", 0.05)
    began = time.monotonic()

    assert found(a_gh(tmp_path, "exec sleep 60")) is None
    assert time.monotonic() - began < 30


def test_a_variable_that_is_not_there_is_an_error_and_not_another_token() -> None:
    with pytest.raises(RefusedError, match="the environment of the daemon has no MINE") as error:
        found({"GITHUB_TOKEN": "usual"}, token_env="MINE")

    assert (error.value.code, error.value.hint) == ("no_token", "orch config edit")


@pytest.mark.parametrize("written", [None, "", "two words", "a\nb"])
def test_a_file_without_a_token_is_an_error_that_does_not_tell_what_is_in_it(
    tmp_path: Path, written: str | None
) -> None:
    path = tmp_path / "token"
    if written is not None:
        path.write_text(written)

    with pytest.raises(RefusedError) as error:
        found({}, token_file=str(path))

    assert str(path) in error.value.message
    assert "two words" not in error.value.message


@pytest.mark.parametrize("written", ["ghp_se\ncret", "ghp_s\x00ecret", "ghp_secr\u2026t"])
def test_what_no_header_can_bear_is_no_token_and_is_not_repeated(written: str) -> None:
    with pytest.raises(RefusedError, match="more than one word of plain characters") as error:
        found({"GITHUB_TOKEN": written})

    assert error.value.code == "no_token"
    assert "ecr" not in repr(error.value)
