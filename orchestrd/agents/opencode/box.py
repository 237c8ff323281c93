r"""The box in which a person types to OpenCode, as its screen shows it, and what stands in it (of version 1.18.33).

      ┃
      ┃  half a thought
      ┃
      ┃  Build · Model M           `Shell` while it takes commands
      ╹▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀

Invariants: what OpenCode itself writes into an empty box is never taken for a draft; and whatever else would take what
is typed, a panel over it or a shell, counts as one. Where there is no box, there is no draft.
"""

import re

from orchestrd.core.wording import one_line

_STYLE = re.compile(r"\x1b\[[0-9;:?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x0e\x0f]")
_FOOT = re.compile(r"^( *)╹(▀{10,})", re.MULTILINE)
_PROPOSED = re.compile(r'(?:Ask anything|Run a command)(?:…|\.\.\.)(?: ".*)?')
_PANEL = re.compile(r"^.{20,}? {8,}(\S(?:[^\n]{0,60}?\S)?) {8,}esc(?:/enter)?\b", re.MULTILINE)
_SHELL = "Shell"


def read_draft(screen: str) -> str | None:
    """Give what stands in the box of a screen, in one line; null where nothing does for certain."""
    shown = _STYLE.sub("", screen)
    foot = next(reversed(list(_FOOT.finditer(shown))), None)
    if foot is None:
        return None
    if panel := _PANEL.search(shown):
        return one_line(panel[1])
    *typed, below = _box(shown[: foot.start()], len(foot[1]), len(foot[2]))
    text = one_line(" ".join(typed))
    is_shell = below.strip().startswith(_SHELL)
    if not text or _PROPOSED.fullmatch(text):
        return "!" if is_shell else None
    return f"!{text}" if is_shell else text


def _box(above: str, indent: int, width: int) -> list[str]:
    """Give what stands between the sides of the box that ends here, line by line; the last one names who is asked.

    A menu of commands stands right above it, and has a side at the right as well.
    """
    inside: list[str] = []
    for line in reversed(above.removesuffix("\n").split("\n")):
        within = line[indent + 1 : indent + 1 + width].rstrip()
        if not line[indent:].startswith("┃") or within.endswith("┃"):
            break
        inside.insert(0, within)
    return inside or [""]
