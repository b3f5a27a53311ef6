"""A study in Label Studio: its connection, its tasks, and the mirror of its annotations."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Unpack

from pydantic import SecretStr
from sqlalchemy import ColumnElement, Select, delete, insert, select, update

from service.storage import lookup
from service.storage.mirror import AnnotationMirror
from service.storage.records import Connection, ConnectionChanges, TaskLink
from service.storage.tables import ConnectionRow, StudyRow, TaskRow, TranscriptRow


class LabelStudio(AnnotationMirror):
    """What is known of Label Studio, study by study. NotFound for an unknown study."""

    def connection(self, study: str) -> Connection | None:
        """The study's project, None where it is not connected."""
        row = lookup.study_id(self._session, study)
        found = self._connections(ConnectionRow.study_id == row)
        return found[0] if found else None

    def connections_of_project(self, project_id: int) -> tuple[Connection, ...]:
        """Connections to a project of this number: more than one if there are several servers."""
        return self._connections(ConnectionRow.project_id == project_id)

    def webhook_secrets(self) -> tuple[SecretStr, ...]:
        """What the webhooks of all connections send along."""
        return tuple(map(SecretStr, self._session.scalars(select(ConnectionRow.webhook_secret))))

    def save_connection(self, connection: Connection) -> None:
        """Store a study's connection in place of the one it had."""
        row = lookup.study_id(self._session, connection.study, to_write=True)
        values = {field.name: getattr(connection, field.name) for field in fields(connection)}
        values |= {
            "study_id": row,
            "token": connection.token.get_secret_value(),
            "webhook_secret": connection.webhook_secret.get_secret_value(),
        }
        del values["study"]
        self._session.execute(delete(ConnectionRow).where(ConnectionRow.study_id == row))
        self._session.execute(insert(ConnectionRow).values(**values))

    def change_connection(self, study: str, **changes: Unpack[ConnectionChanges]) -> None:
        """Change these fields of a study's connection and leave the others as they are by now."""
        row = lookup.study_id(self._session, study, to_write=True)
        own = ConnectionRow.study_id == row
        self._session.execute(update(ConnectionRow).where(own).values(**changes))

    def save_tasks(self, study: str, tasks: Sequence[TaskLink]) -> None:
        """Store or update which transcript is in which task. NotFound: unknown transcript."""
        row = lookup.study_id(self._session, study, to_write=True)
        transcripts = lookup.transcript_ids(self._session, row)
        held = dict(
            self._session.execute(
                select(TaskRow.task_id, TaskRow.id).where(TaskRow.study_id == row)
            ).all()
        )
        rows = {
            task.task_id: {
                "study_id": row,
                "task_id": task.task_id,
                "transcript_id": transcripts.get(task.transcript)
                or lookup.transcript_id(self._session, row, task.transcript),
                "blind": task.blind,
                "pushed_version": task.pushed_version,
                "prediction_id": task.prediction_id,
                "pushed_at": task.pushed_at,
            }
            for task in tasks
        }
        new = [values for number, values in rows.items() if number not in held]
        if new:
            self._session.execute(insert(TaskRow), new)
        known = [
            {"id": held[number], **values} for number, values in rows.items() if number in held
        ]
        if known:
            self._session.execute(update(TaskRow), known)

    def tasks(self, study: str) -> tuple[TaskLink, ...]:
        """All tasks of a study, in order of their numbers."""
        row = lookup.study_id(self._session, study)
        return self._tasks(_task_columns().where(TaskRow.study_id == row))

    def task(self, study: str, task_id: int) -> TaskLink | None:
        """One task, None where it is not known."""
        row = lookup.study_id(self._session, study)
        query = _task_columns().where(TaskRow.study_id == row, TaskRow.task_id == task_id)
        return next(iter(self._tasks(query)), None)

    def forget_tasks(self, study: str) -> None:
        """Drop all links to tasks: the project that they were in is not the study's any more."""
        row = lookup.study_id(self._session, study, to_write=True)
        self._session.execute(delete(TaskRow).where(TaskRow.study_id == row))

    def _connections(self, wanted: ColumnElement[bool]) -> tuple[Connection, ...]:
        columns = [column for column in ConnectionRow.__table__.c if column.name != "study_id"]
        query = (
            select(*columns, StudyRow.name.label("study"))
            .join(StudyRow, StudyRow.id == ConnectionRow.study_id)
            .where(wanted)
            .order_by(StudyRow.id)
        )
        return tuple(
            Connection(
                **{
                    **found._mapping,
                    "token": SecretStr(found.token),
                    "webhook_secret": SecretStr(found.webhook_secret),
                }
            )
            for found in self._session.execute(query)
        )

    def _tasks(self, query: Select[*tuple[object, ...]]) -> tuple[TaskLink, ...]:
        rows = self._session.execute(query.order_by(TaskRow.task_id))
        return tuple(TaskLink(**found._mapping) for found in rows)


def _task_columns() -> Select[*tuple[object, ...]]:
    return select(
        TaskRow.task_id,
        TranscriptRow.name.label("transcript"),
        TaskRow.blind,
        TaskRow.pushed_version,
        TaskRow.prediction_id,
        TaskRow.pushed_at,
    ).join(TranscriptRow, TranscriptRow.id == TaskRow.transcript_id)
