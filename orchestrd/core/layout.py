"""Every path and file name below the home, and where the home is, and the configuration.

Strings only, so that the fast paths pay nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def home_from(environ: "Mapping[str, str]") -> str:
    """Find the home: $ORCH_HOME, else $XDG_STATE_HOME/orchestrd, else ~/.local/state/orchestrd.

    A relative $XDG_STATE_HOME counts as not set.
    """
    if home := environ.get("ORCH_HOME"):
        return home.rstrip("/") or "/"
    state = environ.get("XDG_STATE_HOME", "")
    if not state.startswith("/"):
        state = environ.get("HOME", "").rstrip("/") + "/.local/state"
    return state.rstrip("/") + "/orchestrd"


REPOSITORY_FILE = ".orchestrd.toml"  # at the top of a working tree


def config_file_from(environ: "Mapping[str, str]") -> str:
    """Find the user's own settings: below $XDG_CONFIG_HOME, else below ~/.config; a relative one counts as not set."""
    place = environ.get("XDG_CONFIG_HOME", "")
    if not place.startswith("/"):
        place = environ.get("HOME", "").rstrip("/") + "/.config"
    return place.rstrip("/") + "/orchestrd/config.toml"


def draft_of(path: str) -> str:
    """Give where a file is written before it takes its place: beside it, hidden."""
    directory, _, name = path.rpartition("/")
    return f"{directory}/.{name}.tmp"


class Layout:
    """The places of one home; `home` is an absolute path."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.home_record = home + "/home.json"
        self.sessions = home + "/sessions"
        self.runs = home + "/runs"
        self.journal = home + "/journal"
        self.inbox = home + "/inbox"
        self.inbox_tmp = home + "/inbox/tmp"
        self.inbox_new = home + "/inbox/new"
        self.prompts = home + "/prompts"
        self.messages = home + "/messages"
        self.secrets = home + "/secrets"
        self.worktrees = home + "/worktrees"
        self.archive = home + "/archive"
        self.trusted = home + "/trusted"
        self.quarantine = home + "/quarantine"
        self.logs = home + "/logs"
        self.run = home + "/run"
        self.socket = home + "/run/daemon.sock"
        self.nudge = home + "/run/nudge"
        self.lock = home + "/run/lock"
        self.tmux_socket = home + "/run/tmux.sock"
        self.daemon_log = home + "/logs/daemon.log"

    def directories(self) -> tuple[str, ...]:
        """Give every directory of the home, parents first, in the order they are made."""
        return (
            self.home,
            self.sessions,
            self.runs,
            self.journal,
            self.inbox,
            self.inbox_tmp,
            self.inbox_new,
            self.prompts,
            self.messages,
            self.secrets,
            self.archive,
            self.quarantine,
            self.logs,
            self.run,
        )

    def record(self, session: str) -> str:
        """Give the path of a session's record."""
        return f"{self.sessions}/{session}.json"

    def run_directory(self, session: str, generation: int) -> str:
        """Give the meeting place of launcher, hook and daemon for one run."""
        return f"{self.runs}/{session}.{generation}"

    def prompt(self, session: str) -> str:
        """Give the path of a session's whole prompt."""
        return f"{self.prompts}/{session}"

    def message(self, session: str, digest: str) -> str:
        """Give the path of the text of a message that is too large for a record."""
        return f"{self.messages}/{session}.{digest}"

    def secret(self, session: str) -> str:
        """Give the path of the values of a session's environment (0600)."""
        return f"{self.secrets}/{session}.env"

    def archived(self, session: str) -> str:
        """Give the directory in which all of an archived session lies."""
        return f"{self.archive}/{session}"

    def log(self, session: str) -> str:
        """Give the path of a session's output."""
        return f"{self.logs}/{session}.log"
