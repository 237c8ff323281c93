"""Which hosts are GitHub, and where their interfaces are."""

import pytest

from orchestrd.forges.github.hosts import hosts_of, repository_at
from orchestrd.model.forge_settings import ForgeSettings

ENTERPRISE = ForgeSettings(github_url="https://git.example.com:8443")


@pytest.mark.parametrize(
    ("settings", "host", "rest", "graphql"),
    [
        (ForgeSettings(), "github.com", "https://api.github.com", "https://api.github.com/graphql"),
        (
            ForgeSettings(github_api="http://127.0.0.1:9/"),
            "github.com",
            "http://127.0.0.1:9",
            "http://127.0.0.1:9/graphql",
        ),
        (
            ENTERPRISE,
            "git.example.com",
            "https://git.example.com:8443/api/v3",
            "https://git.example.com:8443/api/graphql",
        ),
        (
            ForgeSettings(github_url="https://octo.ghe.com"),
            "octo.ghe.com",
            "https://api.octo.ghe.com",
            "https://api.octo.ghe.com/graphql",
        ),
        (
            ForgeSettings(github_url="https://git.example.com", github_api="https://api.git.example.com"),
            "git.example.com",
            "https://api.git.example.com",
            "https://api.git.example.com/graphql",
        ),
    ],
)
def test_where_the_interfaces_of_a_host_are(settings: ForgeSettings, host: str, rest: str, graphql: str) -> None:
    found = hosts_of(settings)[host]

    assert (found.rest, found.graphql, found.is_set) == (rest, graphql, True)


def test_beside_an_enterprise_server_github_itself_is_known_with_a_token_of_its_own() -> None:
    hosts = hosts_of(ENTERPRISE)

    assert sorted(hosts) == ["git.example.com", "github.com"]
    assert hosts["github.com"].rest == "https://api.github.com"


def test_the_port_of_a_server_is_no_part_of_the_name_of_a_repository() -> None:
    hosts = hosts_of(ENTERPRISE)

    remotes = ("https://git.example.com:8443/O/r.git", "ssh://git@git.example.com:2222/o/r", "git@git.example.com:o/R")

    assert {repository_at(remote, hosts) for remote in remotes} == {"git.example.com/o/r"}


@pytest.mark.parametrize("path", ["../user", "o/..", "./r", "o/.", "o/r/..", "o/%2e%2e", "o"])
def test_no_name_of_a_repository_leads_elsewhere_at_its_host(path: str) -> None:
    assert repository_at(f"https://github.com/{path}", hosts_of(ENTERPRISE)) is None


@pytest.mark.parametrize(
    "remote",
    [
        "https://evil.example/o/r",
        "https://github.com@evil.example/o/r",
        "https://github.com\\@evil.example/o/r",
        "https://github.com.evil.example/o/r",
        "git@evil.example:github.com/o/r",
        "https://evil.example/github.com/o/r",
    ],
)
def test_no_other_host_passes_for_one_that_has_a_token(remote: str) -> None:
    assert repository_at(remote, hosts_of(ENTERPRISE)) is None


def test_a_repository_may_begin_with_a_dot() -> None:
    assert repository_at("git@github.com:o/.github.git", hosts_of(ENTERPRISE)) == "github.com/o/.github"
