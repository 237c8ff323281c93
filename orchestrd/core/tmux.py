"""What everyone who deals with the tmux server of a home must agree on: the daemon, its clients, and the doctor."""

HUB = "orchestrd"  # the session that a daemon's control client is attached to: one empty pane, no process
VERSION_MIN = (3, 2)
_ATTACH = ("attach-session", "-f", "no-output,ignore-size", "-t", f"={HUB}")


def control_argv(tmux: str, address: str) -> list[str]:
    """Give the command line of a daemon's control client; it starts no server where none runs."""
    return [tmux, "-u", "-N", "-S", address, "-C", *_ATTACH]
