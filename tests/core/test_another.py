"""The request for a session that a reaction begins is the same each time, and keeps what matters of the first."""

import hashlib

import pytest
from msgspec.structs import replace

from orchestrd.core.another import another
from orchestrd.core.on_command import spawn
from orchestrd.core.prompt import head_of
from orchestrd.core.validate import problem_with_request
from orchestrd.model.command import Spawn
from orchestrd.model.document import SpawnRequest
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import NAME_CHARS_MAX, PROMPT_HEAD_CHARS
from orchestrd.model.observation import Evidence
from orchestrd.model.reaction import SpawnOrder
from orchestrd.model.session import Session, Spec, Workspace
from orchestrd.model.words import Authority, Permission, Until
from orchestrd.testing.clocks import DAWN
from tests.documents import a_spec

EFFECT = Effect(id="1.7", kind=EffectKind.SPAWN, generation=1, reaction="follow-up")
WORKTREE = Workspace(kind="worktree", path="/trees/webshop/abcdefgh", branch="orch/abcdefgh-login", base="main")


def session_of(spec: Spec) -> Session:
    session = spawn(Spawn(session=SessionId("abcdefgh"), spec=spec), Evidence(), DAWN).session
    assert session is not None
    return session


def asked(
    spec: Spec | None = None, *, agent: str = "", prompt: str = "Review it.", effect: Effect = EFFECT
) -> SpawnRequest:
    order = SpawnOrder(agent=agent, prompt=prompt)
    return another(session_of(spec or a_spec()), effect, order, {"HOME": "/home/me"}, "/trees")


def test_the_same_effect_makes_the_same_request_and_another_another() -> None:
    once, again, other = asked(), asked(), asked(effect=replace(EFFECT, id="1.8"))

    assert once == again
    assert len({once.id, other.id, "abcdefgh"}) == 3
    assert once.spec.nonce not in {other.spec.nonce, a_spec().nonce}


def test_it_keeps_what_the_session_had_and_has_the_prompt_of_the_order() -> None:
    spec = a_spec(agent="claude", argv=("--model", "big"), permission=Permission.ALLOW, allow=("Bash",), grace_s=3.0)

    request = asked(spec)

    assert problem_with_request(request) is None
    assert (request.spec.project, request.spec.runtime, request.spec.grace_s) == (spec.project, spec.runtime, 3.0)
    assert (request.spec.argv, request.spec.allow) == (("--model", "big"), ("Bash",))
    assert (request.prompt, request.spec.prompt, request.environment) == (
        "Review it.",
        "Review it.",
        {"HOME": "/home/me"},
    )
    assert (request.authority, request.spec.name) == (Authority.USER, "fix-login-follow-up")


def test_another_agent_is_given_nothing_that_was_meant_for_this_one() -> None:
    spec = a_spec(agent="claude", argv=("--model", "big"), permission=Permission.ALLOW, allow=("Bash",))

    request = asked(spec, agent="codex")

    assert (request.spec.agent, request.spec.argv, request.spec.allow) == ("codex", (), ())


def test_it_has_goals_of_its_own() -> None:
    request = asked(a_spec(until=Until.VERIFY, verify="make test", issue="github.com/o/r#1"))

    assert (request.spec.until, request.spec.verify, request.spec.issue) == (Until.EXIT, None, None)


def test_it_has_a_worktree_of_its_own_where_the_session_has_one() -> None:
    request = asked(a_spec(workspace=WORKTREE), prompt="Review the login")

    assert request.spec.workspace == replace(
        WORKTREE, path=f"/trees/webshop/{request.id}", branch=f"orch/{request.id}-review-the-login"
    )
    assert problem_with_request(request) is None


def test_another_agent_allows_no_more_than_this_one_did() -> None:
    asking = asked(a_spec(agent="claude", permission=Permission.ALLOW, allow=("Bash",)), agent="codex")
    denying = asked(a_spec(agent="claude", permission=Permission.DENY), agent="codex")

    assert problem_with_request(asking) is None
    assert (asking.spec.permission, denying.spec.permission) == (Permission.ASK, Permission.DENY)


@pytest.mark.parametrize("name", ["n" * NAME_CHARS_MAX, "two words" + " x" * (NAME_CHARS_MAX // 2 - 5)])
def test_its_name_is_one_that_a_session_may_have(name: str) -> None:
    request = asked(a_spec(name=name), prompt="")

    assert problem_with_request(request) is None
    assert request.spec.name.endswith("-follow-up")
    assert (request.prompt, request.spec.prompt) == (None, None)


def test_what_no_reaction_has_decided_on_is_called_after_its_own_id() -> None:
    request = asked(effect=replace(EFFECT, reaction=None))

    assert request.spec.name == f"fix-login-{request.id}"


def test_of_a_long_prompt_the_record_holds_the_beginning_the_size_and_the_hash() -> None:
    prompt = "ä" * (PROMPT_HEAD_CHARS + 1)

    head = head_of(prompt)

    assert (head.prompt, head.prompt_bytes) == (prompt[:-1], 2 * len(prompt))
    assert head.prompt_sha256 == hashlib.sha256(prompt.encode()).hexdigest()
    assert head_of(None).prompt is None
