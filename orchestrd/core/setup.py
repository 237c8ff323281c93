"""The setup command of a workspace: performed by the run itself, once, before its agent.

So its output stands in the log, it lives and dies with the run, a restart of the daemon does not touch it, and reviving
the session tries it again. That it is done is remembered in the git directory of the worktree, so it goes with it; that
it failed, in the run directory. Where git does not say which that is, the run alone remembers.
"""

from orchestrd.core.launch import SETUP_FAILED

SCRIPT = f"""
done=$(git rev-parse --absolute-git-dir 2>/dev/null)
done=${{done:-$ORCH_RUN_DIR}}/orchestrd-setup
if [ ! -e "$done" ]; then
  /bin/sh -c "$1" || {{
    code=$?
    echo "orchestrd: the setup command failed with exit code $code: $1" >&2
    echo "orchestrd: mend it, then try again: orch revive $ORCH_SESSION" >&2
    echo "$code" >"$ORCH_RUN_DIR/{SETUP_FAILED}"
    exit "$code"
  }}
  : >"$done"
fi
shift
exec "$@"
"""


def with_setup(argv: tuple[str, ...], command: str | None) -> tuple[str, ...]:
    """Put a setup command before an agent's command line; its process becomes the agent's."""
    return argv if command is None else ("/bin/sh", "-c", SCRIPT, "orchestrd-setup", command, *argv)
