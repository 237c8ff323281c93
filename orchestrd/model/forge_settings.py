"""What a user may set of the forge, where the pull requests of sessions are: `[forge]` of `config.toml`.

Invariant: no key holds a secret. A secret is named by the variable of the environment or the file that has it.
"""

from typing import Annotated

from msgspec import Meta, Struct

from orchestrd.model.limits import FORGE_SHARE
from orchestrd.model.setting_key import FORGES, Named, SealedUrl, SecretFile, Variable, of_user

LoopbackAddress = Annotated[str, Meta(pattern=r"^(127\.0\.0\.1|\[::1\]|localhost):[1-9][0-9]{0,4}$")]


class ForgeSettings(Struct, frozen=True, kw_only=True):
    """Where pull requests are looked for, and how. Read at the daemon's start and at `orch daemon reload`."""

    kind: Annotated[
        str,
        of_user(
            "What the remote of a repository is: `github`, `local` (a bare repository, where merged means: reachable"
            " from the base), `auto`: what its URL says, or `none`: no forge is asked.",
            names=Named(FORGES.group, ("auto", *FORGES.ours, "none")),
        ),
    ] = "auto"
    remote: Annotated[str, of_user("Remote that branches are pushed to.", "name of a remote", min_length=1)] = "origin"
    github_url: Annotated[
        SealedUrl | None,
        of_user("A GitHub Enterprise server; `https`, but on this machine.", "URL", "https://github.example.com"),
    ] = None
    github_api: Annotated[
        SealedUrl | None,
        of_user("Its API, where it is not below that URL at `/api/v3`.", "URL", "https://api.github.example.com"),
    ] = None
    token_env: Annotated[
        Variable | None,
        of_user(
            "Variable of the daemon's environment that has the token; unset: `GITHUB_TOKEN`, `GH_TOKEN`, or what `gh`"
            " has.",
            "name",
            "GITHUB_TOKEN",
        ),
    ] = None
    token_file: Annotated[SecretFile | None, of_user("File that has it.", "path", "~/.config/orchestrd/token")] = None
    share: Annotated[
        float,
        of_user("How much of what the forge allows is left to the agents' own calls.", "a share", ge=0, le=0.95),
    ] = FORGE_SHARE
    webhook_listen: Annotated[
        LoopbackAddress | None,
        of_user(
            "Take webhooks of GitHub here, on this machine only: they make the next look come at once.",
            "address:port",
            "127.0.0.1:7810",
        ),
    ] = None
    webhook_secret_env: Annotated[
        Variable | None, of_user("Variable that has the secret by which they are signed.", "name", "WEBHOOK_SECRET")
    ] = None
    webhook_secret_file: Annotated[
        SecretFile | None, of_user("File that has it.", "path", "~/.config/orchestrd/webhook-secret")
    ] = None
