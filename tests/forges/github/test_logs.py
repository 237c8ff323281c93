"""The end of what the failing step of a job wrote."""

import pytest

from orchestrd.forges.github.logs import Step, Steps, end_of_step
from orchestrd.model.limits import CHECK_LOG_CHARS_MAX

LINES = (
    "2026-01-01T00:00:01.1000000Z Set up job",
    "2026-01-01T00:00:05.0000000Z ##[group]Run make test",
    "2026-01-01T00:00:06.2000000Z \x1b[31mone failed\x1b[0m",
    "a line without a time",
    "2026-01-01T00:00:07.0000000Z ##[error]Process completed with exit code 2.",
    "2026-01-01T00:00:07.9000000Z Post job cleanup.",
    "2026-01-01T00:00:20.0000000Z Cleaning up",
)
LOG = "\ufeff" + "\n".join(LINES)


def step(**field: str | None) -> Step:
    return Step(name="Run make test", conclusion="failure", **field)


def test_the_step_is_cut_out_by_when_it_ran_and_ends_with_its_error() -> None:
    told = end_of_step(LOG, step(started_at="2026-01-01T00:00:05Z", completed_at="2026-01-01T00:00:07Z"))

    assert told == "Run make test\none failed\nerror: Process completed with exit code 2."


@pytest.mark.parametrize(
    "known",
    [None, step(), step(started_at="2027-01-01T00:00:05Z", completed_at="2027-01-01T00:00:07Z")],
)
def test_where_nothing_is_known_of_the_step_the_job_up_to_its_last_error_is_told(known: Step | None) -> None:
    told = end_of_step(LOG, known)

    assert told.startswith("Set up job\n")
    assert told.endswith("error: Process completed with exit code 2.")


def test_of_a_long_log_the_end_is_told() -> None:
    told = end_of_step("\n".join(f"line {number}" for number in range(10_000)), None)

    assert told.endswith("line 9999")
    assert len(told) <= CHECK_LOG_CHARS_MAX


@pytest.mark.parametrize(
    ("conclusions", "name"),
    [(["success", "failure", "skipped"], "1"), (["success", None], None), (["cancelled"], "0"), ([], None)],
)
def test_the_first_step_that_did_not_go_well_is_the_failing_one(
    conclusions: list[str | None], name: str | None
) -> None:
    steps = Steps(steps=[Step(name=str(place), conclusion=one) for place, one in enumerate(conclusions)])

    assert (steps.failing_step.name if steps.failing_step else None) == name
