"""Deliveries of GitHub's webhooks: whose they are, whether they were sent before, and which repository they are about.

A delivery tells nothing that is believed: it only makes the next look come at once, and that tells. Invariant: without
a secret, or with a signature that is not made by it, nothing in a delivery is read.
"""

import hmac
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import sha256

from orchestrd.forges.github.answers import fields_of
from orchestrd.model.errors import RefusedError, UsageError
from orchestrd.model.limits import DELIVERIES_KNOWN_MAX

_NUDGING = frozenset(
    {
        "check_run",
        "check_suite",
        "issue_comment",
        "pull_request",
        "pull_request_review",
        "pull_request_review_comment",
        "pull_request_review_thread",
        "push",
        "status",
        "workflow_job",
        "workflow_run",
    }
)


class Deliveries:
    """Takes deliveries; `repository_of` names a repository by its URL, `known` the deliveries that were taken before.

    They are known by their signatures: the id of a delivery is not signed, and anybody may write another.
    """

    def __init__(self, repository_of: Callable[[str], str | None], known: "OrderedDict[str, None]") -> None:
        self._repository_of = repository_of
        self.known = known

    def repository_in(self, headers: Mapping[str, str], body: bytes, secret: str) -> str | None:
        """Name the repository to look at; null where there is nothing to look at, or it was told before.

        The names of headers are in small letters. Raises RefusedError (`bad_signature`) where it is not signed with the
        secret, UsageError where it is no delivery of GitHub.
        """
        signature = headers.get("x-hub-signature-256", "")
        if not hmac.compare_digest(signature.encode(), _signature_of(body, secret).encode()):
            raise RefusedError("this delivery is not signed with the secret of the webhook", code="bad_signature")
        if self._was_told(signature):
            return None
        event = headers.get("x-github-event", "")
        if event not in _NUDGING:
            return None
        repository = fields_of(body).get("repository")
        url = repository.get("html_url") if isinstance(repository, dict) else None
        if not isinstance(url, str):
            raise UsageError(f"this delivery ({event}) names no repository", code="bad_delivery")
        return self._repository_of(url)

    def _was_told(self, signature: str) -> bool:
        was_told = signature in self.known
        self.known[signature] = None
        while len(self.known) > DELIVERIES_KNOWN_MAX:
            self.known.popitem(last=False)
        return was_told


def _signature_of(body: bytes, secret: str) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()
