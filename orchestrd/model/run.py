"""A run: one lifetime of a session's process, as its runtime needs to know it."""

from msgspec import Struct

from orchestrd.model.ids import SessionId
from orchestrd.model.observation import Exited, Observation


class Run(Struct, frozen=True, kw_only=True):
    """What finds one run again. `handle` is null until its launch effect has come back."""

    session: SessionId
    generation: int
    mark: str  # ORCH_RUN of every process of the run
    handle: str | None = None
    hooks_offset: int = 0
    is_started: bool = False  # its start record has been taken in


class Order(Struct, frozen=True, kw_only=True):
    """Everything a runtime needs to launch one run. No secret is in it but by the path of its file."""

    run: Run
    argv: tuple[str, ...]
    directory: str
    environment: tuple[tuple[str, str], ...]  # beside what stands in `secrets_path`; not secret
    secrets_path: str
    log_path: str


class Look(Struct, frozen=True, kw_only=True):
    """What one probe saw of one run: facts in order, and the whole lines that hooks.jsonl has gained."""

    run: Run
    observations: tuple[Observation, ...] = ()
    hook_lines: tuple[bytes, ...] = ()
    hooks_offset: int = 0


class Sweep(Struct, frozen=True, kw_only=True):
    """What a kill found. `survivors` empty proves that no process of the run lives; `exit` is the launcher's record."""

    survivors: tuple[int, ...] = ()
    exit: Exited | None = None
    error: str | None = None
