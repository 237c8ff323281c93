"""Reactions, channels and routes: folded key by key over those of the package, and refused where they make no sense."""

from typing import Any

import pytest
from msgspec.structs import replace

from orchestrd.config import Effective, Layer, effective, packaged, reactions_of
from orchestrd.core.possible import impossible
from orchestrd.core.template import rendered
from orchestrd.model.change import Checks, FailedCheck, Pr, Remark, Review
from orchestrd.model.command import Notified
from orchestrd.model.decision import Decision, DecisionKind
from orchestrd.model.event import EventType
from orchestrd.model.limits import CHANNELS_MAX, SETTING_NAME_CHARS_MAX
from orchestrd.model.notice import Priority
from orchestrd.model.origin import Kind
from orchestrd.model.reaction import Act, Condition, MergeMethod, Reaction, Seen
from orchestrd.model.session import Message, Session
from orchestrd.model.words import Activity, Authority, State
from tests.changes import CHANGE
from tests.core.reacting import NOON, SPEC, Reacting, session_of

KNOWN = session_of(
    error="no space left",
    activity=Activity.BLOCKED,
    activity_text="asks for permission",
    activity_since=NOON.at,
    change=replace(
        CHANGE,
        title="Mend it",
        head="abc1234",
        checks=Checks.FAILING,
        failed=(FailedCheck(id="1", name="test", step="Run make", log="1 failed"),),
        remarks=(Remark(id="r1", author="ann", text="Why?", path="a.py", line=3),),
    ),
)


def _told(text: str) -> Effective:
    return effective([packaged(), Layer(kind=Kind.USER, file="/f.toml", content=text.encode())], {})


def _reactions(text: str) -> dict[str, Reaction]:
    told = _told(text)
    assert told.mistakes == ()
    return {reaction.name: reaction for reaction in reactions_of(told.configuration)}


def _wrong(text: str) -> str:
    (mistake,) = _told(text).mistakes
    return str(mistake)


def test_without_any_file_every_trigger_has_its_reaction_and_only_five_speak_to_an_agent() -> None:
    reactions = _reactions("")

    assert set(reactions) == {
        "ci-failed",
        "changes-requested",
        "review-comments",
        "merge-conflicts",
        "verify-failed",
        "approved-and-green",
        "pr-closed",
        "agent-needs-input",
        "agent-limited",
        "agent-idle",
        "agent-stuck",
        "agent-failed",
        "agent-exited",
        "agent-lost",
        "message-unread",
        "all-complete",
    }
    spoken = {name for name, reaction in reactions.items() if reaction.act != Act.NOTIFY}
    assert spoken == {"ci-failed", "changes-requested", "review-comments", "merge-conflicts", "verify-failed"}
    assert {reactions[name].act for name in spoken} == {Act.SEND}
    assert all(reaction.is_on and reaction.when != Condition() for reaction in reactions.values())


def test_what_is_sent_says_what_to_do_and_is_sent_a_bounded_number_of_times() -> None:
    sent = [reaction for reaction in _reactions("").values() if reaction.act == Act.SEND]

    assert all(reaction.text.strip() for reaction in sent)
    assert all(reaction.attempts * reaction.rounds <= 20 for reaction in sent)
    assert all(reaction.escalation is not None for reaction in sent)


@pytest.mark.parametrize("session", [session_of(), KNOWN], ids=["little is known", "all is known"])
def test_every_text_reads_well_whatever_is_known(session: Session) -> None:
    for reaction in _reactions("").values():
        text = rendered(reaction, session, NOON)

        assert text.strip()
        assert "{" not in text
        assert len(text) < 2_000


def test_no_text_leads_to_a_terminal_or_a_choice_that_its_session_does_not_have() -> None:
    bare = session_of(activity=Activity.BLOCKED, activity_text="q", spec=replace(SPEC, runtime="process"))

    for reaction in _reactions("").values():
        text = rendered(reaction, bare, NOON)

        assert "orch attach" not in text
        assert "orch answer" not in text


def test_one_key_is_changed_and_all_others_stay() -> None:
    before, after = _reactions(""), _reactions("[reactions.ci-failed]\nattempts = 5\nevery = '1h30m'")

    changed = after["ci-failed"]
    assert (changed.attempts, changed.every_s) == (5, 5_400)
    assert changed.text == before["ci-failed"].text
    assert changed.when == before["ci-failed"].when
    assert {name: one for name, one in after.items() if name != "ci-failed"} == {
        name: one for name, one in before.items() if name != "ci-failed"
    }


def test_a_condition_is_merged_word_by_word_and_an_empty_list_takes_one_away() -> None:
    reaction = _reactions('[reactions.ci-failed.when]\nreview = "approved"\npr = []')["ci-failed"]

    assert reaction.when == Condition(checks=(Checks.FAILING,), review=(Review.APPROVED,))


def test_each_value_has_its_origin() -> None:
    told = _told('[reactions.ci-failed]\nattempts = 5\nwhen = {review = "approved"}')

    origins = {setting.key: str(setting.origin) for setting in told.settings}
    assert origins["reactions.ci-failed.attempts"] == "/f.toml:2"
    assert origins["reactions.ci-failed.when.review"] == "/f.toml:3"
    assert origins["reactions.ci-failed.when.checks"] == "default"


def test_a_reaction_of_ones_own_has_all_that_was_said_of_it() -> None:
    text = """
[reactions.dear]
enabled = false
act = "spawn"
text = "Look at {id}"
agent = "claude"
priority = "warning"
after = "10s"
attempts = 2
every = "2m"
backoff = 3
rounds = 4
escalation = "action"
escalate_after = "2h"
[reactions.dear.when]
state = ["running", "lost"]
activity = "working"
pr = "open"
silent = "15m"
unread = "1m"
age = "1d"
cost_usd = 20
tokens = 1000
stuck = true
verified = false
remarks = true
all_ended = false
"""

    assert _reactions(text)["dear"] == Reaction(
        name="dear",
        when=Condition(
            state=(State.RUNNING, State.LOST),
            activity=(Activity.WORKING,),
            pr=(Pr.OPEN,),
            silent_s=900,
            unread_s=60,
            age_s=86_400,
            cost_usd=20,
            tokens=1_000,
            stuck=True,
            verified=False,
            remarks=True,
            all_ended=False,
        ),
        act=Act.SPAWN,
        is_on=False,
        text="Look at {id}",
        agent="claude",
        priority=Priority.WARNING,
        after_s=10,
        attempts=2,
        every_s=120,
        backoff=3,
        rounds=4,
        escalation=Priority.ACTION,
        escalate_after_s=7_200,
    )


def test_what_is_approved_and_green_merges_where_one_key_says_so() -> None:
    reaction = _reactions('[reactions.approved-and-green]\nact = "merge"\nmethod = "rebase"')["approved-and-green"]

    assert (reaction.act, reaction.method) == (Act.MERGE, MergeMethod.REBASE)
    assert reaction.escalation == Priority.URGENT
    assert reaction.when.checks == (Checks.PASSING,)
    assert reaction.when.remarks is False


def test_what_has_failed_is_revived_in_place_of_calling_somebody_where_that_is_asked() -> None:
    reaction = _reactions('[reactions.agent-exited]\nact = "revive"\nattempts = 2')["agent-exited"]

    assert (reaction.act, reaction.attempts, reaction.escalation) == (Act.REVIVE, 2, Priority.URGENT)
    assert reaction.when.state == (State.FAILED,)


@pytest.mark.parametrize(
    ("act", "said", "escalation"),
    [
        ("notify", "", None),
        ("send", "", Priority.URGENT),
        ("send", 'escalation = "action"', Priority.ACTION),
        ("notify", 'escalation = "action"', Priority.ACTION),
        ("send", 'escalation = "none"', None),
    ],
)
def test_who_is_told_in_the_end_follows_from_what_is_done_unless_it_is_said(
    act: str, said: str, escalation: Priority | None
) -> None:
    reaction = _reactions(f'[reactions.mine]\nwhen = {{stuck = true}}\nact = "{act}"\n{said}')["mine"]

    assert reaction.escalation == escalation


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[reactions.ci-faild]\nattempts = 3",
            "2: the reaction 'ci-faild' has no condition ('when'): did you mean 'ci-failed'?",
        ),
        ("[reactions.zzz]\nattempts = 3", "2: the reaction 'zzz' has no condition ('when')"),
        ("[reactions.mine]", "1: [reactions.mine] sets nothing: set a key of it, or leave it out"),
        ("[reactions]\nact = 'send'", "2: 'act' stands in no section: write [reactions.NAME] above it"),
        ("reactions = 3", "1: 'reactions' is a section: write [reactions.NAME], and its keys on the lines below"),
        ("[reactions.'My own']\nact = 'send'", "1: 'My own' is no name: use small letters, digits, '-' and '_'"),
        (
            f"[reactions.{'a' * 41}]\nact = 'send'",
            f"1: '{'a' * SETTING_NAME_CHARS_MAX}' is no name: use small letters, digits, '-' and '_'",
        ),
        (
            "[reactions.ci-failed]\natempts = 3",
            "2: there is no key 'atempts' in [reactions.ci-failed]: did you mean 'attempts'?",
        ),
        (
            "[reactions.ci-failed]\nchecks = 'failing'",
            "2: there is no key 'checks' in [reactions.ci-failed]: it belongs into 'when' of [reactions.NAME]",
        ),
        (
            "[reactions.ci-failed.when]\nattempts = 3",
            "2: there is no key 'attempts' in 'when' of [reactions.ci-failed]: it belongs below [reactions.NAME]",
        ),
        (
            "[reactions.ci-failed]\nwhen = {chekcs = 'failing'}",
            "2: there is no key 'chekcs' in 'when' of [reactions.ci-failed]: did you mean 'checks'?",
        ),
        (
            "[reactions.ci-failed]\nwhen = 'failing'",
            "2: 'when' is a table: say when it is to act, such as when = { checks = \"failing\" }",
        ),
        (
            "[reactions.ci-failed]\nwhen = {checks = ['pasing', 'failing']}",
            "2: 'when.checks' must be one of \"unknown\" … or a list of them, not this list: did you mean 'passing'?",
        ),
        (
            "[reactions.ci-failed]\nact = 'sned'",
            '2: \'act\' must be "send" or "notify" … or "run", not "sned": did you mean \'send\'?',
        ),
        (
            "[reactions.ci-failed]\nevery = '10'",
            '2: \'every\': \'10\' is no duration, for it has no unit: write whole … such as "90s", "10m" or "1h30m"',
        ),
        ("[reactions.ci-failed]\nevery = 10", "2: 'every': '10' is no duration, for it has no unit: write whole nu … "),
        ("[reactions.ci-failed]\nevery = -3", "2: 'every': '-3' is no duration, for it is less than nothing: write … "),
        ("[reactions.ci-failed]\nevery = '5 min'", "2: 'every': '5 min' is no duration: write … : did you mean '5m'?"),
        ("[reactions.ci-failed]\nevery = true", "2: 'every' must be a text such as \"10m\" (duration), not true"),
        ("[reactions.ci-failed]\nevery = '0s'", "2: 'every': '0s' is too short: at least 30s"),
        ("[reactions.mine.when]\nage = '1.5h'", "2: 'when.age': '1.5h' is no duration: write … did you mean '1h30m'?"),
        ("[notify]\ndigest = '0s'", "2: 'digest': '0s' is too short: at least 1s"),
        ("[notify]\nquiet = '9-17'", "2: 'quiet': '9-17' are no hours: write … : did you mean '09:00-17:00'?"),
        ("[notify]\nquiet = '07:00-07:00'", "2: 'quiet': '07:00-07:00' ends where it begins, so it is never quiet … "),
        ("[notify]\nquiet = 22", "2: 'quiet' must be a text such as \"22:00-07:00\" (from-to, local time), not 22"),
        (
            "[reactions.ci-failed]\ntext = 'Mend {chekcs}'",
            "2: 'text': '{chekcs}' stands for nothing: did you mean '{checks}'?",
        ),
        ("[reactions.ci-failed]\ntext = '{'", "2: 'text': a single '{' stands for nothing: write it twice, or name"),
        ("[reactions.ci-failed]\nevery = '400d'", "2: 'every': '400d' is too long: at most 366d"),
        (
            "[reactions.mine]\nwhen = {stuck = true}\nact = 'run'",
            "3: the reaction 'mine' is to run a command, and names none: set its 'command'",
        ),
        (
            "[reactions.mine]\nwhen = {stuck = true}\nact = 'spawn'",
            "3: the reaction 'mine' is to begin another session: set its 'text', the prompt",
        ),
        (
            "[reactions.ci-failed]\nact = 'merge'",
            "2: the reaction 'ci-failed' is to merge, and nothing is merged with pr draft: let 'pr' be \"open\"",
        ),
        (
            "[reactions.mine]\nwhen = {pr = 'open', checks = 'failing'}\nact = 'merge'",
            "3: the reaction 'mine' is to merge, and nothing is merged with checks failing: let 'checks' be \"none",
        ),
        (
            "[reactions.agent-exited]\npriority = 'info'\nact = 'send'",
            "3: the reaction 'agent-exited' can never act: state failed … or at its limit: let 'state' be \"running\"",
        ),
        (
            "[reactions.agent-idle]\nact = 'send'\n[reactions.agent-idle.when]\nactivity = 'limited'",
            "4: the reaction 'agent-idle' can never act: activity limited and act send never go together, for nothing",
        ),
        (
            "[reactions.mine]\nact = 'notify'\n[reactions.mine.when]\nstate = 'completed'\nreason = 'exit_code'",
            "5: the reaction 'mine' can never act: state completed and reason exit_code never go together, for each st",
        ),
        (
            "[reactions.mine]\nwhen = {}",
            "2: [reactions.mine] sets nothing, for its 'when' is empty: say when it is to act, such as when = { checks",
        ),
        (
            "[reactions.mine]\n[reactions.mine.when]",
            "2: [reactions.mine] sets nothing, for its 'when' is empty: say when it is to act, such as when = { checks",
        ),
        (
            "[reactions.mine]\nact = 'stop'\nwhen = {}",
            "2: the reaction 'mine' has no condition ('when'): say when it is to act, such as when = { checks =",
        ),
        (
            "[reactions.ci-failed]\nwhen = {pr = [], checks = []}",
            "2: the reaction 'ci-failed' has no condition ('when'): say when it is to act, such as when = { checks = ",
        ),
        (
            "[reactions.mine]\nwhen = {stuck = true}\nact = 'run'\ncommand = ' '",
            "3: the reaction 'mine' is to run a command, and names none: set its 'command'",
        ),
        (
            "[reactions.mine]\nwhen = {stuck = true}\ncommand = 'make'",
            "3: only an act of \"run\" makes use of 'command', and that of 'mine' is \"notify\": set ",
        ),
        (
            "[reactions.agent-stuck]\nagent = 'claude'",
            "2: only an act of \"spawn\" … or leave 'agent' out; to ask for the agent of a session, set 'when.agent'",
        ),
        (
            "[reactions.mine]\nwhen = {stuck = true}\nact = 'stop'\ntext = 'Too long'",
            '4: only an act of "send" or "notify" or "spawn" makes use of \'text\', and that of \'mine\' is "stop": ',
        ),
        (
            "[reactions.mine]\nwhen = {agent = 'claude'}\nact = 'spawn'\ntext = 'Look'\nagent = 'shell'",
            "5: the reaction 'mine' is to begin a session of agent shell for one of another, without a command to run:",
        ),
        (
            "[reactions.agent-stuck]\nescalate_after = '2h'",
            "2: nobody is told when 'escalate_after' of 'agent-stuck' is over: set its 'escalation', such",
        ),
        (
            "[reactions.agent-stuck]\nagent = 'cluade'",
            "2: 'agent' must be \"aider\" … not \"cluade\": did you mean 'claude'?",
        ),
        (
            "[channels.phone]\ntopic = 'x'",
            '2: the channel \'phone\' has no \'kind\': "apprise" or "command" or "desktop"',
        ),
        ("[channels.phone]\nkind = 'ntfy'", "2: the channel 'phone' needs the 'topic' of ntfy"),
        ("[channels.phone]\nkind = 'webhook'", "2: the channel 'phone' needs a 'url', 'url_env' or 'url_file'"),
        ("[channels.phone]\nkind = 'command'", "2: the channel 'phone' needs a 'command'"),
        (
            "[channels.phone]\nkind = 'apprise'\nurl = 'https://x'",
            "2: the channel 'phone' needs a 'url_env' or 'url_file': addresses of Apprise are secret",
        ),
        (
            "[channels.phone]\nkind = 'ntfy'\ntopic = 'x'\ntoken_env = 'A'\ntoken_file = '/b'",
            "5: the channel 'phone' has both 'token_env' and 'token_file': keep one",
        ),
        (
            "[channels.phone]\nkind = 'desktop'\n[notify]\nurgent = ['phone', 'fone']",
            "4: there is no channel 'fone': did you mean 'phone'?",
        ),
        ("[notify]\nurgent = 'phone'", "2: there is no channel 'phone': write [channels.phone], and what it is"),
        (
            "[notify]\nquiet = '25:00-07:00'",
            "2: 'quiet': '25:00-07:00' are no hours: write two times of a day of 24 hours, such as \"22:00-07:00\"",
        ),
        (
            "[forge]\nwebhook_listen = '127.0.0.1:80'",
            "2: webhooks are taken only with a secret: set 'webhook_secret_env' or 'webhook_secret_file'",
        ),
        (
            "[forge]\ntoken_env = 'A'\ntoken_file = '/b'",
            "3: there is both 'token_env' and 'token_file': keep one",
        ),
        (
            "[forge]\nwebhook_listen = '0.0.0.0:80'",
            "2: 'webhook_listen': it has to be an address of this machine that no other reaches, such as",
        ),
        (
            "[forge]\nwebhook_listen = '127.0.0.1:99999'\nwebhook_secret_env = 'A'",
            "2: 'webhook_listen': it has to end with a port from 1 to 65535",
        ),
        (
            "[forge]\nwebhook_secret_file = '/a'",
            "2: no webhook is taken, so nothing makes use of 'webhook_secret_file': set 'webhook_listen', such as",
        ),
        (
            "[forge]\nwebhook_listen = '127.0.0.1:80'\nwebhook_secret_env = '$A'",
            "3: 'webhook_secret_env': give the name of the variable alone, without '$'",
        ),
        ("[forge]\nremote = 'https://a.org/x'", "2: 'remote': that is no name of a remote: give one that `git remote`"),
        ("[forge]\ngithub_url = 'a.org'", "2: 'github_url': it has to begin with https://"),
        (
            "[forge]\ngithub_api = 'http://a.org'",
            "2: 'github_api': whoever is on the way there could read the token: b",
        ),
        ("[channels.phone]\nkind = 'webhook'\nurl = 'a.org'", "3: 'url': it has to begin with https:// or http://"),
        (
            "[channels.phone]\nkind = 'ntfy'\ntopic = 'ntfy.sh/x'",
            "3: the 'topic' of the channel 'phone' is none that ntfy takes: give its name alone, 64 letters, d",
        ),
        (
            "[channels.phone]\nkind = 'command'\ncommand = ['']",
            "2: the channel 'phone' needs a 'command'",
        ),
        (
            "[channels.phone]\nkind = 'command'\ncommand = 'page-me'",
            "3: 'command' must be a list of at most 64 texts, such as [\"/usr/local/bin/page-me\"], not what is there",
        ),
        (
            "[channels.phone]\nkind = 'command'\ncommand = ['a', \"b\\u0000\"]",
            "3: 'command': a word of the command contains a NUL character: leave it out",
        ),
        (
            "[channels.phone]\nkind = 'webhook'\nurl = 'https://a.org'\ntoken_env = 'A'",
            "4: a channel of kind \"webhook\" makes no use of 'token_env': leave it out; it may have 'secret_env' or",
        ),
        (
            "[channels.phone]\nkind = 'desktop'\ntopic = 'x'",
            "3: a channel of kind \"desktop\" makes no use of 'topic': leave it out",
        ),
        (
            "[notify]\nquiet = '22:00-07:00'\nquiet_below = 'info'",
            "3: nothing matters less than \"info\", so 'quiet' puts nothing off: give a higher priority, or leave",
        ),
        (
            "[notify]\ndigest = '15m'\ndigest_below = 'info'",
            "3: nothing matters less than \"info\", so 'digest' puts no",
        ),
    ],
)
def test_what_makes_no_sense_is_said_where_it_stands(text: str, said: str) -> None:
    start, _, end = said.partition(" … ")
    assert _wrong(text).startswith(f"/f.toml:{start}")
    assert _wrong(text).endswith(end)


def test_a_reaction_that_comes_along_keeps_its_condition_where_nothing_is_asked_anew() -> None:
    before, after = _reactions(""), _reactions("[reactions.ci-failed]\nattempts = 3\nwhen = {}")

    assert after["ci-failed"].when == before["ci-failed"].when
    assert after["ci-failed"].attempts == 3


def test_all_that_comes_along_can_act() -> None:
    assert [one.name for one in _reactions("").values() if impossible(one.when, one.act)] == []


def test_a_text_that_comes_along_or_is_emptied_is_no_mistake_where_nothing_makes_use_of_it() -> None:
    text = "[reactions.approved-and-green]\nact = 'merge'\n[reactions.pr-closed]\nact = 'stop'\ntext = ''"

    assert {_reactions(text)[name].act for name in ("approved-and-green", "pr-closed")} == {Act.MERGE, Act.STOP}


def test_a_command_may_be_begun_for_one_that_is_a_command_itself() -> None:
    text = "[reactions.mine]\nwhen = {state = 'failed'}\nact = 'spawn'\ntext = 'Look'\nagent = 'shell'"

    assert _reactions(text)["mine"].agent == "shell"


def test_what_a_variable_was_to_set_is_not_said_to_be_missing() -> None:
    layers = [packaged(), Layer(kind=Kind.USER, file="/f.toml", content=b"[forge]\nwebhook_secret_file = '/a'")]

    (mistake,) = effective(layers, {"ORCH_FORGE_WEBHOOK_LISTEN": "7810"}).mistakes

    assert str(mistake).startswith(
        "ORCH_FORGE_WEBHOOK_LISTEN: 'webhook_listen': it has to be an address of this machine"
    )


def test_what_is_left_of_a_budget_that_is_not_ones_own_is_no_mistake() -> None:
    assert _reactions("[reactions.ci-failed]\nact = 'notify'")["ci-failed"].escalation is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[reactions.mine]\nact = 'send'\nwhen = {stuck = 'yes'}",
            "3: 'when.stuck' must be true or false, not \"yes\"",
        ),
        ("[reactions.mine]\nact = 'run'\nwhen = {stuck = true}\ncommand = 3", "4: 'command' must be a text (command)"),
        (
            "[notify]\nurgent = 'phone'\n[channels.phone]\nkind = 'pigeon'",
            '4: \'kind\' must be "apprise" or "command" or "desktop"',
        ),
    ],
)
def test_what_lacks_something_only_because_that_was_refused_is_not_refused_a_second_time(text: str, said: str) -> None:
    assert _wrong(text).startswith(f"/f.toml:{said}")


IS_A_URL = "it holds a user or a password, and no secret stands in a configuration"
UNTOLD = "what is there, which is not repeated, for it may hold a secret"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[channels.g]\nkind = 'webhook'\nurl = 'https://u:S3CRET@x/y'", IS_A_URL),
        ("[channels.g]\nkind = 'webhook'\nurl_env = 'https://x/S3CRET'", "'url_env': that is no name of a variable"),
        ("[channels.g]\nkind = 'webhook'\nurl_file = 'S3CRET'", "'url_file': that is no path from / or ~/"),
        ("[channels.g]\nkind = 'ntfy'\ntopic = ['S3CRET']", UNTOLD),
        ("[channels.g]\nkind = 'ntfy'\ntopic = 'S3 CRET/S3CRET'", "is none that ntfy takes"),
        ("[channels.g]\nkind = 'ntfy'\ntopic = 'x'\ntoken = 'S3CRET'", "'token_file', or a variable that has it by"),
        ("[channels.g]\nkind = 'command'\ncommand = 'curl S3CRET'", UNTOLD),
        ("[forge]\ngithub_url = 'https://u:S3CRET@x'", IS_A_URL),
        ("[forge]\ngithub_api = 'https://u:S3CRET@x'", IS_A_URL),
        ("[forge]\nremote = 'https://u:S3CRET@x'", "'remote': that is no name of a remote"),
        ("[forge]\ntoken = 'S3CRET'", "there is no key 'token' in [forge], for no secret stands in a configuration"),
        (
            "[forge]\nwebhook_secret = 'S3CRET'",
            "'webhook_secret_file', or a variable that has it by 'webhook_secret_en",
        ),
        ("[forge]\ntoken_env = 'S3-CRET S3CRET'", "'token_env': that is no name of a variable"),
        ("[forge]\ntoken_env = 'ghp_S3CRETS3CRETS3CRETS3CRET'", "'token_env': that is a token"),
        ("[environment]\nset = 'A=S3CRET'", UNTOLD),
    ],
)
def test_what_may_be_a_secret_is_refused_and_not_repeated(text: str, why: str) -> None:
    said = _wrong(text)

    assert why in said
    assert "S3CRET" not in said


def test_a_number_in_the_environment_is_not_repeated() -> None:
    assert "1234" not in _wrong("[environment]\nset = {PIN = 1234}")


def test_webhooks_are_taken_with_a_secret() -> None:
    told = _told("[forge]\nwebhook_listen = '127.0.0.1:80'\nwebhook_secret_file = '~/secret'")

    assert told.mistakes == ()
    assert told.configuration.forge.webhook_listen == "127.0.0.1:80"


def test_what_makes_no_sense_is_not_applied() -> None:
    told = _told("[reactions.mine]\nwhen = {stuck = true}\nact = 'run'\n[notify]\nurgent = 'x'\ninfo = []")

    assert "mine" not in told.configuration.reactions
    assert (told.configuration.notify.urgent, told.configuration.notify.info) == (None, ())
    assert len(told.mistakes) == 2


def test_there_are_only_so_many_channels() -> None:
    text = "\n".join(f"[channels.c{number}]\nkind = 'desktop'" for number in range(CHANNELS_MAX + 1))

    assert _wrong(text) == f"/f.toml:{2 * CHANNELS_MAX + 2}: there are too many channels: at most {CHANNELS_MAX}"


def test_a_route_may_name_one_channel_or_several_and_no_secret_is_shown() -> None:
    text = "[channels.phone]\nkind = 'webhook'\nurl_env = 'HOOK'\n[notify]\nurgent = 'phone'\naction = ['phone']"

    told = _told(text)

    assert told.mistakes == ()
    assert (told.configuration.notify.urgent, told.configuration.notify.action) == (("phone",), ("phone",))
    assert told.configuration.channels["phone"].url_env == "HOOK"


def test_a_kind_that_another_package_adds_may_be_named_once_it_is_installed() -> None:
    layer = Layer(kind=Kind.USER, file="/f.toml", content=b"[channels.c]\nkind = 'pager'\n[spawn]\nagent = 'mine'")
    groups = {"orchestrd.notifiers": ["pager"], "orchestrd.agents": ["mine", "claude"]}

    without, with_ = effective([layer], {}), effective([layer], {}, groups.__getitem__)

    assert [mistake.origin.line for mistake in without.mistakes] == [2, 4]
    assert with_.mistakes == ()
    assert (with_.configuration.channels["c"].kind, with_.configuration.spawn.agent) == ("pager", "mine")


def test_a_variable_takes_true_and_false() -> None:
    off, wrong = effective([], {"ORCH_DAEMON_HOOKS": "false"}), effective([], {"ORCH_DAEMON_HOOKS": "no"})

    assert (off.mistakes, off.configuration.daemon.hooks) == ((), False)
    assert str(wrong.mistakes[0]) == "ORCH_DAEMON_HOOKS: 'hooks' must be true or false, not \"no\""


def test_no_variable_reaches_into_names() -> None:
    assert effective([], {"ORCH_REACTIONS_CI_FAILED_ACT": "send"}) == effective([], {})


# ---- what comes along annoys nobody


def _life(name: str, **facts: Any) -> Reacting:
    return Reacting(_reactions("")[name], **facts)


def test_nobody_is_told_of_a_message_that_only_waits_for_the_end_of_a_turn() -> None:
    message = Message(id="m", text="then this", authority=Authority.USER, awaits_turn=True, at=NOON.at)
    life = _life("message-unread", messages=(message,))

    life.looks(Activity.WORKING, after_s=3_600.0)
    at_work = life.react()
    life.looks(Activity.BLOCKED)
    blocked = life.react()
    life.looks(after_s=60.0)

    assert (at_work, blocked) == ([], [])
    assert [event.type for event in life.react()] == [EventType.REACTION_FIRED]


@pytest.mark.parametrize(
    ("state", "is_told"), [(State.COMPLETED, True), (State.FAILED, True), (State.CANCELLED, False)]
)
def test_who_stops_the_last_session_is_not_told_that_it_was_the_last(state: State, *, is_told: bool) -> None:
    life = _life("all-complete", state=state, ended_at=NOON.at)
    life.seen = Seen(is_last=True)

    assert bool(life.react()) is is_told


def test_each_decision_is_told_of_however_fast_one_follows_the_other() -> None:
    life = _life("agent-needs-input")
    told = 0
    for number in range(50):
        asked = Decision(id=f"d{number}", kind=DecisionKind.DIALOG, text="may I?")
        for _ in range(2):
            life.looks(Activity.BLOCKED, after_s=20.0, decision=asked)
            told += len(life.react())
            for effect in life.record.effects:
                life.give(Notified(effect=effect.id, reached=("phone",)))

    assert told == 50


def test_an_agent_is_told_once_what_reviewers_ask_for_and_then_it_is_their_turn() -> None:
    life = _life("changes-requested")
    life.looks(Activity.WAITING)
    said = (Remark(id="r1", author="ann", text="Why?"),)
    events = []
    for _ in range(100):
        life.told(after_s=60.0, review=Review.CHANGES_REQUESTED, remarks=said)
        events += life.react()
        life.types()
        life.looks(Activity.WAITING)

    assert [event.type for event in events if event.source == "changes-requested"] == [
        EventType.REACTION_FIRED,
        EventType.REACTION_ESCALATED,
    ]
    assert [effect.notice.priority for effect in life.record.effects if effect.notice] == [Priority.ACTION]
