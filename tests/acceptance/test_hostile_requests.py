"""Hostile names, ids, values and texts in what is asked for: a clear refusal that leaves nothing behind."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrd.client import calls
from orchestrd.client.calls import Call
from orchestrd.model.document import Document, SpawnRequest
from orchestrd.model.errors import NotFoundError, UsageError
from orchestrd.model.limits import MESSAGE_BYTES_MAX
from tests.acceptance import agents
from tests.acceptance.daemon import Home

NAMES = {
    "empty": "",
    "up and away": "../../../../etc/passwd",
    "hidden": ".bashrc",
    "dash": "-rf",
    "newline": "two\nlines",
    "escape": "\x1b]0;owned\x07",
    "nul": "a\0b",
    "right to left": "abc\u202efdp.exe",
    "10 kB": "x" * 10_240,
}
IDS = ["../../x", "ABCDEFGH", "aaaaaaa1", "aaaa aaa", "aaaaaaaa/../bbbbbbbb", "", "a" * 10_240, "äaaaaaaa"]
ENVIRONMENTS = [{"A=B": "x"}, {"ORCH_HOME": "/"}, {"": "x"}, {"1A": "x"}, {"A": "x\0B=y"}, {"A": "x" * 200_000}]


def _body(home: Home, **spec: Any) -> dict[str, Any]:
    """Make the body of a spawn that no client of ours would send."""
    request: dict[str, Any] = msgspec.to_builtins(home.request(agents.ends_with(0)))
    request["spec"].update(spec)
    return request


def _post(body: dict[str, Any]) -> Call[Document]:
    return Call(
        method="POST",
        target="/v1/sessions",
        answer=Document,
        headers=(("Idempotency-Key", body["id"].encode("ascii", "replace").decode()),),
        body=msgspec.json.encode(body),
    )


def _files(home: Home) -> set[str]:
    kept = ("sessions", "secrets", "prompts", "runs", "inbox", "quarantine")
    return {str(path) for name in kept for path in (Path(home.layout.home) / name).rglob("*")}


def _refused(home: Home, body: dict[str, Any]) -> UsageError:
    """Ask for it, and see that it is refused and has left nothing."""
    before = _files(home)
    with pytest.raises(UsageError) as refused:
        home.ask(_post(body))
    assert _files(home) == before
    assert home.documents() == {}
    return refused.value


def test_what_makes_no_sense_is_refused_in_one_printable_sentence_and_leaves_nothing(home: Home) -> None:
    home.start()
    bodies = {f"name: {word}": _body(home, name=name) for word, name in NAMES.items()}
    bodies |= {f"environment {values}": {**_body(home), "environment": values} for values in ENVIRONMENTS}
    bodies |= {f"id {id_[:20]!r}": {**_body(home), "id": id_} for id_ in IDS}
    bodies |= {
        "relative project": _body(home, project="here"),
        "relative workspace": _body(home, workspace={"kind": "none", "path": "../there"}),
        "unknown workspace": _body(home, workspace={"kind": "cloud", "path": "/"}),
        "NUL in argv": _body(home, argv=["sh", "-c", "a\0b"]),
        "huge argv": _body(home, argv=["x" * 200_000]),
        "endless grace": _body(home, grace_s=1e12),
        "negative grace": _body(home, grace_s=-1),
        "path as nonce": _body(home, nonce="../x"),
        "newline in nonce": _body(home, nonce="x\nORCH_RUN=y"),
    }

    for word, body in bodies.items():
        said = _refused(home, body)
        assert said.message.isprintable(), word
        assert len(said.message) < 700, word

    assert home.facts().rejected == 0


def test_a_command_an_agent_and_a_runtime_that_are_not_there_are_refused_by_name(home: Home) -> None:
    home.start()

    for spec, word in (({"argv": []}, "CMD"), ({"agent": "hal"}, "'hal'"), ({"runtime": "cloud"}, "'cloud'")):
        assert word in _refused(home, _body(home, **spec)).message


def test_a_body_that_is_no_spawn_is_refused(home: Home) -> None:
    home.start()
    bodies = [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"id": "\\ud800"}', b'{"id": NaN}', b"[" * 100_000]

    for data in (*bodies, b"x" * (1 << 20)):
        key = (("Idempotency-Key", "aaaaaaaa"),)
        with pytest.raises(UsageError):
            home.ask(Call(method="POST", target="/v1/sessions", answer=Document, headers=key, body=data))

    assert home.documents() == {}


def test_a_strange_but_harmless_name_is_kept_as_it_is(home: Home) -> None:
    home.start()
    strange = ["🚀 fix the login", "👩‍👩‍👧‍👦", "mit Umlaut äöü", "x" * 64, "$(reboot)", "%s%n", "=x", "a:b.c"]
    named = {home.spawn(agents.ends_with(0), name=name): name for name in strange}

    told = home.until_over()

    for session, name in named.items():
        assert (told[session].name, told[session].state) == (name, "completed")
        assert home.show(name).id == session
        assert home.record(session).spec.name == name


def test_a_reference_to_nothing_is_not_found(home: Home) -> None:
    home.start()

    for ref in ("../../../etc/passwd", "%00", "a" * 10_240, "🚀", "-x", "\n", "aaaaaaaa"):
        with pytest.raises(NotFoundError):
            home.show(ref)


def test_a_prompt_of_1_mb_reaches_the_agent_whole_and_swells_nothing_else(home: Home) -> None:
    home.start()
    prompt = "".join(f"{number:07d} \N{SNOWMAN}\n" for number in range(90_000))
    request: SpawnRequest = home.request('sha256sum <"$ORCH_PROMPT_FILE"', prompt=prompt)

    session = home.ask(calls.spawn(request)).id
    told = home.until_over(session)[session]

    assert len(prompt.encode()) > 1 << 20
    assert (told.state, told.prompt) == ("completed", prompt[:2_000])
    assert home.log(session).split()[0] == hashlib.sha256(prompt.encode()).hexdigest()
    assert Path(home.layout.record(session)).stat().st_size < 32 * 1024
    assert sum(path.stat().st_size for path in home.segments()) < 64 * 1024


def test_a_message_too_long_or_with_nul_is_refused_and_the_next_one_is_read(home: Home) -> None:
    home.start()
    session = home.spawn(agents.ASKS)
    home.reach(session, "waiting")

    for number, text in enumerate(("x" * (MESSAGE_BYTES_MAX + 1), "a\0b")):
        with pytest.raises(UsageError):
            home.send(session, text, f"m{number}")
    home.send(session, "go", "good")

    told = home.until_over(session)[session]
    assert (told.state, told.exit_code) == ("completed", 0)
    assert home.mark(f"{session}.heard") == ["go"]
