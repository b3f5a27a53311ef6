"""Files into a study."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from annotations.codebook import Codebook
from annotations.errors import InputError, Problem
from annotations.formats.reading import read_paths
from annotations.study import Material, units_changed
from annotations.transcripts import Transcript
from service.house import House
from service.storage.records import Added

_FIRST_TURNS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What came in; `refused` was read and left out, `notes` how something was understood.

    `units_changed` says that the segments of the whole study are others than before.
    """

    study: str
    added: Added
    refused: tuple[Problem, ...]
    notes: tuple[Problem, ...]
    units_changed: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeakerFound:
    """A speaker of a transcript; `interviewer`: their turns are context and not coded."""

    speaker: str
    turns: int
    words: int
    interviewer: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstTurn:
    """How a transcript begins."""

    speaker: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscriptFound:
    """A transcript as it would come in. `format` is the end of its file's name."""

    transcript: str
    file: str
    format: str
    is_new: bool
    turns: int
    words: int
    speakers: tuple[SpeakerFound, ...]
    first: tuple[FirstTurn, ...]
    attributes: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What an import would do, as `Imported` tells it; nothing of it was stored."""

    study: str
    transcripts: tuple[TranscriptFound, ...]
    codings: int
    readings: int
    refused: tuple[Problem, ...]
    notes: tuple[Problem, ...]
    units_changed: str | None


def import_paths(
    house: House,
    study: str,
    paths: Sequence[Path],
    *,
    coder: str | None = None,
    interviewers: Sequence[str] = (),
    code_interviewer: bool | None = None,
) -> Imported:
    """Read files and folders into a study, which is created if it is not there.

    The turns of `interviewers` are marked as context, in these transcripts; `code_interviewer`
    says for the whole study whether such turns are coded all the same (None: as before).
    All or nothing: an InputError names every problem and leaves the study as it was.
    """
    material = _read(house, study, paths, coder, interviewers)
    with house.database.unit_of_work() as work:
        there = work.studies.exists(study)
        if not there:
            work.studies.create(study)
        before = work.studies.load(study) if there else None
        added = work.studies.add(study, material)
        if code_interviewer is not None:
            work.studies.code_interviewer(study, code_interviewer)
        changed = units_changed(before, work.studies.load(study)) if there else None
        work.commit()
    return Imported(
        study=study,
        added=added,
        refused=material.refused,
        notes=material.notes,
        units_changed=changed,
    )


def preview_paths(
    house: House,
    study: str,
    paths: Sequence[Path],
    *,
    coder: str | None = None,
    interviewers: Sequence[str] = (),
) -> Preview:
    """What `import_paths` would make of the same files; InputError as there."""
    material = _read(house, study, paths, coder, interviewers)
    with house.database.unit_of_work() as work:
        there = work.studies.exists(study)
        known = {item.name for item in work.studies.transcripts(study)} if there else set()
        # Tried and not committed, so that what the study refuses is told as well.
        if not there:
            work.studies.create(study)
        before = work.studies.load(study) if there else None
        work.studies.add(study, material)
        changed = units_changed(before, work.studies.load(study)) if there else None
    return Preview(
        study=study,
        transcripts=tuple(
            _found(item, material.files.get(item.name, ""), is_new=item.name not in known)
            for item in material.transcripts
        ),
        codings=len(material.codings),
        readings=len(material.readings),
        refused=material.refused,
        notes=material.notes,
        units_changed=changed,
    )


def _read(
    house: House,
    study: str,
    paths: Sequence[Path],
    coder: str | None,
    interviewers: Sequence[str],
) -> Material:
    for option, names in (("--coder", [coder]), ("--interviewer", interviewers)):
        if any(name is not None and not name.strip(" :") for name in names):
            message = "a name is not blank; say who it is, or leave it out"
            raise InputError(Problem(file=option, line=None, message=message))
    with house.database.reading() as work:
        there = work.studies.exists(study)
        known = work.studies.transcripts(study) if there else ()
        codebook = work.studies.codebook(study) if there else Codebook()
        former = work.codebooks.former_names(study) if there else {}
    # Files are read while others may write; what they wrote meanwhile is checked in adding.
    return read_paths(
        paths,
        known={item.name: item for item in known},
        codebook=codebook,
        coder=coder.strip() if coder is not None else None,
        interviewing=interviewers,
        former=former,
    )


def _found(transcript: Transcript, file: str, *, is_new: bool) -> TranscriptFound:
    turns = Counter(turn.speaker for turn in transcript.turns)
    words: Counter[str] = Counter()
    for turn in transcript.turns:
        words[turn.speaker] += len(turn.text.split())
    marked = {turn.speaker for turn in transcript.turns if turn.interviewer}
    return TranscriptFound(
        transcript=transcript.name,
        file=file,
        format=PurePath(file).suffix.lower(),
        is_new=is_new,
        turns=len(transcript.turns),
        words=transcript.words,
        speakers=tuple(
            SpeakerFound(
                speaker=speaker,
                turns=number,
                words=words[speaker],
                interviewer=speaker in marked,
            )
            for speaker, number in turns.most_common()
        ),
        first=tuple(
            FirstTurn(speaker=turn.speaker, text=turn.text)
            for turn in transcript.turns[:_FIRST_TURNS]
        ),
        attributes=transcript.attributes,
    )
