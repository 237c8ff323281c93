"""What an agent asks, as a host holds it: the decision that the daemon is told of, and what its answers are called."""

import json
from collections.abc import Callable, Mapping

from orchestrd.core.wording import Fields, one_line, readable
from orchestrd.model.limits import CHOICE_LABEL_CHARS_MAX, DECISION_TEXT_CHARS_MAX

ALLOW, ALWAYS, DENY, OTHER = "allow", "always", "deny", "other"  # the keys of choices
LABELS = {ALLOW: "Yes, this once", ALWAYS: "Yes, and the like of it for as long as it runs", DENY: "No"}
Reply = Callable[[str, str | None], None]  # called with the key of a choice, and the text that goes along
REFUSED = "This session may not do what needs a permission: it was started so that every request is refused."


class Ask:
    """Something that the agent waits for: `ref` is its own name of it, `choices` are labels by keys.

    A text may go along with `worded`, and must with OTHER.
    """

    def __init__(
        self,
        ref: object,
        kind: str,
        text: str,
        choices: Mapping[str, str],
        reply: Reply,
        *,
        worded: tuple[str, ...] = (),
    ) -> None:
        self.id = ""
        self.ref = ref
        self.kind = kind
        self.text = readable(text)[:DECISION_TEXT_CHARS_MAX]
        self.choices = {key: one_line(label)[:CHOICE_LABEL_CHARS_MAX] for key, label in choices.items()}
        self.reply = reply
        self._worded = worded

    def decision(self) -> Fields:
        """Give what is asked, as the daemon reads it. A reply is the key, and behind it, in JSON, a text."""
        choices = [self._choice(key, label) for key, label in self.choices.items()]
        return {"id": self.id, "kind": self.kind, "text": self.text, "choices": choices, "way": "held"}

    def _choice(self, key: str, label: str) -> Fields:
        around = [f"{key} ", ""] if key in (*self._worded, OTHER) else None
        return {"key": key, "label": label, "reply": "" if key == OTHER else key, "around": around}


def text_of_reply(said: str) -> str | None:
    """Read the text that goes along with a reply, a string in JSON; null where there is none."""
    try:
        text = json.loads(said) if said else None
    except (ValueError, RecursionError):
        return None
    return text if isinstance(text, str) else None
