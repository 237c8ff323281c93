"""Agent `opencode`: OpenCode in a terminal. How it is launched, and what each of its witnesses means.

In the order in which they are believed:

1. `plugin`, of ours, inside OpenCode: it hears every edge of a turn within a few milliseconds, an interrupt and an
   answered dialog as well, and each of its lines tells the whole state, so that one that is lost is made good by the
   next. It cannot hear what only the screen knows: a panel that a person has opened, the dialogs of the start, and
   when the box is there that takes a prompt. With OpenCode killed or hung it is silent, and nobody mends that but who
   looks.
2. `report`, by `orch report`.
3. `screen`: drawn anew within a tenth of a second, and looked at with every look; so it outlives a lost line. Its
   footer names the key that interrupts while a turn goes on, and does not otherwise; a dialog takes the place of the
   box. It lies for as long as somebody looks at the conversation of a subagent, which has a footer of its own.

The title of its terminal never changes and says nothing. Its conversations are rows of a database, that cannot be read
as they grow: there is no transcript. Nothing is concluded from silence, and nothing that is read raises.

Held to version 1.18.33 by what was recorded of it (tests/agents/opencode_lines, tests/agents/screens/opencode).
"""

from orchestrd.agents.opencode.agent import OpenCodeAgent

__all__ = ["OpenCodeAgent"]
