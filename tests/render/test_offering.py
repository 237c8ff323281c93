"""What a shell offers: words that mean what they are offered for, in the order of the table."""

from datetime import timedelta

import pytest

from orchestrd.model.limits import COMPLETIONS_MAX
from orchestrd.render import candidates
from tests.documents import NOON, a_document

NOW = NOON + timedelta(minutes=5)
RUNNING = {"state": "running", "reason": "started", "activity": "working", "activity_since": NOON, "started_at": NOON}
WAITING = RUNNING | {"activity": "waiting", "activity_text": "which branch?"}
ENDED = {"state": "completed", "reason": "exited", "state_since": NOON}


def words(text: str) -> list[str]:
    return [line.partition("\t")[0] for line in text.splitlines()]


def test_a_session_is_offered_by_its_name_with_what_it_does_and_what_it_is_about() -> None:
    told = a_document("aaaaaaaa", name="fix", project="/home/me/shop", **WAITING)

    assert candidates([told], NOW) == "fix\twaiting 5m, shop: which branch?\n"


def test_one_without_a_name_of_its_own_goes_by_its_id() -> None:
    assert words(candidates([a_document("aaaaaaaa", name="aaaaaaaa", **RUNNING)], NOW)) == ["aaaaaaaa"]


def test_who_types_the_beginning_of_an_id_is_given_the_id() -> None:
    told = a_document("aaaaaaaa", name="fix", **RUNNING)

    assert words(candidates([told], NOW, begins="aa")) == ["aaaaaaaa"]
    assert candidates([told], NOW, begins="b") == ""


def test_a_name_that_means_several_or_another_is_not_offered() -> None:
    twins = [a_document(f"{letter * 8}", name="twin", **RUNNING) for letter in "ab"]
    old, new = a_document("cccccccc", name="again", **ENDED), a_document("dddddddd", name="again", **RUNNING)

    offered = words(candidates([*twins, old, new], NOW))

    assert set(offered) == {"aaaaaaaa", "bbbbbbbb", "cccccccc", "again"}
    assert words(candidates([old, new], NOW, of="running")) == ["again"]
    assert words(candidates([old, new], NOW, of="ended")) == ["cccccccc"]


@pytest.mark.parametrize("name", ["--json", "two\nlines", "a\x1b[31mred"])
def test_a_name_that_no_command_line_takes_is_not_offered(name: str) -> None:
    assert words(candidates([a_document("aaaaaaaa", name=name, **RUNNING)], NOW)) == ["aaaaaaaa"]


def test_those_that_need_a_person_come_first() -> None:
    working = a_document("aaaaaaaa", name="one", **RUNNING)
    waiting = a_document("bbbbbbbb", name="two", **WAITING)
    over = a_document("cccccccc", name="three", **ENDED)

    assert words(candidates([working, over, waiting], NOW)) == ["two", "one", "three"]
    assert "three\tcompleted 5m" in candidates([over], NOW)


def test_projects_are_offered_with_how_many_sessions_they_have() -> None:
    told = [a_document(f"{letter * 8}", project=f"/p/{name}") for letter, name in (("a", "shop"), ("b", "shop"))]
    told.append(a_document("cccccccc", project="/p/api"))

    assert candidates(told, NOW, of="projects") == "api\t1 session\nshop\t2 sessions\n"
    assert words(candidates(told, NOW, of="projects", begins="s")) == ["shop"]


def test_the_list_is_bounded() -> None:
    many = [a_document(f"{number:08}", name=f"n{number}", **RUNNING) for number in range(COMPLETIONS_MAX + 1)]

    assert len(words(candidates(many, NOW))) == COMPLETIONS_MAX
