"""What becomes of what Claude Code needs permission for, as it is told at its launch (of version 2.1.197).

    ask     as the user has configured it
    allow   the rules that are listed, in Claude Code's own words: `Edit`, `Bash(git diff:*)`
    deny    whatever is not allowed by the user's configuration is refused without a dialog

Invariant: no launch of ours lets Claude Code do everything.
"""

from itertools import pairwise

from orchestrd.model.session import Spec
from orchestrd.model.words import Permission

POLICIES = (Permission.ASK, Permission.ALLOW, Permission.DENY)
_BYPASSES = frozenset({"--dangerously-skip-permissions", "--allow-dangerously-skip-permissions"})
_MODE, _NO_QUESTIONS, _NO_LIMITS = "--permission-mode", "dontAsk", "bypassPermissions"
_RULES = "--allowedTools"


def policy_words(spec: Spec) -> tuple[str, ...]:
    """Give the arguments that say so; a rule a word, for it may hold spaces and commas."""
    match spec.permission:
        case Permission.ALLOW:
            return tuple(f"{_RULES}={rule}" for rule in spec.allow)
        case Permission.DENY:
            return (_MODE, _NO_QUESTIONS)
        case _:
            return ()


def problem_with_policy(spec: Spec) -> str | None:
    """Say which argument would allow everything or contradict the policy, or which rule is none; or null."""
    if bypass := _bypass(spec.argv):
        return f"{bypass} lets Claude Code do everything: name what it may do, orch spawn --allow 'Bash(git diff:*)'"
    if spec.permission is Permission.DENY and any(word.split("=")[0] == _MODE for word in spec.argv):
        return f"{_MODE} contradicts --permission deny: leave out one of them"
    strange = next((rule for rule in spec.allow if rule.startswith("-") or not rule[:1].isalpha()), None)
    if strange is not None:
        return f"{strange!r} is no permission rule of Claude Code: Edit, or Bash(git diff:*)"
    return None


def _bypass(argv: tuple[str, ...]) -> str | None:
    pairs = (f"{word}={value}" for word, value in pairwise(argv) if word == _MODE)
    modes = (f"{_MODE}={_NO_LIMITS}",)
    return next((word for word in (*argv, *pairs) if word.split("=")[0] in _BYPASSES or word in modes), None)
