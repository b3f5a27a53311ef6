"""What the codebook lacks: excerpts that no code fits, grouped, as candidates for new codes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from annotations.codings import carries, is_model
from annotations.errors import NothingCoded, command
from annotations.numerals import form, many
from annotations.study import Study
from annotations.transcripts import Segment
from service.house import House
from service.storage.records import RetiredCoding
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
    """A segment of a group: characters `start` to `end` (exclusive) of its turn.

    `retired` says what it was coded as: `CODE, retired in version N`.
    """

    transcript: str
    turn: int
    start: int
    end: int
    speaker: str
    text: str
    retired: tuple[str, ...]


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
    """A group of like segments that may want a code. `excerpts` are the most central ones.

    `retired` of its segments were coded, with codes that the team has retired since.
    """

    number: int
    segments: int
    retired: int
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
        retired = _Retired.of(work.codebooks.retired(study))
    whole, undecided = _decided(_without(whole, hidden))
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
            retired=sum(bool(retired.on(read.segments[row])) for row in one.rows),
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
                    retired=retired.on(segment),
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
            *_waiting(study, undecided),
            *_was_coded(sum(bool(retired.on(read.segments[row])) for row in sifted.rows)),
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


def _decided(study: Study) -> tuple[Study, int]:
    """The study without turns on which a person has a choice to make: they are no news.

    And how many turns that are.
    """
    waiting = {(one.transcript, one.turn) for one in study.undecided if not is_model(one.coder)}
    return replace(
        study,
        codings=tuple(one for one in study.codings if (one.transcript, one.turn) not in waiting),
        readings=tuple(one for one in study.readings if (one.transcript, one.turn) not in waiting),
    ), len(waiting)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Retired:
    """Codings of retired codes, by transcript and turn."""

    codings: Mapping[tuple[str, int], Sequence[RetiredCoding]]

    @classmethod
    def of(cls, codings: Sequence[RetiredCoding]) -> "_Retired":
        found: dict[tuple[str, int], list[RetiredCoding]] = defaultdict(list)
        for one in codings:
            found[one.transcript, one.turn].append(one)
        return cls(codings=found)

    def on(self, segment: Segment) -> tuple[str, ...]:
        """What a segment was coded as, each once."""
        return tuple(
            dict.fromkeys(
                f"{one.code}, retired in version {one.since}"
                for one in self.codings.get((segment.transcript, segment.turn), ())
                if carries(segment, one.start, one.end)
            )
        )


def _waiting(study: str, turns: int) -> tuple[str, ...]:
    if not turns:
        return ()
    return (
        f"{many(turns, 'turn is', 'turns are')} left out, since a choice is to be made there after "
        f"a split: {command('codebook', 'worklist', study)}",
    )


def _was_coded(segments: int) -> tuple[str, ...]:
    if not segments:
        return ()
    return (
        f"{many(segments, 'excerpt')} of those left {form(segments, 'was', 'were')} coded with "
        "codes that are retired now: no news, unless the team thinks better of it.",
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
