"""Published model versions of studies."""

from datetime import datetime

from sqlalchemy import Select, delete, insert, select, update
from sqlalchemy.orm import Session

from annotations.errors import NotFound
from service.storage import lookup
from service.storage.records import ModelRecord
from service.storage.tables import ModelRow


class Models:
    """Which versions a study has, and which one is in use."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, study: str, record: ModelRecord) -> None:
        """Store a version and use it from now on, whatever `record.active` says.

        A version that is there already, trained again, keeps its place and gets the new figures.
        """
        row = lookup.study_id(self._session, study, to_write=True)
        self._session.execute(
            delete(ModelRow).where(ModelRow.study_id == row, ModelRow.version == record.version)
        )
        self._session.execute(
            insert(ModelRow).values(
                study_id=row,
                version=record.version,
                encoder=record.encoder,
                created_at=record.created_at,
                size_bytes=record.size_bytes,
                figures=dict(record.figures),
                active=False,
                codebook_version=record.codebook_version,
            )
        )
        self._activate(row, record.version)

    def list(self, study: str) -> tuple[ModelRecord, ...]:
        """All versions, the newest first."""
        row = lookup.study_id(self._session, study)
        query = _columns().where(ModelRow.study_id == row)
        newest = query.order_by(ModelRow.created_at.desc(), ModelRow.id.desc())
        return tuple(ModelRecord(**found._mapping) for found in self._session.execute(newest))

    def used(self) -> frozenset[str]:
        """The versions that any study has."""
        return frozenset(self._session.scalars(select(ModelRow.version)))

    def active(self, study: str) -> ModelRecord | None:
        """The version in use, None where the study has no model."""
        row = lookup.study_id(self._session, study)
        query = _columns().where(ModelRow.study_id == row, ModelRow.active)
        found = self._session.execute(query).one_or_none()
        return None if found is None else ModelRecord(**found._mapping)

    def last_trained(self, study: str) -> datetime | None:
        """When the newest version was made, in use or not; None where the study has no model."""
        row = lookup.study_id(self._session, study)
        query = select(ModelRow.created_at).where(ModelRow.study_id == row)
        return self._session.scalar(query.order_by(ModelRow.created_at.desc()).limit(1))

    def use(self, study: str, version: str) -> ModelRecord:
        """Use this version from now on. Raises NotFound that lists the versions there are."""
        row = lookup.study_id(self._session, study, to_write=True)
        if version not in (versions := [record.version for record in self.list(study)]):
            known = (
                f"Its versions are: {', '.join(versions)}."
                if versions
                else "It has none yet: train one."
            )
            raise NotFound(f"The study {study!r} has no model version {version!r}. {known}")
        self._activate(row, version)
        return next(record for record in self.list(study) if record.version == version)

    def _activate(self, study: int, version: str) -> None:
        mine = update(ModelRow).where(ModelRow.study_id == study)
        # In two steps: no moment may have two active versions.
        self._session.execute(mine.where(ModelRow.active).values(active=False))
        self._session.execute(mine.where(ModelRow.version == version).values(active=True))


def _columns() -> Select[tuple[object, ...]]:
    return select(
        ModelRow.version,
        ModelRow.encoder,
        ModelRow.size_bytes,
        ModelRow.figures,
        ModelRow.created_at,
        ModelRow.active,
        ModelRow.codebook_version,
    )
