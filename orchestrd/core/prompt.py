"""What the record holds of a prompt: how it begins, its size and its hash; the whole of it stands in prompts/<id>."""

import hashlib

from msgspec import Struct

from orchestrd.model.limits import PROMPT_HEAD_CHARS


class PromptHead(Struct, frozen=True, kw_only=True):
    """The fields of a `Spec` that tell of its prompt."""

    prompt: str | None = None
    prompt_bytes: int = 0
    prompt_sha256: str | None = None


def head_of(prompt: str | None) -> PromptHead:
    """Say what the record holds of a prompt; of none, nothing."""
    if prompt is None:
        return PromptHead()
    whole = prompt.encode("utf-8", "surrogatepass")  # what is no Unicode is refused by the rules, with a sentence
    return PromptHead(
        prompt=prompt[:PROMPT_HEAD_CHARS], prompt_bytes=len(whole), prompt_sha256=hashlib.sha256(whole).hexdigest()
    )
