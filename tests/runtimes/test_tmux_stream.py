"""What a control client reads, and what it makes of it."""

import pytest

from orchestrd.model.limits import TMUX_ANSWER_BYTES_MAX
from orchestrd.runtimes.control_stream import Answered, ControlReader, Notice
from orchestrd.runtimes.panes import Pane, panes_of
from orchestrd.runtimes.tmux import untypable
from orchestrd.runtimes.tmux_command import clean_environment

ATTACHING = b"%begin 10 1 0\n%end 10 1 0\n%session-changed $0 orchestrd\n"
ANSWER = b"%begin 10 2 1\n41 %1 @1 0 one\n42 %2 @2 1 two words\n%end 10 2 1\n"


def read(*pieces: bytes) -> list[Answered | Notice]:
    reader = ControlReader()
    return [found for piece in pieces for found in reader.feed(piece)]


def test_an_answer_is_what_stands_between_its_begin_and_its_end() -> None:
    assert read(ANSWER) == [Answered(lines=("41 %1 @1 0 one", "42 %2 @2 1 two words"), is_error=False)]


def test_the_answer_to_attaching_belongs_to_no_question() -> None:
    assert read(ATTACHING) == [Notice(word="session-changed", rest="$0 orchestrd")]


def test_notices_stand_between_answers() -> None:
    found = read(ANSWER, b"%unlinked-window-close @3\n%sessions-changed\n", ANSWER)

    assert found[1:3] == [Notice(word="unlinked-window-close", rest="@3"), Notice(word="sessions-changed", rest="")]
    assert found[0] == found[3]


def test_an_error_is_an_answer() -> None:
    assert read(b"%begin 1 2 1\nno such thing\n%error 1 2 1\n") == [Answered(lines=("no such thing",), is_error=True)]


def test_it_does_not_matter_how_the_bytes_come() -> None:
    data = ATTACHING + ANSWER + b"%exit\n"

    assert read(*(data[at : at + 1] for at in range(len(data)))) == read(data)


@pytest.mark.parametrize("line", [b"%end 10 3 1", b"%end 10 2", b"%end", b"%begin 10 2 1", b"%exit", b"%error 9 2 1"])
def test_what_looks_like_an_end_but_is_another_is_a_line(line: bytes) -> None:
    (found,) = read(b"%begin 10 2 1\n" + line + b"\n%end 10 2 1\n")

    assert found == Answered(lines=(line.decode(),), is_error=False)


def test_what_is_no_notice_is_not_one() -> None:
    assert read(b"\nhello\n") == []


@pytest.mark.parametrize("data", [b"%begin 1 2 1\n" + b"x" * 1000 + b"\n", b""])
def test_an_answer_or_a_line_without_end_is_too_much(data: bytes) -> None:
    reader = ControlReader()
    list(reader.feed(data))

    with pytest.raises(ValueError, match="without end"):
        list(reader.feed(b"y" * TMUX_ANSWER_BYTES_MAX + b"y"))


def test_panes_are_told_by_the_pid_of_their_process_and_titles_may_be_empty_or_hold_anything() -> None:
    lines = ["41 %1 @1 0 ", "42 %2 @2 1 43 %3 @3 0 x", "0 %0 @0 1 vm", "", "44 %4"]

    assert panes_of(lines) == {
        41: Pane(id="%1", window="@1", is_dead=False, title=""),
        42: Pane(id="%2", window="@2", is_dead=True, title="43 %3 @3 0 x"),
    }


def test_a_server_is_told_a_few_plain_names_and_speaks_utf_8() -> None:
    environ = {"PATH": "/bin", "HOME": "/home/me", "TOKEN": "secret", "TMUX": "x", "LC_ALL": "C", "TERM": "xterm"}

    assert clean_environment(environ) == {"PATH": "/bin", "HOME": "/home/me", "LC_CTYPE": "C.UTF-8", "TERM": "dumb"}


@pytest.mark.parametrize("name", ["LC_ALL", "LC_CTYPE", "LANG"])
def test_a_server_speaks_the_language_of_the_user_where_that_is_utf_8(name: str) -> None:
    assert clean_environment({name: "de_CH.utf8"})[name] == "de_CH.utf8"
    assert "C.UTF-8" not in clean_environment({name: "de_CH.utf8"}).values()


@pytest.mark.parametrize("text", ["", "a\tb\nc\r\n", "äöü 漢字 🙂 \u200b"])
def test_plain_texts_of_any_script_may_be_pasted(text: str) -> None:
    assert untypable(text) is None
