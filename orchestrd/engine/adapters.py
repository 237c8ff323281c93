"""Everything of the world that the engine is given: one adapter for each port, or several by their names."""

from collections.abc import Mapping

from msgspec import Struct

from orchestrd.core.layout import Layout
from orchestrd.engine.actuator import ReadScreen
from orchestrd.engine.channels import MakeNotifier
from orchestrd.ports import (
    Agent,
    Attachments,
    Checkouts,
    Clock,
    CommandRunner,
    Forge,
    Gatherer,
    Inbox,
    Meter,
    Runtime,
    Store,
    Trees,
    WorkspaceKeeper,
    Worktrees,
)


class Adapters(Struct, frozen=True, kw_only=True):
    """All of them. Forges stand in the order in which a remote is shown to them."""

    layout: Layout
    clock: Clock
    store: Store
    inbox: Inbox
    attachments: Attachments
    runtimes: Mapping[str, Runtime]
    agents: Mapping[str, Agent]
    gatherer: Gatherer
    workspaces: Mapping[str, WorkspaceKeeper]
    worktrees: Worktrees
    checkouts: Checkouts
    trees: Trees
    forges: Mapping[str, Forge]
    make_notifier: MakeNotifier
    runner: CommandRunner
    meter: Meter
    read_screen: ReadScreen
