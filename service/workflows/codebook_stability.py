"""Whether a codebook has settled: what each version changed, and whether codes still come."""

from dataclasses import dataclass

from annotations.codebook_versions.stability import MadeCoding, VersionChange, stability
from annotations.codings import is_model
from annotations.reliability.saturation import Saturation, saturation_of_people
from service.house import House
from service.workflows.codebook_notes import codebook_notes


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscriptStep:
    """What one transcript, in the order of coding, added: codes not met before, and its codes."""

    transcript: str
    new_codes: int
    codes: int
    new_pairs: int
    pairs: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CodebookStability:
    """What each version changed, the oldest first, and saturation under the newest.

    `saturation` is None, and `transcripts` empty, where nobody has coded.
    """

    study: str
    version: int
    versions: tuple[VersionChange, ...]
    saturation: Saturation | None
    transcripts: tuple[TranscriptStep, ...]
    notes: tuple[str, ...]


def codebook_stability(house: House, study: str) -> CodebookStability:
    """How the codebook moved, and how new codes dwindle. Raises NotFound."""
    with house.database.reading() as work:
        history = work.codebooks.history(study)
        record = work.codebooks.record(study)
        whole = work.studies.load(study)
        notes = codebook_notes(work, study)
    made = [
        MadeCoding(
            transcript=one.coding.transcript,
            code=one.coding.code,
            version=one.coding.version,
            choices=one.coding.choices,
        )
        for one in record
        if not is_model(one.coding.coder)
    ]
    found = None
    if whole.human_codings:
        found = saturation_of_people(whole.table(), whole.human_codings)
    return CodebookStability(
        study=study,
        version=history.current.number,
        versions=stability(history, made),
        saturation=found,
        transcripts=() if found is None else _steps(found),
        notes=notes,
    )


def _steps(found: Saturation) -> tuple[TranscriptStep, ...]:
    return tuple(
        TranscriptStep(transcript=name, new_codes=new, codes=codes, new_pairs=own, pairs=pairs)
        for name, new, codes, own, pairs in zip(
            found.transcripts,
            found.new_codes,
            found.codes,
            found.new_pairs,
            found.pairs,
            strict=True,
        )
    )
