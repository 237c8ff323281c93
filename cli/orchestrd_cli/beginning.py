"""`orch spawn`: begin a session."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from orchestrd.client import STANDARD_NAMES, WorkspaceWish, spawn_request
from orchestrd.client.configuring import configuration_in
from orchestrd.client.goals import GoalWish
from orchestrd.client.issues import IssueWish
from orchestrd.client.policies import PolicyWish
from orchestrd.client.programs import missing_program
from orchestrd.model.document import SpawnRequest
from orchestrd.model.errors import UnreachableError, UsageError
from orchestrd.model.limits import PROMPT_BYTES_MAX
from orchestrd.model.session import Spec
from orchestrd.model.words import Permission, Until
from orchestrd.render import counted, visible
from orchestrd_cli import exits, reach
from orchestrd_cli.grammar import Json, NoDaemon, Timeout, verb
from orchestrd_cli.issues import read_issue
from orchestrd_cli.progress import waiting_for
from orchestrd_cli.terminal import note
from orchestrd_cli.texts import read_text
from orchestrd_cli.waiting import checked, wait_for

WHERE = "Where it works"  # a section of the help

AgentName = Annotated[
    str | None,
    typer.Option(
        "--agent",
        metavar="NAME",
        help="Program to drive: `claude`, `codex`, `gemini`, `opencode`, `aider`, or `shell`, which runs CMD.",
    ),
]
RuntimeName = Annotated[
    str | None,
    typer.Option(
        "--runtime", metavar="NAME", help="Where it runs: `tmux`, `process`, or `auto`: tmux if there is one."
    ),
]
WorkspaceKind = Annotated[
    str | None,
    typer.Option(
        "--workspace",
        metavar="KIND",
        help="`worktree`, a git worktree of its own; `none`, DIR itself; `auto`: an agent in a repository gets a"
        " worktree, a command does not.",
        rich_help_panel=WHERE,
    ),
]
Base = Annotated[
    str | None,
    typer.Option("--base", metavar="REF", help="Where its branch begins: here, unless said.", rich_help_panel=WHERE),
]
Copies = Annotated[
    list[str] | None,
    typer.Option(
        "--copy",
        metavar="PATH",
        help="Copy this from the project into its worktree; repeatable. See .worktreeinclude.",
        rich_help_panel=WHERE,
    ),
]
Links = Annotated[
    list[str] | None,
    typer.Option("--link", metavar="PATH", help="The same, but link to it; repeatable.", rich_help_panel=WHERE),
]
Setup = Annotated[
    str | None,
    typer.Option(
        "--setup", metavar="CMD", help="Run this in its new worktree first, with a shell.", rich_help_panel=WHERE
    ),
]
Directory = Annotated[str, typer.Option("--dir", metavar="DIR", help="Project directory.", rich_help_panel=WHERE)]
Name = Annotated[str | None, typer.Option("--name", metavar="NAME", help="What to call it.")]
EnvNames = Annotated[
    list[str] | None,
    typer.Option(
        "--env",
        metavar="KEY",
        help=f"Pass this variable on, as it is here; repeatable. Unasked only {', '.join(STANDARD_NAMES)} are, and to"
        " an agent its own settings, keys, proxies and certificates.",
    ),
]
PromptFile = Annotated[
    str | None, typer.Option("--prompt-file", metavar="FILE", help="Read the prompt from FILE; - is stdin.")
]
IssueText = Annotated[
    str | None,
    typer.Option(
        "--issue",
        metavar="ISSUE",
        help="Work on this issue: its number, its URL, or a file. What it says goes behind PROMPT.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Begin it though another works on the same issue.")]
Grace = Annotated[float | None, typer.Option("--grace", metavar="SECONDS", help="From TERM to KILL, when stopped.")]
Goal = Annotated[
    Until | None,
    typer.Option(
        "--until",
        help="What ends it: its own exit, its turn's end, its pull request open or merged, or a green --verify.",
    ),
]
Verify = Annotated[
    str | None,
    typer.Option(
        "--verify",
        metavar="CMD",
        help="Whenever its turn is over, run this with a shell: it is done once that succeeds with all committed.",
    ),
]
Policy = Annotated[
    Permission | None,
    typer.Option(
        "--permission",
        metavar="POLICY",
        help="Of what it needs permission for: `ask`; `allow`, do what --allow lists; or `deny`, refuse it unasked.",
    ),
]
Rules = Annotated[
    list[str] | None,
    typer.Option("--allow", metavar="RULE", help="Done without asking, in the agent's own words; repeatable."),
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for the end: 0 completed, else 1.")]


@verb("[OPTIONS] [PROMPT] [-- CMD...]", "new", "run")
def spawn(
    ctx: typer.Context,
    prompt: Annotated[str | None, typer.Argument(hidden=True)] = None,
    stray: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    *,
    agent: AgentName = None,
    runtime: RuntimeName = None,
    workspace: WorkspaceKind = None,
    base: Base = None,
    copy: Copies = None,
    link: Links = None,
    setup: Setup = None,
    directory: Directory = ".",
    name: Name = None,
    env: EnvNames = None,
    prompt_file: PromptFile = None,
    issue: IssueText = None,
    force: Force = False,
    grace: Grace = None,
    until: Goal = None,
    verify: Verify = None,
    permission: Policy = None,
    allow: Rules = None,
    wait: Wait = False,
    timeout: Timeout = None,
    json: Json = False,
    no_daemon: NoDaemon = False,
) -> int:
    """Begin a session: an agent or a command, kept running, watched.

    Returns once it is safe on disk. CMD finds the prompt in $ORCH_PROMPT_FILE;
    other agents take CMD for options. Defaults are set with orch config.

    orch spawn --agent claude --issue 12 "write a test first"
    orch spawn --name fix --wait --timeout 600 -- ./agent.sh
    orch spawn "fix the build" -- sh -c 'my-agent < "$ORCH_PROMPT_FILE"'
    """
    asked, choices = _configured(directory, agent, ctx.obj, stray or [], env or [])
    asked = partial(
        asked,
        prompt=_prompt(prompt, prompt_file),
        issue=_issue(issue, directory, is_forced=force, use_daemon=not no_daemon),
        runtime=runtime,
        workspace=WorkspaceWish(kind=workspace, base=base, copy=tuple(copy or ()), link=tuple(link or ()), setup=setup),
        name=name,
        grace_s=grace,
        goal=GoalWish(until=until, verify=verify),
        policy=PolicyWish(permission=permission, allow=tuple(allow or ())),
    )
    return _begin(asked, choices, wait=wait, timeout=timeout, json=json, no_daemon=no_daemon)


def _configured(
    directory: str, agent: str | None, command: tuple[str, ...], stray: list[str], env_names: list[str]
) -> tuple[Callable[..., SpawnRequest], list[str]]:
    """Give how to ask for it, by what is configured, and what is to be said once it is accepted."""
    choices: list[str] = []
    usual = configuration_in(directory, notice=choices.append)
    if agent is None and usual.spawn.agent != "shell" and command:
        choices.append(
            f"orch: what stands after -- are options of {usual.spawn.agent}, the configured agent; a command is"
            " run with --agent shell"
        )
    _refuse_nonsense(agent or usual.spawn.agent, command, stray)
    asked = partial(
        spawn_request,
        argv=command,
        agent=agent,
        directory=directory,
        env_names=env_names,
        usual=usual,
        notice=choices.append,
    )
    return asked, choices


def _begin(
    asked: Callable[[], SpawnRequest],
    choices: list[str],
    *,
    wait: bool,
    timeout: float | None,
    json: bool,
    no_daemon: bool,
) -> int:
    _refuse_timeout(timeout, wait=wait)
    with waiting_for("git to look at the project"):
        request = asked()
    if missing := missing_program(request):
        raise missing
    home = reach.client(use_daemon=not no_daemon)
    taken = home.spawn(request)
    told = taken.document
    for choice in choices:
        note(choice)
    if wait and taken.is_spooled and not no_daemon:
        reach.write_document(told, as_json=json, is_spooled=True)
        raise UnreachableError(f"session {told.id} is accepted, not started: no daemon runs", hint="orch daemon start")
    if wait:
        note(f"orch: waiting for {told.id} to end (Ctrl-C leaves it running)")
        return wait_for(reach.client() if no_daemon else home, [told.id], goal=None, timeout=timeout, as_json=json)
    with reach.telling_that(f"session {told.id} was accepted"):
        reach.write_document(told, as_json=json)
    if not json:
        _note_workspace(request.spec)
        look = "go into it: orch attach" if told.attach and told.agent != "shell" else "its output: orch logs -f"
        note(f"  {look} {told.id}   end it: orch stop {told.id}")
    return exits.OK


def _note_workspace(spec: Spec) -> None:
    """Say where it works, and what of the project is not there."""
    workspace = spec.workspace
    if not workspace.is_worktree:
        return
    note(f"  its worktree: {visible(workspace.path)}, on {workspace.branch} from {visible(workspace.base or 'HEAD')}")
    from orchestrd.client.repository import changes_in

    if changes := changes_in(spec.project):
        note(f"  not in it: {counted(changes, 'uncommitted change')} of {visible(spec.project)}")


def _refuse_nonsense(agent: str, command: tuple[str, ...], stray: list[str]) -> None:
    hint = "orch spawn -- COMMAND"
    if stray:
        raise UsageError(f"{stray[0]!r} is one word too many: the command to run stands after --", hint=hint)
    if agent == "shell" and not command:
        raise UsageError(
            "there is nothing to run: the agent shell needs a command after --",
            hint=f"orch spawn --agent claude PROMPT, or for a command: {hint}",
        )


def _issue(text: str | None, directory: str, *, is_forced: bool, use_daemon: bool) -> IssueWish:
    if text is not None:
        return IssueWish(issue=read_issue(text, directory, use_daemon=use_daemon), is_forced=is_forced)
    if is_forced:
        raise UsageError("--force is about an --issue, and none is given: leave it out", hint="orch spawn --help")
    return IssueWish()


def _refuse_timeout(timeout: float | None, *, wait: bool) -> None:
    hint = "orch spawn --help"
    if timeout is not None and not wait:
        raise UsageError("--timeout says how long to --wait, which is not given: add it, or leave both out", hint=hint)
    checked(timeout, hint=hint)


def _prompt(text: str | None, file: str | None) -> str | None:
    if file is None:
        return text
    if text is not None:
        raise UsageError("two prompts: give PROMPT or --prompt-file, not both", hint="orch spawn --help")
    return read_text(f"the prompt file {file!r}", file, PROMPT_BYTES_MAX, hint="orch spawn --help")
