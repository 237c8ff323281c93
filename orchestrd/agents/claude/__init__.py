"""Agent `claude`: Claude Code, in a terminal or hosted. How it is launched, and what each of its witnesses means.

Each witness sees some edges and misses others: hooks miss every interrupt and every answered dialog; the transcript an
interrupt before the first token; the state file and the title retries; and only the screen shows these, and the dialogs
of the start. So each says no more than it knows, by every activity that its word agrees with; who is believed is
decided in `orchestrd/core/evidence.py`. Nothing is concluded from silence, and nothing that is read raises. Where it
is hosted its own protocol names every edge: then the host is believed, and none of the others is needed.

Held to version 2.1.197 by what was recorded of it (tests/agents/claude_samples).
"""

from orchestrd.agents.claude.agent import ClaudeAgent

__all__ = ["ClaudeAgent"]
