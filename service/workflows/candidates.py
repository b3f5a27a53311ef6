"""What the codebook lacks: excerpts that no code fits, grouped, as candidates for new codes."""

from dataclasses import dataclass, replace

from annotations.errors import NothingCoded, command
from annotations.numerals import many
from annotations.study import Study
from service.house import House
from service.workflows.model_codes import codes_of_model
from service.workflows.modelling import folder_of, model_in_use
from service.workflows.withholding import withheld

TOP = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class SiftStep:
    """What was asked of segments, and how many were left."""

    asked: str
    left: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CandidateExcerpt:
    """A segment of a group: characters `start` to `end` (exclusive) of its turn."""

    transcript: str
    turn: int
    start: int
    end: int
    speaker: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NearestLine:
    """The existing code that a group is nearest to.

    `distance` is the group's mean cosine distance from the middle of the code's excerpts, of
    which half are no farther than `usual` (None: it has one alone). `within`: nor is
    the group, so that the code may want broadening.
    """

    code: str
    distance: float
    usual: float | None
    within: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CandidateLine:
    """A group of like segments that may want a code. `excerpts` are the most central ones."""

    number: int
    segments: int
    transcripts: int
    words: tuple[str, ...]
    nearest: NearestLine | None
    excerpts: tuple[CandidateExcerpt, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidates:
    """Candidates for new codes, the largest group first; nothing of it is in the codebook.

    `found` groups there are, of which `candidates` holds the first; `alone` segments are in
    none. `near` is the cosine to a coded excerpt from which a code counts as fitting, None where
    no code was applied in two transcripts; `distance` is how far apart the segments of a group
    may be on average, None where there is nothing to group.
    """

    study: str
    model_version: str
    codebook_version: int | None
    steps: tuple[SiftStep, ...]
    near: float | None
    distance: float | None
    found: int
    alone: int
    candidates: tuple[CandidateLine, ...]
    notes: tuple[str, ...]


def find_candidates(
    house: House, study: str, *, top: int = TOP, coded_too: bool = False
) -> Candidates:
    """Excerpts that no code fits, in transcripts that people read, with the model in use.

    `coded_too`: also excerpts that people coded and that are low in every score. Raises
    NothingCoded, StateError without a model, ArtifactError.
    """
    with house.database.reading() as work:
        whole = work.studies.load(study)
        hidden = withheld(work, study, work.overviews.transcripts(study))
    whole = _without(whole, hidden)
    if not whole.human_codings:
        raise NothingCoded(
            f"Nobody has coded in {study} yet, so nothing tells what its codes fit. Code some "
            f"transcripts first, and make a model: {command('train', study)}"
        )
    record = model_in_use(house, study)
    with house.database.reading() as work:
        codes = codes_of_model(work, study, record)
    # Learning libraries take a second to import.
    from models.candidate_codes import group
    from models.read_segments import read_segments
    from models.unfitting import unfitting

    silent = {code for code, now in codes.now.items() if now is None}
    read = read_segments(whole, folder_of(house, record.version), cache=house.cache, silent=silent)
    sifted = unfitting(read, coded_too=coded_too)
    groups = group(read, sifted)
    lines = tuple(
        CandidateLine(
            number=number,
            segments=one.size,
            transcripts=one.transcripts,
            words=one.words,
            nearest=None
            if one.nearest is None
            else NearestLine(
                code=one.nearest.code,
                distance=one.nearest.distance,
                usual=one.nearest.usual,
                within=one.nearest.within,
            ),
            excerpts=tuple(
                CandidateExcerpt(
                    transcript=segment.transcript,
                    turn=segment.turn,
                    start=segment.start,
                    end=segment.end,
                    speaker=segment.speaker,
                    text=segment.text,
                )
                for segment in one.excerpts
            ),
        )
        for number, one in enumerate(groups.groups[:top], start=1)
    )
    return Candidates(
        study=study,
        model_version=record.version,
        codebook_version=whole.codebook_version,
        steps=tuple(SiftStep(asked=one.asked, left=one.left) for one in sifted.steps),
        near=sifted.near if sifted.near <= 1 else None,
        distance=groups.distance if groups.groups else None,
        found=len(groups.groups),
        alone=groups.alone,
        candidates=lines,
        notes=(
            *_why_none(len(groups.groups), len(sifted.rows)),
            *_left_out(groups.left_out, len(hidden)),
            *_interviewers(whole),
        ),
    )


def _without(study: Study, names: frozenset[str]) -> Study:
    """The study without transcripts of which nothing may be told yet."""
    return replace(
        study,
        transcripts=tuple(item for item in study.transcripts if item.name not in names),
        codings=tuple(one for one in study.codings if one.transcript not in names),
        readings=tuple(one for one in study.readings if one.transcript not in names),
    )


def _why_none(groups: int, segments: int) -> tuple[str, ...]:
    if groups:
        return ()
    if not segments:
        return (
            "No excerpt is left that no code fits: what people left uncoded is short, or a score "
            "claims it, or it is like what they coded.",
        )
    return (
        f"{many(segments, 'excerpt is', 'excerpts are')} left that no code fits, and no three of "
        "two transcripts or more are alike: there is no group to propose.",
    )


def _left_out(segments: int, transcripts: int) -> tuple[str, ...]:
    notes = []
    if segments:
        notes.append(
            f"{many(segments, 'excerpt was', 'excerpts were')} left out, evenly, so that the rest "
            "can be compared."
        )
    if transcripts:
        noun = many(transcripts, "transcript is", "transcripts are")
        notes.append(f"{noun} left out: withheld until people have read them to the end.")
    return tuple(notes)


def _interviewers(study: Study) -> tuple[str, ...]:
    speakers = {turn.speaker for item in study.transcripts for turn in item.turns}
    if len(speakers) < 2 or any(
        turn.interviewer for item in study.transcripts for turn in item.turns
    ):
        return ()
    return (
        "No turn is marked as an interviewer's, so questions may be among these. Import the "
        "transcripts again with --interviewer NAME to mark them.",
    )
