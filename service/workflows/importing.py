"""Files into a study."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from annotations.codebook import Codebook
from annotations.errors import InputError, Problem
from annotations.formats.reading import read_paths
from service.house import House
from service.storage.records import Added


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What came in; `refused` was read and left out, with file and line."""

    study: str
    added: Added
    refused: tuple[Problem, ...]


def import_paths(
    house: House, study: str, paths: Sequence[Path], *, coder: str | None = None
) -> Imported:
    """Read files and folders into a study, which is created if it is not there.

    All or nothing: an InputError names every problem and leaves the study as it was.
    """
    if coder is not None and not coder.strip():
        message = "the name of a coder is not blank; say who coded, or leave it out"
        raise InputError(Problem(file="--coder", line=None, message=message))
    coder = coder.strip() if coder is not None else None
    with house.database.reading() as work:
        there = work.studies.exists(study)
        known = work.studies.transcripts(study) if there else ()
        codebook = work.studies.codebook(study) if there else Codebook()
    # Files are read while others may write; what they wrote meanwhile is checked in adding.
    material = read_paths(
        paths, known={item.name: item for item in known}, codebook=codebook, coder=coder
    )
    with house.database.unit_of_work() as work:
        if not work.studies.exists(study):
            work.studies.create(study)
        added = work.studies.add(study, material)
        work.commit()
    return Imported(study=study, added=added, refused=material.refused)
