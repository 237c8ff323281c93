"""The URL of a remote comes to one name, however it is written."""

import pytest

from orchestrd.core.remotes import Remote, remote_at


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/Owner/Name.git",
        "https://github.com/owner/name",
        "https://github.com:443/owner/name/",
        "https://me:secret@GitHub.com/owner/name.git",
        "https://www.github.com/owner/name",
        "http://github.com/owner/name",
        "git://github.com/owner/name.git",
        "ssh://git@github.com/owner/name.git",
        "ssh://git@github.com:22/owner/name",
        "ssh://git@ssh.github.com:443/owner/name.git",
        "git+ssh://git@github.com/owner/name.git",
        "git@github.com:owner/name.git",
        "git@github.com:/owner/name.git",
        "github.com:owner/name",
        " https://github.com./owner/name.git\n",
    ],
)
def test_all_ways_to_write_a_repository_come_to_one_name(url: str) -> None:
    assert remote_at(url) == Remote(host="github.com", path="owner/name")


@pytest.mark.parametrize(
    "url",
    [
        "/a/shop.git",
        "./shop.git",
        "../shop",
        "shop.git",
        "file:///a/shop.git",
        "https://[broken/owner/name",
        "https:///owner/name",
        "https://github.com/",
        "ftp://github.com/owner/name",
        "/a/b:c",
        "ext::sh -c x",
        "",
    ],
)
def test_what_is_on_this_machine_or_is_no_remote_has_no_host(url: str) -> None:
    assert remote_at(url) is None
