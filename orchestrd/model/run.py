"""A run: one lifetime of a session's process, as its runtime needs to know it."""

from datetime import datetime

from msgspec import Struct

from orchestrd.model.ids import SessionId
from orchestrd.model.observation import Exited, Observation, Testimony


class Run(Struct, frozen=True, kw_only=True):
    """What finds one run again. `handle` is null until its launch effect has come back."""

    session: SessionId
    generation: int
    mark: str  # ORCH_RUN of every process of the run
    handle: str | None = None
    hooks_offset: int = 0
    transcript_offset: int = 0
    conversation: str | None = None  # that it goes on with, by the agent's own name of it
    is_started: bool = False  # its start record has been taken in


class Order(Struct, frozen=True, kw_only=True):
    """Everything a runtime needs to launch one run. No secret is in it but by the path of its file."""

    run: Run
    argv: tuple[str, ...]
    directory: str
    environment: tuple[tuple[str, str], ...]  # beside what stands in `secrets_path`; not secret
    secrets_path: str
    log_path: str
    files: tuple[tuple[str, bytes], ...] = ()  # name and content of what the agent finds in the run directory


class Look(Struct, frozen=True, kw_only=True):
    """What one probe saw of one run: facts in order, and the whole lines that hooks.jsonl has gained.

    `agent_pid` and the start time of that process (ticks since boot) are null until they are known; `title` is that of
    its terminal, null where there is none.
    """

    run: Run
    observations: tuple[Observation, ...] = ()
    hook_lines: tuple[bytes, ...] = ()
    hooks_offset: int = 0
    agent_pid: int | None = None
    agent_started_ticks: int | None = None
    title: str | None = None


class AgentFiles(Struct, frozen=True, kw_only=True):
    """Where an agent itself writes down what it does: paths, which begin in the run directory if not with a `/`.

    In `transcript` a `*` stands for any part of a name.
    """

    state: str | None = None
    transcript: str | None = None


class Wanted(Struct, frozen=True, kw_only=True):
    """What is to be read of an agent's own files: all of `state`, and the transcript from `transcript_offset` on."""

    session: SessionId
    generation: int
    files: AgentFiles
    transcript_offset: int = 0


class Gathered(Struct, frozen=True, kw_only=True):
    """What an agent's own files hold; null and empty where there is no such file, or nothing new."""

    state: bytes | None = None
    transcript_lines: tuple[bytes, ...] = ()
    transcript_offset: int = 0


class Glimpse(Struct, frozen=True, kw_only=True):
    """Everything one look brought to light about an agent, as it was found."""

    now: datetime
    hook_lines: tuple[tuple[bytes, int], ...] = ()  # each with where it ends in hooks.jsonl
    has_hooks: bool = False  # hooks.jsonl holds something, now or before
    agent_pid: int | None = None
    agent_started_ticks: int | None = None
    state: bytes | None = None
    had_state: bool = False  # there was a state file at an earlier look
    transcript_lines: tuple[bytes, ...] = ()
    title: str | None = None
    last_title: str | None = None  # of the look before: a spinner that turns is a heartbeat
    screen: str | None = None


class Reading(Struct, frozen=True, kw_only=True):
    """What an agent's witnesses say, oldest word first, and how many lines could not be understood."""

    testimonies: tuple[Testimony, ...] = ()
    malformed: int = 0


class LaunchContext(Struct, frozen=True, kw_only=True):
    """What an agent may need to know about the run it is launched for."""

    session: SessionId
    generation: int
    run_directory: str
    prompt_path: str | None  # of the whole prompt
    prompt: str | None  # the whole prompt
    conversation: str | None  # to go on with
    has_terminal: bool = True  # else it is hosted by its structured protocol
    with_hooks: bool = True  # else nothing of ours goes along that tells of what it does


class AgentLaunch(Struct, frozen=True, kw_only=True):
    """How to run an agent: its command line, its environment (nothing secret), and files for its run directory."""

    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()
    types_prompt: bool = False  # the prompt is too large for a command line: it is typed once the agent waits


class Sweep(Struct, frozen=True, kw_only=True):
    """What a kill found. `survivors` empty proves that no process of the run lives; `exit` is the launcher's record."""

    survivors: tuple[int, ...] = ()
    exit: Exited | None = None
    error: str | None = None
