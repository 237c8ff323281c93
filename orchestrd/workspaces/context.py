"""What a workspace keeper may need of the daemon that makes it."""

from msgspec import Struct

from orchestrd.core.layout import Layout
from orchestrd.workspaces.git import Git


class WorkspaceContext(Struct, frozen=True, kw_only=True):
    """Where the home has what, and the one git of the daemon: it keeps two who change one repository apart."""

    layout: Layout
    git: Git
