"""Slow work as rows: who does it, how far it is, how it ended."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, insert, not_, select, update
from sqlalchemy.orm import Session, aliased

from annotations.errors import NotFound
from annotations.numerals import many
from service.storage import lookup
from service.storage.records import Job, JobCount, Recovered, now
from service.storage.tables import JobRow, StudyRow

_PRUNED_AT_ONCE = 500


class Jobs:
    """Jobs of all studies.

    A running job belongs to the worker that claimed it. What any other worker reports about
    it (one that was believed dead) is not written, and it is told so by None.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def create(self, kind: str, study: str, payload: Mapping[str, Any] | None = None) -> Job:
        """Queue a job, or let one of the same kind and study that still waits take it in.

        Taking in: lists in the payloads are united, other values are the newer ones.
        """
        row = lookup.study_id(self._session, study, to_write=True)
        waiting = self._find(
            JobRow.study_id == row, JobRow.kind == kind, JobRow.state == "queued", locked=True
        )
        if waiting:
            united = _united(waiting[0].payload, payload or {})
            if united != waiting[0].payload:
                self._set(waiting[0].id, payload=united)
            return self.get(waiting[0].id)
        number = self._session.execute(
            insert(JobRow)
            .values(
                study_id=row,
                kind=kind,
                state="queued",
                payload=dict(payload or {}),
                attempts=0,
                stage="",
                done=0,
                total=0,
                cancel_requested=False,
                created_at=now(),
            )
            .returning(JobRow.id)
        ).scalar_one()
        return self.get(number)

    def get(self, number: int) -> Job:
        """One job. Raises NotFound where there is none of this number."""
        found = self._find(JobRow.id == number)
        if not found:
            raise NotFound(f"There is no job {number}. List the jobs to see their numbers.")
        return found[0]

    def list(
        self,
        study: str | None = None,
        *,
        states: Collection[str] = (),
        limit: int | None = None,
    ) -> tuple[Job, ...]:
        """Jobs of a study, or of all, in these states, or in any; the newest first, so many."""
        wanted: list[ColumnElement[bool]] = []
        if study is not None:
            wanted.append(JobRow.study_id == lookup.study_id(self._session, study))
        if states:
            wanted.append(JobRow.state.in_(states))
        return self._find(*wanted, newest_first=True, limit=limit)

    def latest(self, study: str, kind: str) -> Job | None:
        """The job of this kind that was asked for last, None where there is none."""
        row = lookup.study_id(self._session, study)
        mine = (JobRow.study_id == row, JobRow.kind == kind)
        return next(iter(self._find(*mine, newest_first=True, limit=1)), None)

    def next(self, kinds: Collection[str]) -> int | None:
        """The oldest waiting job of these kinds whose study has none of them running."""
        return self._session.scalar(
            select(JobRow.id)
            .where(JobRow.state == "queued", JobRow.kind.in_(kinds), not_(_busy(kinds)))
            .order_by(JobRow.id)
            .limit(1)
        )

    def counts(self) -> tuple[JobCount, ...]:
        """How many jobs there are of all studies, by kind and state."""
        query = select(JobRow.kind, JobRow.state, func.count().label("number"))
        found = self._session.execute(query.group_by(JobRow.kind, JobRow.state))
        return tuple(JobCount(**row._mapping) for row in found)

    def claim(
        self, number: int, worker: str, *, lanes: Collection[Collection[str]] = ()
    ) -> Job | None:
        """Take a waiting job. None if it does not wait (any more): somebody else was quicker.

        `lanes` are kinds of jobs of which one at a time runs for a study: None, too, while
        another worker has one of the same lane.
        """
        waiting = self._find(JobRow.id == number, JobRow.state == "queued")
        if not waiting:
            return None
        # Two workers that claim two jobs of a study take turns here.
        lookup.study_id(self._session, waiting[0].study, to_write=True)
        beside = next((kinds for kinds in lanes if waiting[0].kind in kinds), ())
        moment = now()
        taken = self._session.execute(
            update(JobRow)
            .where(JobRow.id == number, JobRow.state == "queued", not_(_busy(beside)))
            .values(
                state="running",
                worker=worker,
                attempts=JobRow.attempts + 1,
                started_at=moment,
                heartbeat_at=moment,
            )
            .returning(JobRow.id)
        ).scalar()
        return None if taken is None else self.get(number)

    def heartbeat(
        self,
        number: int,
        worker: str,
        *,
        stage: str | None = None,
        done: int | None = None,
        total: int | None = None,
    ) -> Job | None:
        """Say that the worker lives and how far it is. The answer tells whether to stop."""
        progress = {"stage": stage, "done": done, "total": total}
        told = {name: value for name, value in progress.items() if value is not None}
        return self._report(number, worker, heartbeat_at=now(), **told)

    def finish(
        self, number: int, worker: str, result: Mapping[str, Any] | None = None
    ) -> Job | None:
        """The job is done."""
        return self._end(number, worker, state="finished", result=dict(result or {}))

    def fail(self, number: int, worker: str, message: str) -> Job | None:
        """The job could not be done; the message says why and what to do."""
        return self._end(number, worker, state="failed", message=message)

    def stopped(self, number: int, worker: str) -> Job | None:
        """The worker stopped the job because it was asked to."""
        return self._end(number, worker, state="cancelled")

    def give_back(self, number: int, worker: str) -> Job | None:
        """The worker ends before the job does: it waits again, and the attempt does not count."""
        return self._report(
            number, worker, state="queued", worker=None, attempts=JobRow.attempts - 1
        )

    def cancel(self, number: int) -> Job:
        """Ask a job to stop: a waiting one is cancelled at once, a running one by its worker."""
        self._find(JobRow.id == number, locked=True)
        state = self.get(number).state
        if state == "queued":
            self._set(number, state="cancelled", cancel_requested=True, finished_at=now())
        elif state == "running":
            self._set(number, cancel_requested=True)
        return self.get(number)

    def recover_stale(self, older_than: timedelta, *, max_attempts: int) -> Recovered:
        """Deal with running jobs whose worker has given no sign of life for so long.

        They wait again; they fail after `max_attempts`; they are cancelled if that was asked.
        """
        stale = self._find(
            JobRow.state == "running", JobRow.heartbeat_at < now() - older_than, locked=True
        )
        ends: dict[str, list[Job]] = {"queued": [], "failed": [], "cancelled": []}
        for job in stale:
            if job.cancel_requested:
                self._set(job.id, state="cancelled", worker=None, finished_at=now())
            elif job.attempts >= max_attempts:
                message = (
                    f"Its worker died {many(job.attempts, 'time')}, the last time in the stage "
                    f"{job.stage or 'before the first'!r}. Look at the worker's log (is there "
                    "enough memory?), then start the job again."
                )
                self._set(job.id, state="failed", worker=None, message=message, finished_at=now())
            else:
                self._set(job.id, state="queued", worker=None)
            end = self.get(job.id)
            ends[end.state].append(end)
        return Recovered(**{state: tuple(jobs) for state, jobs in ends.items()})

    def prune(self, kinds: Collection[str], older_than: timedelta) -> int:
        """Forget jobs of these kinds that ended so long ago, a few hundred at a time; how many.

        The last of each study and kind stays: it tells whether that works.
        """
        other = aliased(JobRow)
        followed = exists().where(
            other.study_id == JobRow.study_id, other.kind == JobRow.kind, other.id > JobRow.id
        )
        # Looked for first: where there is none, nobody waits for a writer.
        old = self._session.scalars(
            select(JobRow.id)
            .where(JobRow.kind.in_(kinds), JobRow.finished_at < now() - older_than, followed)
            .order_by(JobRow.id)
            .limit(_PRUNED_AT_ONCE)
        ).all()
        if old:
            self._session.execute(delete(JobRow).where(JobRow.id.in_(old)))
        return len(old)

    def _end(self, number: int, worker: str, **values: Any) -> Job | None:
        return self._report(number, worker, finished_at=now(), **values)

    def _report(self, number: int, by: str, **values: Any) -> Job | None:
        mine = (JobRow.id == number, JobRow.state == "running", JobRow.worker == by)
        changed = self._session.execute(
            update(JobRow).where(*mine).values(**values).returning(JobRow.id)
        ).scalar()
        return None if changed is None else self.get(number)

    def _set(self, number: int, **values: Any) -> None:
        self._session.execute(update(JobRow).where(JobRow.id == number).values(**values))

    def _find(
        self,
        *wanted: ColumnElement[bool],
        locked: bool = False,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> tuple[Job, ...]:
        columns = [column for column in JobRow.__table__.c if column.name != "study_id"]
        query = (
            select(*columns, StudyRow.name.label("study"))
            .join(StudyRow, StudyRow.id == JobRow.study_id)
            .where(*wanted)
            .order_by(JobRow.id.desc() if newest_first else JobRow.id)
            .limit(limit)
        )
        if locked:
            query = query.with_for_update(of=JobRow)
        return tuple(Job(**found._mapping) for found in self._session.execute(query))


def _busy(kinds: Collection[str]) -> ColumnElement[bool]:
    """Whether a job of these kinds runs for the study of a row of the jobs table."""
    other = aliased(JobRow)
    return exists().where(
        other.study_id == JobRow.study_id, other.state == "running", other.kind.in_(kinds)
    )


def _united(older: Mapping[str, Any], newer: Mapping[str, Any]) -> dict[str, Any]:
    both = {**older, **newer}
    for name, value in newer.items():
        before = older.get(name)
        if isinstance(value, (list, tuple)) and isinstance(before, (list, tuple)):
            both[name] = list(dict.fromkeys((*before, *value)))
    return both
