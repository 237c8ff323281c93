"""Programs that others use for a part of what we do, run beside ours: `make peers` installs them into `.venv/peers`.

Each lives in a temporary place of its own, listens on a unix socket there or on loopback, and is ended by its pid. One
that is not installed costs nothing but its rows, which say that it is not there.
"""
