"""Train a model on a study's codings and make it the study's active one."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from annotations.errors import ArtifactError, command
from models.report import Asked, TrainReport
from models.thresholds import KAPPA, Aim
from models.weights import find_encoder
from service.documents import document
from service.house import House
from service.shared_models import share
from service.storage.records import ModelRecord
from service.workflows.codebook_notes import codebook_notes
from service.workflows.modelling import folder_of
from training.options import TrainOptions

Progress = Callable[[str, int, int], None]


def train_study(
    house: House,
    study: str,
    options: TrainOptions | None = None,
    *,
    full: bool = False,
    progress: Progress = lambda _stage, _done, _total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> TrainReport:
    """Train, cross-validate by transcript, publish a version and use it from now on.

    Without options (a retraining) it is trained as the model in use was, and that model is
    refreshed where little has changed, unless a `full` training is asked for. Raises
    ArtifactError where that model's encoder is gone: another one in its place is for people to
    choose.
    """
    from training.train import train

    with house.database.reading() as work:
        material = work.studies.load(study)
        notes = codebook_notes(work, study)
        active = work.models.active(study)
    base = None
    if options is None:
        options = options_after(active)
        _check_encoder(study, options)
        base = None if full else _base(house, active)
    report = train(
        material,
        options=options,
        store=house.artifacts,
        base=base,
        cache=house.cache,
        checkpoints=house.home / "checkpoints",
        progress=progress,
        should_stop=should_stop,
    )
    report = replace(report, notes=(*report.notes, *notes))
    folder = house.artifacts / report.model_version
    if house.settings.artifacts is not None:
        # Before anybody is told of the version: whoever hears of it can fetch it.
        share(house.settings.artifacts, folder)
    if active is not None and active.version == report.model_version:
        return report
    with house.database.unit_of_work() as work:
        work.models.add(
            study,
            ModelRecord(
                version=report.model_version,
                encoder=report.encoder,
                size_bytes=sum(file.stat().st_size for file in folder.iterdir()),
                figures=document(report),
                codebook_version=material.codebook_version or 1,
            ),
        )
        work.commit()
    return report


def options_after(active: ModelRecord | None) -> TrainOptions:
    """Those of a training that nobody chose any for: what was chosen for the model in use."""
    if active is None:
        return TrainOptions()
    asked = Asked(**active.figures.get("asked", {}))
    return TrainOptions(aim=Aim.parse(str(active.figures.get("aim", KAPPA))), **asdict(asked))


def _base(house: House, active: ModelRecord | None) -> Path | None:
    """The folder of the model in use, also where it is gone: the training says that it was.

    Raises ExternalError where the shared place cannot be reached: nothing could be put there.
    """
    if active is None:
        return None
    with suppress(ArtifactError):
        return folder_of(house, active.version)
    return house.artifacts / active.version


def _check_encoder(study: str, options: TrainOptions) -> None:
    if options.encoder is None:
        return
    try:
        find_encoder(options.encoder)
    except ArtifactError as problem:
        raise ArtifactError(
            f"The model in use was trained with the encoder {options.encoder}, and a training "
            f"keeps to it, but it cannot be read here: {problem} Put it back, or train once "
            f"with another one: {command('train', study, '--encoder', 'FOLDER')}"
        ) from problem
