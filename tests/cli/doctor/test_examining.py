"""A checkup goes on whatever one subject does: hang, break, or say what is no text."""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from orchestrd.core.layout import Layout
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.finding import Finding, Level, Mended
from orchestrd_cli.doctor import examining
from orchestrd_cli.doctor.subject import FIX, Subject, Surroundings, ok
from tests.cli.doctor.cases import NOW

AROUND = Surroundings(layout=Layout("/nowhere"), environ={}, now=NOW, uid=1000)
WELL = Subject(name="well", look=lambda _: "is well", judge=lambda told: [ok("well", told)])


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Subject[str]]:
    """Give a subject that hangs until the test is over."""
    monkeypatch.setattr(examining, "EXAMINED_S", 0.2)
    over = threading.Event()
    yield Subject(name="hangs", look=lambda _: str(over.wait()), judge=lambda told: [ok("hangs", told)])
    over.set()


def _raising(error: Exception) -> Subject[str]:
    def look(_: Surroundings) -> str:
        raise error

    return Subject(name="breaks", look=look, judge=lambda _: [])


def _told(*subjects: Subject[str]) -> list[tuple[str, Level, str]]:
    found = examining.checkup(AROUND, fix=False, subjects=subjects).findings
    return [(finding.subject, finding.level, finding.told) for finding in found]


def test_one_that_hangs_is_a_finding_and_the_others_go_on(hanging: Subject[str]) -> None:
    told = _told(hanging, WELL)

    assert told == [("hangs", Level.FAIL, "no answer within 0.2 s"), ("well", Level.OK, "is well")]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError(13, "Permission denied", "/x/y"), "cannot be looked at: /x/y: Permission denied"),
        (OSError(5, "Input/output error", b"/x"), "cannot be looked at: b'/x': Input/output error"),
        (TimeoutError("timed out"), "cannot be looked at: TimeoutError: timed out"),
        (OrchestrdError("it is no home", hint="ls"), "cannot be looked at: it is no home"),
        (ZeroDivisionError("our own mistake"), "cannot be looked at: ZeroDivisionError: our own mistake"),
    ],
)
def test_one_that_breaks_is_a_finding_and_the_others_go_on(error: Exception, told: str) -> None:
    assert _told(_raising(error), WELL) == [("breaks", Level.FAIL, told), ("well", Level.OK, "is well")]


def test_what_is_no_text_is_written_out() -> None:
    strange = Subject(name="strange", look=lambda _: b"\xff\n".decode(errors="surrogateescape"), judge=WELL.judge)

    assert _told(strange) == [("well", Level.OK, "\\udcff\n")]


class Sore:
    """Something that can be mended once, if its disk lets it."""

    def __init__(self, error: OSError | None = None) -> None:
        self.is_well = False
        self.error = error

    def judge(self, is_well: bool) -> Iterable[Finding]:  # noqa: FBT001 - the fact itself
        told = Finding(subject="sore", level=Level.FAIL, told="is sore", next=FIX, can_fix=True)
        yield ok("sore", "is well") if is_well else told

    def mend(self, is_well: bool) -> Iterable[str]:  # noqa: FBT001 - as above
        assert not is_well
        if self.error:
            raise self.error
        self.is_well = True
        yield "it was sore, and is well now"

    @property
    def subject(self) -> Subject[bool]:
        return Subject(name="sore", look=lambda _: self.is_well, judge=self.judge, mend=self.mend)


def test_what_was_mended_is_said_and_looked_at_again() -> None:
    found = examining.checkup(AROUND, fix=True, subjects=[Sore().subject, WELL])

    assert found.mended == (Mended(subject="sore", told="it was sore, and is well now"),)
    assert [finding.told for finding in found.findings] == ["is well", "is well"]
    assert found.is_healthy


def test_nothing_is_mended_that_is_well_or_unless_it_is_asked_for() -> None:
    sore, well = Sore(), Sore()
    well.is_well = True

    unasked = examining.checkup(AROUND, fix=False, subjects=[sore.subject])
    needless = examining.checkup(AROUND, fix=True, subjects=[well.subject])

    assert (unasked.mended, needless.mended) == ((), ())
    assert (unasked.is_healthy, needless.is_healthy) == (False, True)


def test_what_cannot_be_mended_is_said_and_stays_a_finding() -> None:
    stuck = Sore(PermissionError(1, "Operation not permitted", "/x"))

    found = examining.checkup(AROUND, fix=True, subjects=[stuck.subject, Sore().subject])

    assert [mended.told for mended in found.mended] == [
        "could not be mended: [Errno 1] Operation not permitted: '/x'",
        "it was sore, and is well now",
    ]
    assert [finding.level for finding in found.findings] == [Level.FAIL, Level.OK]


def test_a_whole_checkup_of_a_home_that_is_not_there_looks_at_everything(tmp_path: Path) -> None:
    around = Surroundings(layout=Layout(str(tmp_path / "none")), environ={"HOME": str(tmp_path)}, now=NOW, uid=1000)

    found = examining.checkup(around, fix=True)

    assert {finding.subject for finding in found.findings} == {subject.name for subject in examining.SUBJECTS}
    assert list(tmp_path.iterdir()) == []
