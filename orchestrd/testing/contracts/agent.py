"""What every agent adapter promises: it is pure and total, shows what it claims, and says no more than it has seen.

from orchestrd.testing.contracts.agent import AgentContract

class TestCrumbAgent(AgentContract):
    agent = CrumbAgent()
    rule = "read(*)"  # in its own words, where it can be told what is allowed
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrd.core.evidence import LOOKED_AT
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import CHOICES_MAX, PROMPT_ARGUMENT_BYTES_MAX, REPORT_TEXT_CHARS_MAX, WITNESSES_MAX
from orchestrd.model.observation import Testimony
from orchestrd.model.run import AgentLaunch, Glimpse, LaunchContext, Reading, Run
from orchestrd.model.session import Spec, Workspace
from orchestrd.model.words import Activity, Permission
from orchestrd.ports import Agent

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
HERE = "/home/me/.local/state/orchestrd/runs/abcdefgh.1"  # the run directory
CONVERSATION = "4689c341-57bc-5783-a60b-1f46af824879"
PROMPT = "count the apples in the basket"
CONTEXT = LaunchContext(
    session=SessionId("abcdefgh"),
    generation=1,
    run_directory=HERE,
    prompt_path=f"{HERE}/prompt",
    prompt=PROMPT,
    conversation=None,
)
RUN = Run(session=SessionId("abcdefgh"), generation=1, mark="abcdefgh:1:nonce")
FILE_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)*")
TOLD_CHARS_MAX = max(REPORT_TEXT_CHARS_MAX, 2_000)

words = st.text(max_size=40)
fields = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
    max_leaves=8,
)
total = settings(suppress_health_check=[HealthCheck.differing_executors])  # one suite, many agents


class Secrets(dict[str, str]):
    """An environment in which every variable is set, to the same secret."""

    def __missing__(self, name: str) -> str:
        return "s3cret"

    def get(self, name: str, default: object = None) -> str:
        return self[name]


class AgentContract:
    """Mixed into a test class that names its `agent`, and whatever else a session of it needs."""

    agent: ClassVar[Agent]
    argv: ClassVar[tuple[str, ...]] = ()  # what stands after -- in a spawn, where it cannot do without
    rule: ClassVar[str] = "Read"  # of what is allowed unasked, in its own words

    # ---- what it says of itself --------------------------------------------------------------------------------------

    def test_it_has_all_that_is_asked_of_an_agent(self) -> None:
        asked = {name for name in (*vars(Agent), *Agent.__annotations__) if not name.startswith("_")}

        assert {name for name in asked if not hasattr(self.agent, name)} == set()
        assert re.fullmatch(r"[a-z][a-z0-9_-]{0,63}", self.agent.name)

    def test_each_of_its_witnesses_has_one_place_in_their_order(self) -> None:
        observers = [trust.observer for trust in self.agent.witnesses]

        assert 0 < len(set(observers)) == len(observers) <= WITNESSES_MAX

    def test_whoever_is_only_heard_and_may_miss_an_edge_is_not_believed_for_ever(self) -> None:
        assert [
            trust.observer
            for trust in self.agent.witnesses
            if trust.observer in ("hook", "transcript") and trust.trusted_s is None
        ] == []

    def test_its_screen_rules_have_names_of_their_own_and_stand_in_order(self) -> None:
        rules = self.agent.screen_rules

        assert len({rule.name for rule in rules}) == len(rules)
        assert [rule.priority for rule in rules] == sorted((rule.priority for rule in rules), reverse=True)

    # ---- launch ------------------------------------------------------------------------------------------------------

    def test_a_plain_session_can_be_launched(self) -> None:
        launch = self._launch()

        assert self.agent.problem_with(self._spec()) is None
        assert launch.argv
        assert all(word and "\0" not in word for word in launch.argv)

    def test_the_same_launch_is_the_same_each_time(self) -> None:
        assert self._launch() == self._launch()

    def test_its_files_lie_in_the_run_directory_and_it_names_no_path_outside(self) -> None:
        launch = self._launch()

        assert [name for name, _ in launch.files if not FILE_NAME.fullmatch(name)] == []
        assert [path for path in _paths(launch) if not path.startswith(f"{HERE}/")] == []

    def test_hooks_go_along_only_where_they_are_claimed_and_wanted(self) -> None:
        with_hooks, without = self._launch(), self._launch(with_hooks=False)

        assert (with_hooks != without) is self.agent.capabilities.hooks

    def test_the_prompt_arrives_on_the_command_line_in_a_file_or_by_typing(self) -> None:
        launch = self._launch()

        told = (*launch.argv, *(value for _, value in launch.environment), *(str(data) for _, data in launch.files))
        assert launch.types_prompt or any(PROMPT in word or f"{HERE}/prompt" in word for word in told)

    def test_no_prompt_makes_a_command_line_that_no_kernel_takes(self) -> None:
        launch = self._launch(prompt="x" * (4 * PROMPT_ARGUMENT_BYTES_MAX))

        assert max(len(word.encode()) for word in launch.argv) <= PROMPT_ARGUMENT_BYTES_MAX + 100

    def test_a_conversation_goes_on_where_that_is_claimed_and_is_not_told_its_prompt_again(self) -> None:
        launch = self._launch(conversation=CONVERSATION)

        if self.agent.capabilities.resume:
            assert any(CONVERSATION in word for word in launch.argv)
            assert not any(PROMPT in word for word in launch.argv)
            assert not launch.types_prompt
        else:
            assert launch == self._launch()

    def test_it_is_hosted_without_a_terminal_only_where_that_is_claimed(self) -> None:
        if self.agent.capabilities.structured:
            spec = replace(self._spec(), runtime="process")
            assert self.agent.problem_with(spec) is None
            assert self.agent.launch(spec, replace(CONTEXT, has_terminal=False)) != self._launch()
            assert not self.agent.needs_terminal

    def test_each_policy_that_is_claimed_is_taken_and_makes_a_difference(self) -> None:
        policies = self.agent.capabilities.policies
        asked = self._launch()

        assert Permission.ASK in policies
        for permission in policies:
            spec = self._spec(permission)
            assert self.agent.problem_with(spec) is None
            is_the_same = self.agent.launch(spec, CONTEXT) == asked
            assert is_the_same is (permission is Permission.ASK)

    # ---- what it is told ---------------------------------------------------------------------------------------------

    @total
    @given(text=st.text(max_size=200) | st.sampled_from(["", " ", "/", "/help", "!", "!ls", "#", "@", "\\", "\x1b"]))
    def test_every_message_is_taken_or_refused_with_a_reason(self, text: str) -> None:
        problem = self.agent.problem_with_message(text)

        assert problem is None or problem.strip()
        if self.agent.awaits_turn and not text.strip():
            assert problem

    @total
    @given(argv=st.lists(words, max_size=4), allow=st.lists(words, max_size=2), prompt=st.none() | words)
    def test_every_spec_is_taken_or_refused_with_a_reason(
        self, argv: list[str], allow: list[str], prompt: str | None
    ) -> None:
        size = len((prompt or "").encode("utf-8", "replace"))
        spec = replace(self._spec(), argv=tuple(argv), allow=tuple(allow), prompt=prompt, prompt_bytes=size)

        problem = self.agent.problem_with(spec)

        assert problem is None or problem.strip()

    def test_an_account_has_a_name_that_tells_no_secret(self) -> None:
        account = self.agent.account(self._spec(), Secrets())

        assert "s3cret" not in (account or "")
        assert account == self.agent.account(self._spec(), Secrets())

    def test_its_files_are_named_where_it_keeps_them_and_where_nothing_is_known_as_well(self) -> None:
        for environment in ({}, {"HOME": "/home/me"}):
            files = self.agent.files(self._spec(), environment, RUN, 42)
            named = [] if files is None else [path for path in (files.state, files.transcript) if path is not None]
            assert [path for path in named if ".." in path.split("/") or not path.strip()] == []

    # ---- what it reads -----------------------------------------------------------------------------------------------

    def test_silence_says_nothing(self) -> None:
        assert [said for said in self.agent.read(Glimpse(now=NOW)).testimonies if said.allows] == []
        assert [said for said in self.agent.read(Glimpse(now=NOW, screen="")).testimonies if said.allows] == []

    @total
    @given(lines=st.lists(st.binary(max_size=80), max_size=4), state=st.none() | st.binary(max_size=80), text=words)
    def test_no_bytes_break_it(self, lines: list[bytes], state: bytes | None, text: str) -> None:
        hooks = tuple((line, n) for n, line in enumerate(lines, 1))
        glimpse = Glimpse(
            now=NOW, hook_lines=hooks, transcript_lines=tuple(lines), state=state, title=text, screen=text, agent_pid=42
        )

        self._holds(glimpse, self.agent.read(glimpse))

    @total
    @given(st.data())
    def test_no_fields_of_any_kind_break_it(self, data: st.DataObject) -> None:
        names = st.sampled_from(["hook_event_name", "type", "content", "prompt", "message", "at", "timestamp", "id"])
        payload = data.draw(st.dictionaries(names | words, fields, max_size=6))
        at = data.draw(st.floats() | st.integers() | words)
        lines = [{"at": at, self.agent.name: payload}, {"report": payload.get("type"), "text": "x", "at": at}, payload]
        written = [json.dumps(line).encode() for line in lines]
        glimpse = Glimpse(
            now=NOW,
            hook_lines=tuple((line, n) for n, line in enumerate(written, 1)),
            transcript_lines=tuple(written),
            state=written[2],
            agent_pid=42,
        )

        self._holds(glimpse, self.agent.read(glimpse))

    @total
    @given(screen=st.text(alphabet="─│╭╰●❯>*? 1.2yn\nAllow", max_size=300))
    def test_no_screen_breaks_it(self, screen: str) -> None:
        glimpse = Glimpse(now=NOW, screen=screen)
        draft = self.agent.draft(screen)

        self._holds(glimpse, self.agent.read(glimpse))
        assert draft is None or 0 < len(draft) <= TOLD_CHARS_MAX

    @pytest.mark.parametrize("activity", list(Activity))
    def test_whether_it_wants_the_screen_is_decided_for_every_activity(self, activity: Activity) -> None:
        sources = (None, *(trust.observer for trust in self.agent.witnesses))

        assert {type(self.agent.wants_screen(activity, source)) for source in sources} == {bool}

    # ---- what all that needs -----------------------------------------------------------------------------------------

    def _spec(self, permission: Permission = Permission.ASK) -> Spec:
        return Spec(
            name="one",
            project="/repo",
            agent=self.agent.name,
            runtime="tmux",
            argv=self.argv,
            workspace=Workspace(kind="none", path="/repo"),
            nonce="nonce",
            prompt=PROMPT,
            prompt_bytes=len(PROMPT),
            permission=permission,
            allow=(self.rule,) if permission is Permission.ALLOW else (),
        )

    def _launch(self, **context: object) -> AgentLaunch:
        return self.agent.launch(self._spec(), replace(CONTEXT, **context))

    def _holds(self, glimpse: Glimpse, reading: Reading) -> None:
        """Hold a reading against what every one promises, whatever was seen."""
        lines = len(glimpse.hook_lines) + len(glimpse.transcript_lines)
        trusted = {trust.observer for trust in self.agent.witnesses}
        times = [said.at or glimpse.now for said in reading.testimonies]
        assert 0 <= reading.malformed <= lines
        assert len(reading.testimonies) <= lines + len(LOOKED_AT)
        assert {said.observer for said in reading.testimonies} <= trusted
        assert times == sorted(times)
        assert all(time <= glimpse.now for time in times)
        for said in reading.testimonies:
            _holds_of_one(said)


def _holds_of_one(said: Testimony) -> None:
    told = (said.text or "", said.excerpt, said.decision.text if said.decision else "")
    assert len(set(said.allows)) == len(said.allows)
    assert max(map(len, told)) <= TOLD_CHARS_MAX
    assert said.decision is None or len(said.decision.choices) <= CHOICES_MAX
    assert said.decision is None or Activity.BLOCKED in said.allows
    for spent in said.spent:
        tokens = spent.tokens
        assert min(tokens.input, tokens.output, tokens.cache_read, tokens.cache_write) >= 0


def _paths(launch: AgentLaunch) -> Iterator[str]:
    """Name the absolute paths of a launch: whole words, and what stands behind a `=`."""
    environment: Mapping[str, str] = dict(launch.environment)
    for word in (*launch.argv, *environment.values()):
        path = word.partition("=")[2] if word.startswith("-") else word
        if re.fullmatch(r"/[\w.-]+(?:/[\w.-]+)*", path):
            yield path
