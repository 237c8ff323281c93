"""The environment of a session: what of the caller's it is given unasked, what is configured, and what is asked for.

Everything gets the few that a program cannot do without. An agent also gets what it is set up with where it runs by
hand: its own settings, and how to reach its provider. What tells a program that it runs inside another agent is kept
back: the session is nobody's child.
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from orchestrd.core.validate import problem_with_env_name
from orchestrd.model.settings import EnvironmentSettings

STANDARD_NAMES = ("HOME", "USER", "SHELL", "PATH", "LANG", "TMPDIR", "SSH_AUTH_SOCK")

_NETWORK = frozenset(
    {
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    }
)

_PROVIDERS = (  # whose keys and addresses a program takes that speaks to any of them
    *("ANTHROPIC_", "AZURE_", "DEEPSEEK_", "GEMINI_", "GOOGLE_", "GROQ_", "MISTRAL_", "OLLAMA_", "OPENAI_"),
    *("OPENROUTER_", "VERTEX", "XAI_"),
)


class Passing(Struct, frozen=True, kw_only=True):
    """The names that one agent is given: these, and those with these beginnings, but for `never`.

    `providers`: where a name is set, the agent reaches its model through that provider, and needs what begins so too.
    """

    names: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    never: frozenset[str] = frozenset()
    providers: tuple[tuple[str, tuple[str, ...]], ...] = ()


AGENTS = {
    "claude": Passing(
        names=_NETWORK
        | {
            *("CLAUDE_CONFIG_DIR", "CLAUDE_AUTOCOMPACT_PCT_OVERRIDE", "API_TIMEOUT_MS", "MAX_THINKING_TOKENS"),
            *("BASH_DEFAULT_TIMEOUT_MS", "BASH_MAX_TIMEOUT_MS", "BASH_MAX_OUTPUT_LENGTH"),
            *("MCP_TIMEOUT", "MCP_TOOL_TIMEOUT", "MAX_MCP_OUTPUT_TOKENS", "ENABLE_TOOL_SEARCH"),
            *("DO_NOT_TRACK", "USE_BUILTIN_RIPGREP", "FORCE_AUTOUPDATE_PLUGINS"),
        },
        prefixes=("ANTHROPIC_", "CLAUDE_CODE_", "DISABLE_", "OTEL_"),
        never=frozenset(
            {
                *("CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SSE_PORT", "CLAUDE_CODE_SESSION_ID"),
                *("CLAUDE_CODE_SESSION_KIND", "CLAUDE_CODE_REMOTE", "CLAUDE_CODE_REMOTE_SESSION_ID"),
            }
        ),
        providers=(
            ("CLAUDE_CODE_USE_BEDROCK", ("AWS_",)),
            ("CLAUDE_CODE_USE_VERTEX", ("GOOGLE_", "CLOUD_ML_", "VERTEX_", "GCLOUD_")),
            ("CLAUDE_CODE_USE_FOUNDRY", ("AZURE_",)),
        ),
    ),
    "gemini": Passing(
        names=_NETWORK | {"DO_NOT_TRACK"},
        prefixes=("GEMINI_", "GOOGLE_"),
        never=frozenset({"GEMINI_CLI", "GEMINI_CLI_NO_RELAUNCH", "GEMINI_SESSION_ID", "GEMINI_PROJECT_DIR"}),
    ),
    "codex": Passing(
        names=_NETWORK | {"RUST_LOG"},
        prefixes=("CODEX_", *_PROVIDERS),
        never=frozenset(
            {
                *("CODEX_SANDBOX", "CODEX_SANDBOX_NETWORK_DISABLED", "CODEX_THREAD_ID", "CODEX_CI"),
                *("CODEX_INTERNAL_ORIGINATOR_OVERRIDE", "CODEX_MANAGED_BY_NPM", "CODEX_MANAGED_BY_BUN"),
            }
        ),
    ),
    "opencode": Passing(
        names=_NETWORK
        | {"AWS_BEARER_TOKEN_BEDROCK", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"},
        prefixes=("OPENCODE_", *_PROVIDERS),
        never=frozenset(
            {"OPENCODE_CONFIG_CONTENT", "OPENCODE_PID", "OPENCODE_ROUTE", "OPENCODE_WORKSPACE_ID", "OPENCODE_CLIENT"}
        ),
    ),
    "aider": Passing(
        names=_NETWORK | {"DO_NOT_TRACK"},
        prefixes=("AIDER_", "LITELLM_", *_PROVIDERS),
        never=frozenset({"AIDER_YES_ALWAYS"}),  # no session is let do everything
    ),
}


def environment_of(
    agent: str, environ: Mapping[str, str], asked: Sequence[str], settings: EnvironmentSettings
) -> dict[str, str]:
    """Compose the environment of a session out of the caller's; what is asked for by name is set there.

    What is configured to be set wins over what is passed on, but for what is asked for; the configured directories
    stand before whatever PATH there then is.
    """
    names = (*passed_unasked(agent, environ), *_passed_on(agent, environ, settings.pass_), *asked)
    given = {name: environ[name] for name in dict.fromkeys(names)}
    given |= {name: value for name, value in settings.set.items() if name not in asked}
    places = [_from_home(path, environ) for path in settings.path]
    if places:
        given["PATH"] = ":".join([*places, given["PATH"]] if given.get("PATH") else places)
    return given


def passed_unasked(agent: str, names: Iterable[str]) -> tuple[str, ...]:
    """Choose, out of the names that are set where the caller stands, those that a session of this agent is given."""
    there = frozenset(names)
    passing = AGENTS.get(agent, Passing())
    prefixes = (
        *passing.prefixes,
        *(prefix for switch, needed in passing.providers if switch in there for prefix in needed),
    )
    own = {name for name in there if name in passing.names or name.startswith(prefixes)} - passing.never
    return (*(name for name in STANDARD_NAMES if name in there), *sorted(own))


def _passed_on(agent: str, there: Iterable[str], wanted: Sequence[str]) -> list[str]:
    """Choose the names that are configured; a beginning takes none that is kept back, or could not be asked for."""
    names = frozenset(name for name in wanted if not name.endswith("*"))
    prefixes = tuple(name.removesuffix("*") for name in wanted if name.endswith("*"))
    never = AGENTS.get(agent, Passing()).never
    return sorted(
        name
        for name in there
        if name in names or (name.startswith(prefixes) and name not in never and problem_with_env_name(name) is None)
    )


def _from_home(path: str, environ: Mapping[str, str]) -> str:
    return environ.get("HOME", "").rstrip("/") + path.removeprefix("~") if path.startswith("~/") else path
