"""What may hold a secret: whatever is wrong with it is said, and none of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd.core.unrepeated import (
    problem_with_listening,
    problem_with_remote,
    problem_with_secret_file,
    problem_with_url,
    problem_with_variable,
)

KEYS = "'url_env' or 'url_file'"
NO_SECRET = "no secret stands in a configuration"
A_TOKEN = f"that is a token, and {NO_SECRET}: write it into a file, and name that by 'token_file'"
NO_NAME = f"that is no name of a variable, and {NO_SECRET}: give a name such as MY_TOKEN, or a file by 'token_file'"
NO_PATH = f"that is no path from / or ~/, and {NO_SECRET}: write it into a file, and give the path of that"
NO_REMOTE = 'that is no name of a remote: give one that `git remote` lists, such as "origin"'
NO_PORT = 'it has to end with a port from 1 to 65535, such as "127.0.0.1:7810"'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ntfy.example.org/x", "it has to begin with https:// or http://"),
        ("", "it has to begin with https:// or http://"),
        (
            "slack://T/B/x",
            f"it has to begin with https:// or http://; an address of Apprise is a secret: name by {KEYS} where it is",
        ),
        ("https://a.org/b c", "it holds a space: leave it out, or write it as %20"),
        ("https:///x", "it names no server behind https://"),
        ("https://a.org?b=c", "write a / behind its server"),
        (
            "https://ada:pw@a.org/",
            f"it holds a user or a password, and {NO_SECRET}: name by {KEYS} where all of it is",
        ),
        ("http://a.org", None),
        ("https://a.org:8443/b?c#d@e", None),
    ],
)
def test_an_address_is_one_of_the_web_without_a_user(text: str, problem: str | None) -> None:
    assert problem_with_url(text, KEYS) == problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("github.example.com", "it has to begin with https://"),
        ("ssh://github.example.com", "it has to begin with https://"),
        ("http://github.example.com", "whoever is on the way there could read the token: begin it with https://"),
        ("http://localhost.example.com", "whoever is on the way there could read the token: begin it with https://"),
        ("https://t@github.example.com", f"it holds a user or a password, and {NO_SECRET}: leave them out"),
        ("http://127.0.0.1:8080/api", None),
        ("https://github.example.com", None),
    ],
)
def test_where_a_token_is_sent_nobody_on_the_way_can_read_it(text: str, problem: str | None) -> None:
    assert problem_with_url(text, is_sealed=True) == problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"ghp_{'a1' * 18}", A_TOKEN),
        (f"github_pat_{'a_1' * 12}", A_TOKEN),
        (f"tk_{'a' * 29}", A_TOKEN),
        ("$NTFY_TOKEN", "give the name of the variable alone, without '$'"),
        ("${NTFY_TOKEN}", "give the name of the variable alone, without '$'"),
        ("a b", NO_NAME),
        ("", NO_NAME),
        ("xoxb-1", NO_NAME),
        ("NTFY_TOKEN", None),
        ("ghp_short", None),
    ],
)
def test_a_variable_is_named_and_holds_the_secret_itself(text: str, problem: str | None) -> None:
    assert problem_with_variable(text, "token_file") == problem


@pytest.mark.parametrize(
    ("text", "problem"), [("s3cret", NO_PATH), ("~", NO_PATH), ("/", NO_PATH), ("/etc/token", None), ("~/token", None)]
)
def test_a_file_is_named_by_its_path(text: str, problem: str | None) -> None:
    assert problem_with_secret_file(text) == problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("https://a.org/x", NO_REMOTE),
        ("git@a.org", NO_REMOTE),
        ("a b", NO_REMOTE),
        ("-x", NO_REMOTE),
        ("up/stream", None),
    ],
)
def test_a_remote_is_named_and_not_written_out(text: str, problem: str | None) -> None:
    assert problem_with_remote(text) == problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("7810", 'it has to be an address of this machine that no other reaches, such as "127.0.0.1:7810"'),
        ("0.0.0.0:80", 'it has to be an address of this machine that no other reaches, such as "127.0.0.1:7810"'),
        ("127.0.0.1", NO_PORT),
        ("127.0.0.1:0", NO_PORT),
        ("127.0.0.1:99999", NO_PORT),
        ("[::1]:7810", None),
    ],
)
def test_only_this_machine_is_listened_on(text: str, problem: str | None) -> None:
    assert problem_with_listening(text) == problem


@given(st.text(alphabet="a$:/@ ~"), st.text(alphabet="a$:/@ ~"))
def test_nothing_of_it_is_ever_repeated(before: str, behind: str) -> None:
    text = f"{before}Zq9{behind}"

    said = [
        problem_with_url(text, KEYS),
        problem_with_url(text, is_sealed=True),
        problem_with_variable(text, "token_file"),
        problem_with_secret_file(text),
        problem_with_remote(text),
        problem_with_listening(text),
    ]

    assert "Zq9" not in "".join(filter(None, said))
