"""The programs that orchestrd works with: whether they are on the PATH, answer, and are new enough."""

import re
import shutil
import sys
from collections.abc import Iterator
from functools import partial

from msgspec import Struct

from orchestrd.core.tmux import VERSION_MIN as TMUX_VERSION_MIN
from orchestrd.model.finding import Finding
from orchestrd_cli.doctor.program import Said, ask
from orchestrd_cli.doctor.subject import Subject, Surroundings, ok, warn


class Tool(Struct, frozen=True, kw_only=True):
    """A program, how it tells its version, and what is missing without it."""

    name: str
    asked: str
    without: str
    next: str
    version_min: tuple[int, int] = (0, 0)


class Found(Struct, frozen=True, kw_only=True):
    """Where a program is, null where it is nowhere; and what it says of itself."""

    path: str | None
    said: Said


TOOLS = (
    Tool(
        name="git",
        asked="--version",
        without="no session has a worktree of its own: agents work in the project itself",
        next="apt install git",
        version_min=(2, 31),
    ),
    Tool(
        name="tmux",
        asked="-V",
        without="sessions run as plain processes, and agents that draw on a terminal do not run at all",
        next="apt install tmux",
        version_min=TMUX_VERSION_MIN,
    ),
)


def look(tool: Tool, surroundings: Surroundings) -> Found:
    """Find it as the caller's shell would, and ask it for its version."""
    path = shutil.which(tool.name, path=surroundings.environ.get("PATH", ""))
    return Found(path=path, said=ask([path, tool.asked], surroundings.environ) if path else Said(code=None))


def judge(tool: Tool, found: Found) -> Iterator[Finding]:
    """Judge one program."""
    version = re.search(r"\d+\.[\w.-]*", found.said.first_line)
    number = re.search(r"(\d+)\.(\d+)", found.said.first_line)
    if found.path is None:
        yield warn(tool.name, "is not on the PATH", tool.without, tool.next)
    elif found.said.code != 0:
        yield warn(tool.name, f"{found.path} does not work: {found.said.first_line}", tool.without, _asked(tool))
    elif number is not None and (int(number[1]), int(number[2])) < tool.version_min:
        oldest = ".".join(map(str, tool.version_min))
        yield warn(tool.name, f"{found.said.first_line} is too old: {oldest} is needed", tool.without, tool.next)
    else:
        yield ok(tool.name, f"{version[0] if version else found.said.first_line}, {found.path}")


def _asked(tool: Tool) -> str:
    return f"{tool.name} {tool.asked}"


def judge_python(version: str) -> Iterator[Finding]:
    """Tell which interpreter runs this; an older one than we need would not have come here."""
    yield ok("python", f"{version}, {sys.executable}")


SUBJECTS: tuple[Subject[str] | Subject[Found], ...] = (
    Subject(name="python", look=lambda _: sys.version.partition(" ")[0], judge=judge_python),
    *(Subject(name=tool.name, look=partial(look, tool), judge=partial(judge, tool)) for tool in TOOLS),
)
