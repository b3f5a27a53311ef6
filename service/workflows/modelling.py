"""A study's model versions: list them, choose one, find the one in use."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from annotations.errors import ArtifactError, StateError, command
from service.house import House
from service.shared_models import fetch
from service.storage.records import ModelRecord
from service.workflows.model_codes import StaleCode, codes_of_model


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelLine:
    """A model version with its held-out figures, as they were when it was made.

    `codebook_version` is the version of the codebook whose codes it knows; `retrain` are the
    codes that changed since so that it does not know them as they are.
    """

    version: str
    created_at: datetime
    encoder: str
    size: int
    active: bool
    kappa: float | None
    macro_f1: float | None
    micro_f1: float | None
    figures: Mapping[str, Any]
    codebook_version: int
    retrain: tuple[StaleCode, ...] = ()

    @property
    def refreshed_from(self) -> str | None:
        """The version that its training went on from, None where it was trained in full."""
        refreshed = self.figures.get("refreshed")
        return None if refreshed is None else str(refreshed["base"])

    @classmethod
    def of(cls, record: ModelRecord, retrain: tuple[StaleCode, ...] = ()) -> "ModelLine":
        """Take the headline figures out of the training report."""

        def value(name: str) -> float | None:
            figure = record.figures.get(name)
            return figure["value"] if figure else None

        return cls(
            version=record.version,
            created_at=record.created_at,
            encoder=record.encoder,
            size=record.size_bytes,
            active=record.active,
            kappa=value("kappa"),
            macro_f1=value("macro_f1"),
            micro_f1=value("micro_f1"),
            figures=record.figures,
            codebook_version=record.codebook_version,
            retrain=retrain,
        )


def list_models(house: House, study: str) -> tuple[ModelLine, ...]:
    """All versions, in the order in which they were made."""
    with house.database.reading() as work:
        return tuple(
            ModelLine.of(record, codes_of_model(work, study, record).stale)
            for record in work.models.list(study)
        )


def use_model(house: House, study: str, version: str) -> ModelLine:
    """Use this version from now on; NotFound lists the versions there are."""
    with house.database.unit_of_work() as work:
        record = work.models.use(study, version)
        work.commit()
    return ModelLine.of(record)


def model_in_use(house: House, study: str) -> ModelRecord:
    """The version in use; StateError where the study has none."""
    with house.database.reading() as work:
        record = work.models.active(study)
    if record is None:
        raise StateError(f"{study} has no model yet. Make one: {command('train', study)}")
    return record


def folder_of(house: House, version: str) -> Path:
    """Where a version's files are, fetched if others made it; ArtifactError: they are gone."""
    folder = house.artifacts / version
    if not folder.is_dir() and house.settings.artifacts is not None:
        return fetch(house.settings.artifacts, version, house.artifacts)
    if not folder.is_dir():
        raise ArtifactError(
            f"The files of model {version} are not at {folder}. Restore the folder from a "
            "backup, choose another version (second-coder models STUDY --use VERSION), or train "
            "(second-coder train STUDY)."
        )
    return folder
