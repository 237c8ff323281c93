"""A forge that asks the fake GitHub, without a socket: in virtual time."""

from collections.abc import Callable, Mapping

import httpx

from orchestrd.core.layout import Layout
from orchestrd.forges.context import ForgeContext
from orchestrd.forges.github.adapter import GitHubForge
from orchestrd.model.change import Change
from orchestrd.model.forge_settings import ForgeSettings
from orchestrd.model.ids import SessionId
from orchestrd.ports import Clock
from orchestrd.ports.forge import WantedChange
from orchestrd.testing.github import FakeGitHub, Request
from orchestrd.testing.github.fake import TOKEN
from tests.github.described import described

REPOSITORY = "github.com/o/r"
SHA = "a" * 40
OTHER_SHA = "b" * 40


def connect_to(github: FakeGitHub) -> Callable[[], httpx.AsyncClient]:
    """Give what makes the connection: each request is answered by the fake."""

    def answer(request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        target = request.url.raw_path.decode()
        said = github.take(Request(method=request.method, target=target, headers=headers, body=request.content))
        return httpx.Response(said.status, headers=said.headers, content=said.body)

    return lambda: httpx.AsyncClient(transport=httpx.MockTransport(answer))


def forge_at(
    github: FakeGitHub | None,
    clock: Clock,
    *,
    environ: Mapping[str, str] | None = None,
    connect: Callable[[], httpx.AsyncClient] | None = None,
    **settings: object,
) -> GitHubForge:
    """Make the forge; its environment has the token that the fake takes."""
    context = ForgeContext(
        layout=Layout("/nowhere"),
        clock=clock,
        settings=ForgeSettings(**settings),  # type: ignore[arg-type] # the words of the configuration
        environ={"GITHUB_TOKEN": TOKEN, "PATH": "", "HOME": "/nowhere"} if environ is None else environ,
        git=None,  # type: ignore[arg-type] # GitHub needs none
        on_error=_fail,
    )
    if connect is None:
        assert github is not None
        connect = connect_to(github)
    return GitHubForge(context, connect)


def wanted(branch: str, known: Change | None = None, session: str = "aaaaaaaa") -> WantedChange:
    """Want to know of a branch."""
    return WantedChange(session=SessionId(session), branch=branch, directory="/nowhere", known=known)


async def change_of(forge: GitHubForge, branch: str, known: Change | None = None) -> Change:
    """Look at one branch."""
    (look,) = await forge.look(REPOSITORY, [wanted(branch, known)])
    assert look.change is not None
    return look.change


def queries(github: FakeGitHub) -> int:
    """Count what was asked by GraphQL."""
    return github.counted["POST /graphql"]


def github_at(clock: Clock) -> FakeGitHub:
    """Make the fake, which counts its windows by this clock."""

    def seconds() -> float:
        return clock.now().at.timestamp()

    return FakeGitHub(described(), clock=seconds)


def _fail(told: str, error: BaseException | None) -> None:
    raise AssertionError(told) from error
