"""The stand-in model over real connections: what it sends, and the truth that it tells as it happens."""

import http.client
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from orchestrd.testing.model.moves import Answer, Cut, Delegate, Hang, Refusal, Run, think
from orchestrd.testing.model.scenario import read_scenario
from orchestrd.testing.model.standin import StandIn
from orchestrd.testing.model.truth import read_truth
from orchestrd.testing.model.writing import Json
from tests.acceptance.processes import until

PATIENCE_S = 10.0
TOOLS = [{"name": "Bash"}, {"name": "Agent"}]
SCENARIO = """
title = "One turn"

[[step]]
model = "run"
command = "touch sold"

[[step]]
model = "answer"
hold_s = inf
"""


@pytest.fixture
def model(tmp_path: Path) -> Iterator[StandIn]:
    with StandIn(log=tmp_path / "truth.jsonl") as model:
        yield model


def connection(url: str) -> http.client.HTTPConnection:
    address = urlsplit(url)
    return http.client.HTTPConnection(str(address.hostname), address.port, timeout=PATIENCE_S)


def request_of(text: str = "Count", *, stream: bool = False) -> Json:
    return {"model": "m", "stream": stream, "tools": TOOLS, "messages": [{"role": "user", "content": text}]}


def ask(
    url: str, text: str = "Count", *, stream: bool = False, path: str = "/v1/messages?beta=true"
) -> tuple[int, str]:
    asking = connection(url)
    try:
        asking.request("POST", path, json.dumps(request_of(text, stream=stream)))
        answer = asking.getresponse()
        return answer.status, answer.read().decode()
    finally:
        asking.close()


def post(url: str, path: str, body: bytes) -> tuple[int, Json]:
    asking = connection(url)
    try:
        asking.request("POST", path, body)
        answer = asking.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        asking.close()


def get(url: str, path: str) -> tuple[int, Json]:
    asking = connection(url)
    try:
        asking.request("GET", path)
        answer = asking.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        asking.close()


class Asking:
    """A request that waits for its answer beside the test."""

    def __init__(self, model: StandIn, text: str = "Count") -> None:
        self.connection = connection(model.url)
        self.connection.request("POST", "/v1/messages", json.dumps(request_of(text, stream=True)))
        self.answer = ""
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        self.answer = self.connection.getresponse().read().decode()

    def join(self) -> str:
        self._thread.join(PATIENCE_S)
        self.connection.close()
        return self.answer


# ---- what it sends ---------------------------------------------------------------------------------------------------


def test_without_a_script_it_says_done_to_everything(model: StandIn) -> None:
    status, answer = ask(model.url)

    assert status == 200
    assert '"text": "Done."' in answer
    assert model.heard == ["Count"]


@pytest.mark.parametrize("stream", [True, False])
def test_each_request_takes_the_next_move(model: StandIn, *, stream: bool) -> None:
    model.script(Run(command="touch sold"), Answer(text="There are three."))

    answers = [ask(model.url, stream=stream)[1] for _ in range(3)]

    for words, answer in zip(("touch sold", "There are three.", "Done."), answers, strict=True):
        assert words in answer


def test_a_refusal_has_its_status(model: StandIn) -> None:
    model.script(Refusal(why="overloaded"), Refusal(why="usage_limit"))

    assert [ask(model.url)[0] for _ in range(2)] == [529, 429]


def test_a_stream_that_is_cut_has_begun(model: StandIn) -> None:
    model.script(Cut())

    with pytest.raises(http.client.IncompleteRead) as told:
        ask(model.url, stream=True)

    assert b"message_start" in told.value.partial
    assert b"message_stop" not in told.value.partial


def test_a_request_that_hangs_gets_no_byte_and_is_dropped_when_released(model: StandIn) -> None:
    model.script(Hang())
    asking = connection(model.url)
    asking.request("POST", "/v1/messages", json.dumps(request_of()))
    model.wait_until("working", request=1)

    model.release()

    with pytest.raises(http.client.RemoteDisconnected):
        asking.getresponse()
    asking.close()


def test_what_is_held_has_said_its_first_words(model: StandIn) -> None:
    model.script(think("There are three."))
    asking = Asking(model)
    model.wait_until("working", request=1)

    model.release()
    answer = asking.join()

    assert answer.index("Let me see.") < answer.index("There are three.")
    assert answer.count("message_start") == 2  # the name of one event, and its type
    assert answer.count("content_block_start") == 2


def test_what_is_held_for_a_time_goes_on_by_itself(model: StandIn) -> None:
    model.script(think(for_s=0.05, is_silent=True))

    _, answer = ask(model.url, stream=True)

    assert "Let me see." not in answer
    assert "Done." in answer


def test_what_is_asked_on_the_side_takes_no_move_and_changes_nothing(model: StandIn) -> None:
    model.script(Answer(text="There are three."))
    aside = json.dumps({"model": "m", "messages": []}).encode()

    titled = post(model.url, "/v1/messages", aside)
    counted = post(model.url, "/v1/messages/count_tokens", aside)

    assert "Work on the shop" in str(titled)
    assert counted == (200, {"input_tokens": 10})
    assert (model.asked_times, model.truth) == (0, "waiting")


def test_models_are_listed_and_nothing_else_is_there(model: StandIn) -> None:
    assert get(model.url, "/v1/models")[1]["data"][0]["id"] == "stand-in"
    assert [get(model.url, "/v1/other")[0], post(model.url, "/v1/other", b"{}")[0]] == [404, 404]


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/messages", b"{"), ("/truth", b'{"truth":"asleep"}'), ("/truth", b"{}")]
)
def test_nonsense_is_refused(model: StandIn, path: str, body: bytes) -> None:
    assert post(model.url, path, body)[0] == 400


def test_a_request_that_is_too_long_is_not_read(model: StandIn) -> None:
    asking = connection(model.url)
    asking.putrequest("POST", "/v1/messages")
    asking.putheader("Content-Length", str(1 << 40))
    asking.endheaders()

    assert asking.getresponse().status == 413
    asking.close()


def test_whoever_looks_whether_it_is_there_finds_it(model: StandIn) -> None:
    asking = connection(model.url)
    asking.request("HEAD", "/")

    assert asking.getresponse().status == 200
    asking.close()


# ---- the truth -------------------------------------------------------------------------------------------------------


def test_the_truth_follows_from_what_is_asked_and_sent(model: StandIn, tmp_path: Path) -> None:
    model.script(Run(command="touch sold"), Answer(), Refusal(why="usage_limit"))

    before = time.time()
    ask(model.url)
    model.decided("working")
    ask(model.url)
    ask(model.url, "Sell")
    after = time.time()

    told = [edge.truth for edge in model.edges]
    assert told == ["waiting", "working", "blocked", "working", "waiting", "working", "limited"]
    assert all(before <= edge.at <= after for edge in model.edges[1:])
    assert [edge.truth for edge in read_truth(tmp_path / "truth.jsonl")] == told


def test_the_log_tells_of_every_request_and_of_what_was_heard_once(model: StandIn, tmp_path: Path) -> None:
    model.script(Refusal(why="overloaded"), Answer())

    ask(model.url)
    ask(model.url)

    lines = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    assert [line.get("why") for line in lines if line.get("truth") == "working"] == [
        "request 1",
        "refusal to request 1",
        "request 2",
    ]
    assert [line["heard"] for line in lines if "heard" in line] == ["Count"]


def test_a_line_that_is_still_being_written_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "log").write_text('{"at": 1.0, "truth": "working"}\n{"at": 2.0, "tru')

    assert [edge.at for edge in read_truth(tmp_path / "log")] == [1.0]


@pytest.mark.parametrize("is_silent", [True, False])
def test_an_agent_that_no_longer_listens_waits_for_its_user(model: StandIn, *, is_silent: bool) -> None:
    model.script(think(is_silent=is_silent))
    asking = connection(model.url)
    asking.request("POST", "/v1/messages", json.dumps(request_of(stream=True)))
    model.wait_until("working", request=1)

    asking.close()
    model.wait_until("waiting")

    assert "closed the connection" in model.edges[-1].why


def test_a_subagent_answers_for_itself_and_ends_no_turn_but_its_own(model: StandIn) -> None:
    model.script(Delegate(prompt="How many?", result="Three."), Answer(text="There are three."))

    ask(model.url)
    part = ask(model.url, "How many?")[1]
    under_way = model.truth
    whole = ask(model.url)[1]

    assert "Three." in part
    assert under_way == "working"
    assert "There are three." in whole
    assert model.truth == "waiting"
    assert model.heard == ["Count"]


def test_who_waits_for_a_truth_that_does_not_come_is_told_what_came(model: StandIn) -> None:
    with pytest.raises(TimeoutError, match="not blocked after 1 requests"):
        model.wait_until("blocked", request=1, within_s=0.01)


# ---- as a program ----------------------------------------------------------------------------------------------------


def test_as_a_program_it_serves_a_scenario_until_it_is_ended(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(SCENARIO)
    log = tmp_path / "truth.jsonl"
    argv = [sys.executable, "-m", "orchestrd.testing.model", "--scenario", str(tmp_path / "one.toml")]
    with subprocess.Popen([*argv, "--truth", str(log)], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        url = program.stdout.readline().strip()
        asked = ask(url)[1]
        blocked = get(url, "/truth")[1]
        told = post(url, "/truth", b'{"truth": "working", "why": "it is permitted"}')[1]
        post(url, "/release", b"")
        answered = ask(url, stream=True)[1]
        program.send_signal(signal.SIGTERM)
        code = program.wait(PATIENCE_S)

    assert ("touch sold" in asked, "Done." in answered, code) == (True, True, 0)
    assert (blocked, told) == ({"truth": "blocked"}, {"truth": "working"})
    assert [edge.truth for edge in read_truth(log)] == ["waiting", "working", "blocked", "working", "waiting"]
    assert "it is permitted" in log.read_text()


def test_as_a_program_it_says_what_is_wrong_with_a_scenario(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "orchestrd.testing.model", "--scenario", str(tmp_path / "none.toml")]

    told = subprocess.run(argv, capture_output=True, text=True, check=False)

    assert told.returncode == 1
    assert "none.toml cannot be read" in told.stderr
    assert "permission_accepted.toml" in told.stderr


def test_a_scenario_gives_the_model_its_moves(tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    path.write_text(SCENARIO)

    with StandIn(read_scenario(path)) as model:
        answer = ask(model.url)[1]
        until(lambda: model.truth == "blocked", "it asks")

    assert "touch sold" in answer
