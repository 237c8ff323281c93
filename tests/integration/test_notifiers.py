"""The contract of all notifiers, over real servers and programs; and what each of them does in its own way."""

import asyncio
import hashlib
import hmac
import json
import os
import time
from collections.abc import Iterator
from getopt import getopt
from pathlib import Path

import jsonschema
import pytest
from msgspec.structs import replace

from orchestrd.model.errors import RefusedError, TransientError, UsageError
from orchestrd.model.notice import Priority
from orchestrd.model.notice_settings import ChannelSettings
from orchestrd.notifiers import apprise, command, desktop, ntfy, posting, program, webhook
from orchestrd.schemas import read as read_schema
from orchestrd.testing.contracts.notifier import READY, STUCK, Arrived, NotifierContract
from orchestrd.testing.notifier import ScriptedNotifier
from tests.integration.far_ends import SECRET, Posted, ProgramStage, Server, ServerStage, Told, a_context
from tests.processes import is_alive

LONG_S = 30.0
SCHEMA = read_schema("notices")

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # Apprise looks whether it is there


# ---- webhook ---------------------------------------------------------------------------------------------------------


def posted_notices(posted: Posted) -> Arrived:
    body = json.loads(posted.body)
    jsonschema.validate(body, SCHEMA)
    texts = [f"{notice['title']}\n{notice['text']}" for notice in body["notices"]]
    return Arrived(text="\n".join(texts), identity=posted.headers["Idempotency-Key"])


@pytest.fixture
def hook(tmp_path: Path) -> Iterator[ServerStage]:
    """A webhook whose URL and whose signature are secret."""

    def make(server: Server) -> webhook.WebhookNotifier:
        settings = ChannelSettings(kind="webhook", url_env="HOOK_URL", secret_env="HOOK_SECRET")
        url = f"http://{server.address}/hooks/{SECRET}"
        return webhook.notifier(a_context(tmp_path, settings, HOOK_URL=url, HOOK_SECRET=SECRET))

    stage = ServerStage(make, posted_notices)
    yield stage
    stage.server.close()


class TestWebhookNotifier(NotifierContract):
    @pytest.fixture
    def stage(self, hook: ServerStage) -> ServerStage:
        return hook


async def test_a_webhook_is_signed_over_its_time_and_its_body(hook: ServerStage) -> None:
    await hook.notifier.tell([STUCK])

    (posted,) = hook.server.posted
    signed = f"{posted.headers['X-Orchestrd-Timestamp']}.".encode() + posted.body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert posted.headers["X-Orchestrd-Signature"] == f"sha256={expected}"
    assert abs(time.time() - int(posted.headers["X-Orchestrd-Timestamp"])) < 60


async def test_a_webhook_is_given_each_notice_as_it_is(hook: ServerStage) -> None:
    await hook.notifier.tell([STUCK, READY])

    body = json.loads(hook.server.posted[0].body)
    assert [notice["key"] for notice in body["notices"]] == [STUCK.key, READY.key]
    assert body["notices"][0] == {
        "key": STUCK.key,
        "priority": "urgent",
        "title": STUCK.title,
        "text": STUCK.text,
        "at": "2026-01-01T12:00:00Z",
        "session": "aaaaaaaa",
        "reaction": None,
        "url": STUCK.url,
    }


async def test_a_redirect_is_not_followed_with_what_is_signed(hook: ServerStage) -> None:
    hook.server.status, hook.server.headers = 307, {"Location": f"http://{hook.server.address}/elsewhere"}

    with pytest.raises(TransientError, match="redirect is not followed"):
        await hook.notifier.tell([STUCK])

    assert len(hook.server.posted) == 1


@pytest.mark.parametrize(("status", "kind"), [(400, RefusedError), (413, RefusedError), (401, TransientError)])
async def test_what_is_wrong_with_a_notice_is_told_apart_from_what_may_be_mended(
    hook: ServerStage, status: int, kind: type[Exception]
) -> None:
    hook.server.status = status

    with pytest.raises(kind, match=str(status)):
        await hook.notifier.tell([STUCK])


async def test_a_server_that_does_not_answer_in_time_is_told_of(
    hook: ServerStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "NOTIFY_ANSWER_S", 0.3)
    hook.hang()

    with pytest.raises(TransientError, match="did not answer within"):
        await hook.notifier.tell([STUCK])


async def test_a_server_that_is_not_there_is_told_of_without_its_secret_url(tmp_path: Path) -> None:
    settings = ChannelSettings(kind="webhook", url_env="HOOK_URL")
    notifier = webhook.notifier(a_context(tmp_path, settings, HOOK_URL=f"http://127.0.0.1:9/{SECRET}"))

    with pytest.raises(TransientError, match="out of reach") as caught:
        await notifier.tell([STUCK])

    assert SECRET not in str(caught.value)
    await notifier.close()


async def test_a_secret_that_is_missing_is_named_and_may_come_later(tmp_path: Path, hook: ServerStage) -> None:
    settings = ChannelSettings(kind="webhook", url=f"http://{hook.server.address}/", secret_file="~/secret")
    notifier = webhook.notifier(a_context(tmp_path, settings))
    with pytest.raises(TransientError, match=r"phone has no secret: ~/secret cannot be read: No such file"):
        await notifier.tell([STUCK])
    (tmp_path / "secret").write_text("\n")
    with pytest.raises(TransientError, match=r"~/secret is empty"):
        await notifier.tell([STUCK])
    (tmp_path / "secret").write_bytes(b"\xff")
    with pytest.raises(TransientError, match=r"it is no text"):
        await notifier.tell([STUCK])
    (tmp_path / "secret").write_text(f"{SECRET}\n")

    await notifier.tell([STUCK])

    (posted,) = hook.server.posted
    signed = posted.headers["X-Orchestrd-Timestamp"]
    assert posted.headers["X-Orchestrd-Signature"] == webhook.signature(SECRET, signed, posted.body)
    await notifier.close()


async def test_a_secret_that_no_header_can_bear_is_none_and_is_not_repeated(tmp_path: Path, hook: ServerStage) -> None:
    settings = ChannelSettings(kind="ntfy", topic="t", url=f"http://{hook.server.address}/", token_env="TOKEN")
    notifier = ntfy.notifier(a_context(tmp_path, settings, TOKEN="tk_first\nsecond"))

    with pytest.raises(TransientError, match=r"phone has no token: TOKEN should hold it in one line") as caught:
        await notifier.tell([STUCK])

    assert "tk_first" not in repr(caught.value)
    await notifier.close()


async def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    notifier = webhook.notifier(a_context(tmp_path, ChannelSettings(kind="webhook", url_env="HOOK_URL")))

    with pytest.raises(TransientError, match="phone has no URL: the variable HOOK_URL is not set"):
        await notifier.tell([STUCK])


async def test_a_secret_url_of_another_kind_is_not_posted_to(tmp_path: Path) -> None:
    settings = ChannelSettings(kind="webhook", url_env="HOOK_URL")
    notifier = webhook.notifier(a_context(tmp_path, settings, HOOK_URL="file:///etc/passwd"))

    with pytest.raises(TransientError, match="is none of http"):
        await notifier.tell([STUCK])


async def test_of_a_secret_url_that_is_malformed_no_part_is_repeated(tmp_path: Path) -> None:
    settings = ChannelSettings(kind="webhook", url_env="HOOK_URL")
    notifier = webhook.notifier(a_context(tmp_path, settings, HOOK_URL=f"http://me:{SECRET}/word@127.0.0.1/"))

    with pytest.raises(TransientError, match="InvalidURL") as caught:
        await notifier.tell([STUCK])

    assert SECRET not in str(caught.value)
    await notifier.close()


async def test_a_webhook_without_a_secret_is_not_signed(tmp_path: Path, hook: ServerStage) -> None:
    settings = ChannelSettings(kind="webhook", url=f"http://{hook.server.address}/")
    notifier = webhook.notifier(a_context(tmp_path, settings))

    await notifier.tell([STUCK])

    assert "X-Orchestrd-Signature" not in hook.server.posted[0].headers
    await notifier.close()


# ---- ntfy ------------------------------------------------------------------------------------------------------------


def published(posted: Posted) -> Arrived:
    message = json.loads(posted.body)
    assert len(message["message"].encode()) <= 4_000
    return Arrived(text=f"{message['title']}\n{message['message']}", identity=message["sequence_id"])


@pytest.fixture
def topic(tmp_path: Path) -> Iterator[ServerStage]:
    """A topic of a server of one's own, with a token."""
    (tmp_path / "token").write_text(f"{SECRET}\n")

    def make(server: Server) -> ntfy.NtfyNotifier:
        settings = ChannelSettings(
            kind="ntfy", url=f"http://{server.address}", topic="agents", token_file=f"{tmp_path}/token"
        )
        return ntfy.notifier(a_context(tmp_path, settings))

    stage = ServerStage(make, published)
    yield stage
    stage.server.close()


class TestNtfyNotifier(NotifierContract):
    @pytest.fixture
    def stage(self, topic: ServerStage) -> ServerStage:
        return topic


async def test_ntfy_is_told_topic_priority_tags_and_where_a_click_leads(topic: ServerStage) -> None:
    await topic.notifier.tell([STUCK])
    await topic.notifier.tell([replace(READY, priority=Priority.INFO)])

    urgent, info = (json.loads(posted.body) for posted in topic.server.posted)
    assert (urgent["topic"], urgent["priority"], urgent["click"]) == ("agents", 5, STUCK.url)
    assert (info["priority"], info["tags"]) == (2, ["information_source"])
    assert "click" not in info


async def test_ntfy_is_shown_its_token(topic: ServerStage) -> None:
    await topic.notifier.tell([STUCK])

    assert topic.server.posted[0].headers["Authorization"] == f"Bearer {SECRET}"


async def test_a_topic_without_a_token_is_shown_none(tmp_path: Path, topic: ServerStage) -> None:
    settings = ChannelSettings(kind="ntfy", url=f"http://{topic.server.address}", topic="agents")
    notifier = ntfy.notifier(a_context(tmp_path, settings))

    await notifier.tell([STUCK])

    assert "Authorization" not in topic.server.posted[0].headers
    await notifier.close()


async def test_a_link_that_is_none_of_the_web_is_not_clickable(topic: ServerStage) -> None:
    await topic.notifier.tell([replace(STUCK, url="javascript:alert(1)")])

    assert "click" not in json.loads(topic.server.posted[0].body)


# ---- command ---------------------------------------------------------------------------------------------------------


def read_by_command(told: Told) -> Arrived:
    body = json.loads(told.stdin)
    jsonschema.validate(body, SCHEMA)
    texts = [f"{notice['title']}\n{notice['text']}" for notice in body["notices"]]
    return Arrived(text="\n".join(texts), identity=told.environ["ORCH_NOTICE_KEY"])


@pytest.fixture
def script(tmp_path: Path) -> ProgramStage:
    settings = ChannelSettings(kind="command", command=("page-me", "--to", "$HOME; me"))
    return ProgramStage(tmp_path, "page-me", settings, command.notifier, read_by_command, TEST_VARIABLE="kept")


class TestCommandNotifier(NotifierContract):
    @pytest.fixture
    def stage(self, script: ProgramStage) -> ProgramStage:
        return script


async def test_a_command_is_given_its_words_as_they_are_and_a_few_variables(script: ProgramStage) -> None:
    await script.notifier.tell([STUCK])

    (told,) = script.told()
    assert told.argv == ["--to", "$HOME; me"]
    assert told.environ["TEST_VARIABLE"] == "kept"
    assert {name: value for name, value in told.environ.items() if name.startswith("ORCH_NOTICE")} == {
        "ORCH_NOTICE_KEY": told.environ["ORCH_NOTICE_KEY"],
        "ORCH_NOTICE_PRIORITY": "urgent",
        "ORCH_NOTICE_SESSION": "aaaaaaaa",
        "ORCH_NOTICE_TITLE": STUCK.title,
        "ORCH_NOTICE_URL": STUCK.url,
    }


async def test_how_a_command_failed_is_told_with_its_last_words(script: ProgramStage) -> None:
    script.break_down()

    with pytest.raises(TransientError, match="page-me ended with 3: no such screen"):
        await script.notifier.tell([STUCK])


@pytest.mark.parametrize(
    ("program", "look"),
    [("/no/such/program", "ls -l /no/such/program"), ("no-such-program", "command -v no-such-program")],
)
async def test_a_command_that_is_not_there_is_named_with_where_to_look(tmp_path: Path, program: str, look: str) -> None:
    notifier = command.notifier(a_context(tmp_path, ChannelSettings(kind="command", command=(program, "--loud"))))

    with pytest.raises(TransientError, match=f"{program} cannot be run: No such file") as caught:
        await notifier.tell([STUCK])

    assert caught.value.hint == look


async def test_a_command_that_is_called_off_is_killed_with_all_of_its_group(script: ProgramStage) -> None:
    script.hang()
    async with asyncio.timeout(LONG_S), asyncio.TaskGroup() as group:
        telling = group.create_task(script.notifier.tell([STUCK]))
        while not script.told():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
        telling.cancel()

    async with asyncio.timeout(LONG_S):
        while is_alive(script.told()[0].pid):  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.01)


async def test_a_command_that_takes_too_long_is_killed_and_that_is_told(
    script: ProgramStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "NOTIFY_ANSWER_S", 1.0)
    script.hang()

    with pytest.raises(TransientError, match="was not done after 1 seconds and was killed"):
        await script.notifier.tell([STUCK])

    assert [is_alive(told.pid) for told in script.told()] in ([], [False])


# ---- desktop ---------------------------------------------------------------------------------------------------------


def shown(told: Told) -> Arrived:
    end = told.argv.index("--")
    title, text = told.argv[end + 1 :]
    return Arrived(text=f"{title}\n{text}")


@pytest.fixture
def screen(tmp_path: Path) -> ProgramStage:
    """A desktop with `notify-send` on its PATH."""
    settings = ChannelSettings(kind="desktop")
    return ProgramStage(
        tmp_path, "notify-send", settings, desktop.notifier, shown, DBUS_SESSION_BUS_ADDRESS="unix:path=/dev/null"
    )


class TestDesktopNotifier(NotifierContract):
    @pytest.fixture
    def stage(self, screen: ProgramStage) -> ProgramStage:
        return screen


async def test_a_desktop_shows_how_urgent_it_is_and_no_markup_of_others(screen: ProgramStage) -> None:
    await screen.notifier.tell([replace(STUCK, text="<b>5 > 4</b> & more", url=None)])

    (told,) = screen.told()
    assert told.argv == [
        "--app-name=orchestrd",
        "--urgency=critical",
        "--",
        STUCK.title,
        "&lt;b&gt;5 &gt; 4&lt;/b&gt; &amp; more",
    ]


async def test_a_daemon_without_a_session_bus_says_what_to_do(tmp_path: Path) -> None:
    stage = ProgramStage(tmp_path, "notify-send", ChannelSettings(kind="desktop"), desktop.notifier, shown)

    with pytest.raises(TransientError, match="knows of no session bus") as caught:
        await stage.notifier.tell([STUCK])

    assert caught.value.hint == "systemctl --user import-environment DBUS_SESSION_BUS_ADDRESS"
    assert stage.told() == []


async def test_the_bus_of_a_running_desktop_is_found(tmp_path: Path) -> None:
    (tmp_path / "bus").touch()
    settings = ChannelSettings(kind="desktop")
    stage = ProgramStage(tmp_path, "notify-send", settings, desktop.notifier, shown, XDG_RUNTIME_DIR=str(tmp_path))

    await stage.notifier.tell([STUCK])

    assert len(stage.told()) == 1


async def test_a_desktop_without_the_program_says_which_is_missing(tmp_path: Path) -> None:
    context = a_context(tmp_path, ChannelSettings(kind="desktop"))
    notifier = desktop.notifier(replace(context, environ={"PATH": str(tmp_path)}))

    with pytest.raises(TransientError, match="needs notify-send"):
        await notifier.tell([STUCK])


async def test_a_program_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "notify-send").write_text("#!/no/such/interpreter\n")
    (tmp_path / "notify-send").chmod(0o700)
    context = a_context(tmp_path, ChannelSettings(kind="desktop"))
    environ = {"PATH": str(tmp_path), "DBUS_SESSION_BUS_ADDRESS": "unix:path=/dev/null"}
    notifier = desktop.notifier(replace(context, environ=environ))

    with pytest.raises(TransientError, match="notify-send cannot be run: No such file"):
        await notifier.tell([STUCK])


async def test_on_macos_the_texts_are_arguments_of_a_script_and_no_part_of_it(tmp_path: Path) -> None:
    settings = ChannelSettings(kind="desktop")
    stage = ProgramStage(tmp_path, "osascript", settings, desktop.notifier, lambda told: Arrived(text=""))

    await stage.notifier.tell([replace(STUCK, title='" & quit', url=None)])

    (told,) = stage.told()
    assert told.argv[-2:] == ['" & quit', STUCK.text]
    assert '" & quit' not in told.argv[:-2]


@pytest.mark.parametrize("url", ["https://x/\0", "https://x/ y", "https://x/\nOther: header", "file:///etc/passwd"])
async def test_what_is_no_plain_address_is_told_to_no_program(tmp_path: Path, url: str) -> None:
    settings = ChannelSettings(kind="command", command=("page-me",))
    stage = ProgramStage(tmp_path, "page-me", settings, command.notifier, lambda told: Arrived(text=""))

    await stage.notifier.tell([replace(STUCK, url=url)])

    (told,) = stage.told()
    assert told.environ["ORCH_NOTICE_URL"] == ""


async def test_on_macos_no_title_is_an_option(tmp_path: Path) -> None:
    settings = ChannelSettings(kind="desktop")
    stage = ProgramStage(tmp_path, "osascript", settings, desktop.notifier, lambda told: Arrived(text=""))

    await stage.notifier.tell([replace(STUCK, title='-edo shell script "evil"', url=None)])

    (told,) = stage.told()
    options, words = getopt(told.argv, "e:il:s:")
    assert [option for option, _ in options] == ["-e", "-e", "-e"]
    assert words[1:] == ['-edo shell script "evil"', STUCK.text]


# ---- Apprise ---------------------------------------------------------------------------------------------------------


def sent_by_apprise(posted: Posted) -> Arrived:
    body = json.loads(posted.body)
    return Arrived(text=f"{body['title']}\n{body['message']}")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServerStage]:
    def make(server: Server) -> apprise.AppriseNotifier:
        settings = ChannelSettings(kind="apprise", url_env="APPRISE_URL")
        return apprise.notifier(a_context(tmp_path, settings, APPRISE_URL=f"json://me:{SECRET}@{server.address}/"))

    stage = ServerStage(make, sent_by_apprise)
    yield stage
    stage.server.close()


class TestAppriseNotifier(NotifierContract):
    @pytest.fixture
    def stage(self, service: ServerStage) -> ServerStage:
        return service


async def test_an_address_that_apprise_does_not_know_is_told_of_without_it(tmp_path: Path) -> None:
    context = a_context(tmp_path, ChannelSettings(kind="apprise", url_env="ADDRESS"), ADDRESS=f"nosuch://{SECRET}")

    with pytest.raises(TransientError, match="Apprise does not know such an address") as caught:
        await apprise.notifier(context).tell([STUCK])

    assert SECRET not in str(caught.value)


async def test_where_apprise_is_not_installed_it_is_said_how_it_would_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    context = a_context(tmp_path, ChannelSettings(kind="apprise", url_env="ADDRESS"), ADDRESS="json://localhost")

    with pytest.raises(TransientError) as caught:
        await apprise.notifier(context).tell([STUCK])

    assert caught.value.hint == "pip install 'orchestrd[apprise]'"


async def test_a_service_that_does_not_answer_in_time_is_told_of(
    service: ServerStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apprise, "NOTIFY_ANSWER_S", 0.3)
    service.hang()

    with pytest.raises(TransientError, match="did not answer within"):
        await service.notifier.tell([STUCK])
    service.mend()


async def test_apprise_logs_nothing(service: ServerStage, capfd: pytest.CaptureFixture[str]) -> None:
    service.break_down()

    with pytest.raises(TransientError):
        await service.notifier.tell([STUCK])

    assert capfd.readouterr() == ("", "")


# ---- all -------------------------------------------------------------------------------------------------------------


class FakeStage:
    """A channel that ends in a list."""

    secret = None

    def __init__(self) -> None:
        self.notifier = ScriptedNotifier()
        self._begun: list[Arrived] = []

    def arrived(self) -> list[Arrived]:
        done = [Arrived(text=f"{each.title}\n{each.text}", identity=each.key) for each in self.notifier.shown]
        hanging = [Arrived(text="")] * (self.notifier.tries - len(done)) if self.notifier.takes_s else self._begun
        return [*hanging, *done]

    def break_down(self) -> None:
        self.notifier.error = TransientError("the channel phone failed: it is scripted to")

    def mend(self) -> None:
        self._begun = self._begun or [each for each in self.arrived() if not each.text]
        self.notifier.error, self.notifier.takes_s = None, 0.0

    def hang(self) -> None:
        self.notifier.takes_s = 300.0


class TestScriptedNotifier(NotifierContract):
    @pytest.fixture
    def stage(self) -> FakeStage:
        return FakeStage()


@pytest.mark.parametrize(
    ("make", "missing"),
    [
        (webhook.notifier, "no url, url_env or url_file"),
        (ntfy.notifier, "no topic"),
        (command.notifier, "no command"),
        (apprise.notifier, "no url_env or url_file"),
    ],
)
def test_a_channel_that_lacks_what_its_kind_needs_is_refused_when_it_is_made(
    tmp_path: Path, make: object, missing: str
) -> None:
    assert callable(make)

    with pytest.raises(UsageError, match=f"the channel phone has {missing}"):
        make(a_context(tmp_path, ChannelSettings(kind="any")))


def test_nothing_of_a_notifier_is_left_in_the_environment() -> None:
    assert not [name for name in os.environ if name.startswith("ORCH_NOTICE")]
