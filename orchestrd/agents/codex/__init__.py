"""Agent `codex`: OpenAI's Codex. How it is launched, and what each of its witnesses means.

The order of authority, and what each of them does not see:

1. What it tells its terminal (OSC 7501: `osc`) comes first, within milliseconds, and sees every edge of a turn: begun,
   blocked, answered, over, interrupted, failed. It is heard once, and a dialog of the program itself, which a person
   has opened between two turns, is no edge to it.
2. The *screen*, where the composer and a dialog are never there together. It alone tells of the dialogs of the start
   and of those that a person opens, and what can be answered. It does not tell work from rest.
3. The *title* tells work, rest and a decision apart at each look; we have it show these words. It is late by a second
   where it asks for a decision, and says `Ready` at the dialogs of the program itself.
4. *Hooks* tell of each prompt and of each answer, with their times. None fires at an interrupt, an answered dialog or
   an error of the API. The one that asks for permission is not used: Codex holds its dialog back meanwhile, and it
   fires as well where another model or another hook gives the permission.
5. The *transcript*, called rollout, comes last. It alone tells why a turn failed, when a usage limit ends, and tokens.
6. A *report* of the session itself, which knows least of the turn it is made in.

Held to version 0.169.0 by what was recorded of it (tests/agents/codex_samples, tests/agents/screens/codex).
"""

from orchestrd.agents.codex.agent import CodexAgent

__all__ = ["CodexAgent"]
