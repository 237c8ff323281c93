"""What failed checks have written: the log of a job of GitHub Actions, what another check says of itself.

Each is fetched once. A log that cannot be had is empty, and the change says why; one that could not be had this time
is fetched at the next look.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from orchestrd.core.fencing import cleaned, tail
from orchestrd.forges.github.answers import decoded
from orchestrd.forges.github.checks import JOB, RUN, word_of
from orchestrd.forges.github.client import GitHubClient
from orchestrd.forges.github.hosts import split
from orchestrd.forges.github.logs import Steps, end_of_step
from orchestrd.forges.github.plain import line
from orchestrd.model.change import Change, Checks, FailedCheck
from orchestrd.model.errors import NotFoundError, OrchestrdError, RefusedError, TransientError
from orchestrd.model.limits import ANNOTATIONS_MAX, CHECK_LOG_CHARS_MAX, FAILED_CHECKS_MAX

_PAGE = 50  # runs of a commit, and jobs of a run, that are looked at


class Output(Struct, frozen=True, kw_only=True):
    """What a check says of itself."""

    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations_count: Annotated[int, Meta(ge=0)] = 0


class CheckRun(Struct, frozen=True, kw_only=True):
    """A check run, as REST tells of it."""

    output: Output = Output()


class Annotation(Struct, frozen=True, kw_only=True):
    """What a check says of a line."""

    path: str = ""
    start_line: int = 0
    message: str | None = None


class Run(Struct, frozen=True, kw_only=True):
    """A run of a workflow, or a job of it."""

    id: int
    name: str | None = None
    conclusion: str | None = None
    html_url: str | None = None

    @property
    def has_failed(self) -> bool:
        """Tell whether it counts as failed."""
        return word_of((self.conclusion or "").upper()) is Checks.FAILING


class Runs(Struct, frozen=True, kw_only=True):
    """Those of a commit."""

    workflow_runs: tuple[Run, ...] = ()


class Jobs(Struct, frozen=True, kw_only=True):
    """Those of a run."""

    jobs: tuple[Run, ...] = ()


async def with_named_jobs(client: GitHubClient, change: Change, before: Change | None) -> Change:
    """Name the jobs that failed where the token may not read which checks did: Actions tells of its own.

    What was found of this commit before is enough.
    """
    if change.checks is not Checks.FAILING or change.failed or change.error is None:
        return change
    if before is not None and before.head == change.head and before.failed:
        return replace(change, failed=before.failed, failed_more=before.failed_more)
    try:
        found = [job async for job in _failed_jobs(client, change)]
    except OrchestrdError:
        return change  # why they are unknown is said already
    return replace(change, failed=tuple(found[:FAILED_CHECKS_MAX]), failed_more=max(0, len(found) - FAILED_CHECKS_MAX))


async def _failed_jobs(client: GitHubClient, change: Change) -> AsyncIterator[FailedCheck]:
    _, owner, name = split(change.repository)
    place, what = f"/repos/{owner}/{name}/actions/runs", "to read which jobs have failed"
    reply = await client.get(f"{place}?head_sha={change.head}&per_page={_PAGE}", what)
    failed = [run for run in decoded(reply.body, Runs, "list of runs").workflow_runs if run.has_failed]
    for run in failed[:FAILED_CHECKS_MAX]:
        reply = await client.get(f"{place}/{run.id}/jobs?per_page={_PAGE}", what)
        for job in decoded(reply.body, Jobs, "list of jobs").jobs:
            if job.has_failed:
                yield FailedCheck(id=f"{JOB}{job.id}", name=line(job.name or ""), url=job.html_url)


async def told_logs(client: GitHubClient, change: Change, known: dict[str, FailedCheck]) -> Change:
    """Add to the failed checks of a change what they have written.

    `known` are those of which that was told before, by their ids; it gains those of which it is told now.
    """
    error = change.error
    for check in change.failed:
        if check.id in known:
            continue
        try:
            known[check.id] = await _told(client, change.repository, check)
        except (NotFoundError, RefusedError) as missing:
            known[check.id] = replace(check, log="")
            error = error or missing.message
        except TransientError as missing:
            error = error or missing.message
    return replace(change, failed=tuple(known.get(check.id, check) for check in change.failed), error=error)


async def _told(client: GitHubClient, repository: str, check: FailedCheck) -> FailedCheck:
    _, owner, name = split(repository)
    place = f"/repos/{owner}/{name}"
    if check.id.startswith(JOB):
        return await _of_job(client, f"{place}/actions/jobs/{check.id.removeprefix(JOB)}", check)
    if check.id.startswith(RUN):
        return await _of_run(client, f"{place}/check-runs/{check.id.removeprefix(RUN)}", check)
    return check  # a commit status: what it says came with it


async def _of_job(client: GitHubClient, place: str, check: FailedCheck) -> FailedCheck:
    job = decoded((await client.get(place, f"to read the job {check.name!r}")).body, Steps, "job")
    step = job.failing_step
    log = await client.end_of(f"{place}/logs", f"to read the log of the job {check.name!r}")
    return replace(check, step=line(step.name) if step else None, log=end_of_step(log, step))


async def _of_run(client: GitHubClient, place: str, check: FailedCheck) -> FailedCheck:
    what = f"to read the check {check.name!r}"
    output = decoded((await client.get(place, what)).body, CheckRun, "check run").output
    annotations: Sequence[Annotation] = ()
    if output.annotations_count:
        reply = await client.get(f"{place}/annotations?per_page={ANNOTATIONS_MAX}", what)
        annotations = decoded(reply.body, tuple[Annotation, ...], "list of annotations")
    return replace(check, log=tail(cleaned("\n".join(_lines(output, annotations))), CHECK_LOG_CHARS_MAX))


def _lines(output: Output, annotations: Sequence[Annotation]) -> Iterator[str]:
    yield from filter(None, (output.title, output.summary, output.text))
    for annotation in annotations[:ANNOTATIONS_MAX]:
        yield f"{annotation.path}:{annotation.start_line}: {annotation.message or ''}"
