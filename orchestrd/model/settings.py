"""What a user may set, in the words of `config.toml`: one struct a section, and on each key all there is to say of it.

What may be said of a key stands in `orchestrd.model.setting_key`. The defaults are the values that hold where nothing
is set; of sections with names (`[reactions.NAME]`, `[channels.NAME]`) those that hold for each where it sets nothing.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from orchestrd.model.forge_settings import ForgeSettings
from orchestrd.model.limits import (
    ALLOW_RULES_MAX,
    ARCHIVE_AFTER_DAYS_MAX,
    ARCHIVE_AFTER_S,
    ENVIRONMENT_SETTINGS_MAX,
    GRACE_S,
    GRACE_S_MAX,
    LOG_BYTES_MAX,
    LOG_MIB_MAX,
    MAX_RUNNING,
    MAX_RUNNING_MAX,
    STUCK_AFTER_S,
    STUCK_AFTER_S_MAX,
    TICK_S,
    TICK_S_MAX,
    TICK_S_MIN,
    WORKSPACE_PATHS_MAX,
)
from orchestrd.model.notice_settings import ChannelSettings, NotifySettings
from orchestrd.model.reaction_settings import ReactionSettings
from orchestrd.model.setting_key import AGENTS, SetBy, key
from orchestrd.model.words import Permission, Until

DAY_S = 24 * 3_600.0
MIB = 1024 * 1024


MemorySize = Annotated[str, Meta(pattern=r"^([1-9][0-9]*(\.[0-9]+)?[KMGT]|[1-9][0-9]?%|100%)$")]
TaskCount = Annotated[int, Meta(ge=1)]
CpuWeight = Annotated[int, Meta(ge=1, le=10_000)]


class DaemonSettings(Struct, frozen=True, kw_only=True):
    """How the daemon works. Read at its start and at `orch daemon reload`; a flag given to the daemon wins."""

    interval_s: Annotated[
        float,
        key(
            "From the start of one tick to the start of the next.", "seconds", SetBy.USER, ge=TICK_S_MIN, le=TICK_S_MAX
        ),
    ] = TICK_S
    max_running: Annotated[
        int,
        key("How many run at a time; others are queued.", "sessions", SetBy.USER, ge=1, le=MAX_RUNNING_MAX),
    ] = MAX_RUNNING
    archive_after_days: Annotated[
        float,
        key("How long an ended session stays in sight.", "days", SetBy.USER, ge=0, le=ARCHIVE_AFTER_DAYS_MAX),
    ] = ARCHIVE_AFTER_S / DAY_S
    log_mib_max: Annotated[
        int,
        key(
            "What is kept of the output of each session, and of the daemon's own log; the newest stays.",
            "MiB",
            SetBy.USER,
            ge=1,
            le=LOG_MIB_MAX,
        ),
    ] = LOG_BYTES_MAX // MIB
    stuck_after_s: Annotated[
        float,
        key(
            "How long an agent may work without any progress until it is told of as stuck; 0: never.",
            "seconds",
            SetBy.USER,
            ge=0,
            le=STUCK_AFTER_S_MAX,
        ),
    ] = STUCK_AFTER_S
    hooks: Annotated[
        bool,
        key(
            "Whether hooks or a plugin of ours go along when an agent is launched. Without them its status comes from"
            " its files, its terminal and its screen, and so a little later.",
            "",
            SetBy.USER,
        ),
    ] = True


class SpawnSettings(Struct, frozen=True, kw_only=True):
    """What `orch spawn` takes where its options say nothing."""

    agent: Annotated[
        str,
        key(
            "Program to drive. `shell` runs the command behind `--`; for others that is their options.",
            "",
            SetBy.ANYONE,
            names=AGENTS,
        ),
    ] = "shell"
    runtime: Annotated[
        Literal["auto", "tmux", "process"],
        key("Where it runs: in tmux, as a plain process, or `auto`: in tmux if there is one.", "", SetBy.ANYONE),
    ] = "auto"
    workspace: Annotated[
        Literal["auto", "worktree", "none"],
        key(
            "Where it works: a git worktree of its own, `none`: the directory itself, or `auto`: an agent in a"
            " repository gets a worktree, a command does not.",
            "",
            SetBy.ANYONE,
        ),
    ] = "auto"
    base: Annotated[
        str | None,
        key(
            "Where the branch of a worktree begins; unset: the branch one stands on.",
            "commit",
            SetBy.ANYONE,
            "origin/main",
        ),
    ] = None
    copy: Annotated[
        tuple[str, ...],
        key(
            "Untracked files to copy into a worktree, from the project's root; those that are not there are left out.",
            "paths",
            SetBy.ANYONE,
            [".env"],
            max_length=WORKSPACE_PATHS_MAX,
        ),
    ] = ()
    link: Annotated[
        tuple[str, ...],
        key("The same, but linked to.", "paths", SetBy.ANYONE, ["node_modules"], max_length=WORKSPACE_PATHS_MAX),
    ] = ()
    setup: Annotated[
        str | None,
        key("Command of sh to run in a new worktree, before the agent.", "command", SetBy.TRUSTED, "npm ci"),
    ] = None
    grace_s: Annotated[
        float,
        key("From TERM to KILL, when a session is stopped.", "seconds", SetBy.ANYONE, ge=0, le=GRACE_S_MAX),
    ] = GRACE_S
    until: Annotated[
        Until,
        key(
            "What ends a session: the `exit` of its program, the end of its `turn`, its pull request being open"
            " (`pr_open`) or merged (`pr_merged`), or a green verification (`verify`).",
            "",
            SetBy.ANYONE,
        ),
    ] = Until.EXIT
    verify: Annotated[
        str | None,
        key(
            "Command of sh that meets the goal `verify` when it succeeds and all is committed.",
            "command",
            SetBy.TRUSTED,
            "make test",
        ),
    ] = None
    permission: Annotated[
        Permission,
        key(
            "What becomes of what an agent needs permission for: it asks (`ask`), what `allow` lists is done without"
            " asking (`allow`), or it is refused without asking (`deny`).",
            "",
            SetBy.TRUSTED,
        ),
    ] = Permission.ASK
    allow: Annotated[
        tuple[str, ...],
        key(
            "What is done without asking, in the agent's own words; implies `permission` `allow`.",
            "rules",
            SetBy.TRUSTED,
            ["Bash(npm test:*)"],
            max_length=ALLOW_RULES_MAX,
        ),
    ] = ()


class EnvironmentSettings(Struct, frozen=True, kw_only=True):
    """What a session's environment holds beside what every session is given."""

    pass_: Annotated[
        tuple[str, ...],
        key(
            "Variables to pass on, as they are where `orch` is called: names, or beginnings such as `AWS_*`.",
            "names",
            SetBy.TRUSTED,
            ["GITHUB_TOKEN", "AWS_*"],
            max_length=ENVIRONMENT_SETTINGS_MAX,
        ),
    ] = field(default=(), name="pass")
    set: Annotated[
        dict[str, str],
        key(
            "Variables to set, with their values.",
            "names and values",
            SetBy.TRUSTED,
            {"LANG": "C.UTF-8"},
            max_length=ENVIRONMENT_SETTINGS_MAX,
        ),
    ] = field(default_factory=dict)
    path: Annotated[
        tuple[str, ...],
        key(
            "Directories to put before PATH: from the root, or `~/...`.",
            "paths",
            SetBy.TRUSTED,
            ["~/.local/bin"],
            max_length=ENVIRONMENT_SETTINGS_MAX,
        ),
    ] = ()


class Limits(Struct, frozen=True, kw_only=True):
    """What each agent may take of the machine, with all its children: held by systemd, where the daemon runs under it.

    As systemd.resource-control(5) writes them; unset: no limit of ours.
    """

    memory_max: Annotated[
        MemorySize | None,
        key(
            'Memory of one agent, such as "2G" or "25%"; past it the kernel ends what it runs.',
            "bytes with K, M, G or T, or a percentage",
            SetBy.USER,
            "2G",
        ),
    ] = None
    tasks_max: Annotated[
        TaskCount | None, key("Processes and threads of one agent; past it none is started.", "tasks", SetBy.USER, 512)
    ] = None
    cpu_weight: Annotated[
        CpuWeight | None, key("Share of the CPU where it is short; what is not limited has 100.", "", SetBy.USER, 50)
    ] = None


class Configuration(Struct, frozen=True, kw_only=True):
    """Everything that can be set, as it holds."""

    daemon: DaemonSettings = DaemonSettings()
    spawn: SpawnSettings = SpawnSettings()
    environment: EnvironmentSettings = EnvironmentSettings()
    limits: Limits = Limits()
    forge: ForgeSettings = ForgeSettings()
    reactions: dict[str, ReactionSettings] = field(default_factory=dict)
    channels: dict[str, ChannelSettings] = field(default_factory=dict)
    notify: NotifySettings = NotifySettings()
