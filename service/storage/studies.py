"""Studies: their transcripts, codebook, codings and readings."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import and_, case, func, insert, not_, select, update
from sqlalchemy.orm import Session

from annotations.codebook import Codebook
from annotations.codebook_versions.history import CodebookVersion
from annotations.codebook_versions.reading import CodebookMap
from annotations.codings import ADJUDICATED, Coding, Reading, is_model
from annotations.errors import InputError, Problem
from annotations.study import Material, Study
from annotations.transcripts import Transcript, Turn
from service.storage import additions, codebooks, lookup, memos, recorded, versions
from service.storage.records import Added, CoderSummary, CodeSummary, StudySummary, Unread, now
from service.storage.tables import (
    CodeRow,
    CodingChoiceRow,
    CodingRow,
    ModelRow,
    ReadingRow,
    StudyRow,
    TranscriptRow,
    TurnRow,
)

MAX_NAME = 100


class Studies:
    """Reads and writes studies as a whole. Every method raises NotFound for an unknown study."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def names(self) -> tuple[str, ...]:
        """All studies in alphabetical order."""
        return tuple(sorted(self._session.scalars(select(StudyRow.name))))

    def exists(self, name: str) -> bool:
        """Whether there is a study of this name."""
        return bool(self._session.scalar(select(StudyRow.id).where(StudyRow.name == name)))

    def create(self, name: str) -> None:
        """Make an empty study. Raises InputError where the name cannot be used or is taken."""
        self.check_new(name)
        self._session.execute(insert(StudyRow).values(name=name, declared=False, created_at=now()))

    def check_new(self, name: str) -> None:
        """Raise InputError where the name cannot be used or is taken."""
        if name != name.strip() or not 0 < len(name) <= MAX_NAME or not name.isprintable():
            message = f"a study's name has 1 to {MAX_NAME} visible characters; this one cannot be"
            raise InputError(Problem(file=repr(name), line=None, message=message))
        if name.startswith("-"):
            message = "a study's name that begins with a dash would be taken for an option"
            raise InputError(Problem(file=repr(name), line=None, message=f"{message}; rename it"))
        if "/" in name or "\\" in name or name in (".", ".."):
            message = "a study's name is part of web addresses: leave out slashes"
            raise InputError(Problem(file=repr(name), line=None, message=message))
        if self.exists(name):
            message = "there is a study of this name already; choose another or import into it"
            raise InputError(Problem(file=name, line=None, message=message))

    def add(self, name: str, material: Material) -> Added:
        """Add what is new in the material; adding the same again changes nothing.

        A declared codebook replaces definitions and order. Raises InputError, before anything
        is written, where a stored transcript has other words, a coding lies outside its turn,
        or a code is missing from a declared codebook.
        """
        study = lookup.study_id(self._session, name, to_write=True)
        return additions.add(self._session, study, material)

    def load(
        self,
        name: str,
        version: int | None = None,
        *,
        only: str | None = None,
        beside_waiting: bool = False,
    ) -> Study:
        """The study as a value: transcripts in the order in which they came in.

        What the same coder did twice, in a file and in Label Studio, counts once; a reading
        is assisted if either was, or if a part of a split code was chosen there with the
        model's proposal in sight. Codings are read under a version of the codebook, the newest
        unless another is asked for (NotFound lists them); `unread` counts those that this
        leaves out. Turns on which a coder has a choice to make yet count as not read by them,
        and where it is the team's agreed coding that waits, by nobody: it stands for everybody's,
        and what it overruled must not come back meanwhile. They are `undecided`, and what else was
        coded there is left out too. With `beside_waiting` all that is kept, for what counts no
        turns: what was applied is certain, what was not is not.
        `only` names the one transcript that is wanted, without memos and sets, and with each
        coder's own work where the agreed coding waits; NotFound where the study has none of
        this name.
        """
        study = lookup.study_id(self._session, name)
        names = self._names(study, only)
        coded = self._coded(study, names, version)
        assisted = {(names[row], turn, coder) for row, turn, coder in coded.assisted}
        decided = coded.decided(names, settled=only is None)

        def counts(one: Coding | Reading) -> bool:
            return beside_waiting or decided(one)

        readings = tuple(
            replace(one, assisted=True)
            if (one.transcript, one.turn, one.coder) in assisted
            else one
            for one in self._readings(study, names)
        )
        return Study(
            name=name,
            codebook=coded.version.codebook(declared=codebooks.is_declared(self._session, study)),
            transcripts=self._transcripts(study, () if only is None else names),
            codings=tuple(one for one in coded.codings if counts(one)),
            readings=tuple(one for one in readings if counts(one)),
            undecided=tuple(one for one in readings if not counts(one)),
            memos=() if only is not None else memos.memos(self._session, study, names),
            sets=() if only is not None else memos.sets(self._session, study, names),
            codebook_version=coded.version.number,
        )

    def _names(self, study: int, only: str | None) -> dict[int, str]:
        """The transcripts' names by row, or the one that is wanted."""
        if only is not None:
            return {lookup.transcript_id(self._session, study, only): only}
        found = lookup.transcript_ids(self._session, study)
        return {row: known for known, row in found.items()}

    def unread(self, name: str, version: int | None = None) -> Unread:
        """How many codings a version of the codebook leaves out, and why."""
        study = lookup.study_id(self._session, name)
        return self._coded(study, self._names(study, None), version).unread

    def transcripts(self, name: str, only: Collection[str] | None = None) -> tuple[Transcript, ...]:
        """The study's transcripts in the order in which they came in, all or those named."""
        study = lookup.study_id(self._session, name)
        if only is None:
            return self._transcripts(study)
        known = lookup.transcript_ids(self._session, study)
        rows = [row for transcript, row in known.items() if transcript in only]
        return tuple(
            found for some in lookup.chunks(rows) for found in self._transcripts(study, some)
        )

    def transcript(self, name: str, transcript: str) -> Transcript:
        """One transcript. Raises NotFound where the study has none of this name."""
        study = lookup.study_id(self._session, name)
        row = lookup.transcript_id(self._session, study, transcript)
        return self._transcripts(study, [row])[0]

    def read_by_people(self, name: str) -> frozenset[str]:
        """The transcripts of which somebody read a turn, without loading the study."""
        query = (
            select(TranscriptRow.name, ReadingRow.coder)
            .join(TranscriptRow, TranscriptRow.id == ReadingRow.transcript_id)
            .where(TranscriptRow.study_id == lookup.study_id(self._session, name))
            .distinct()
        )
        return frozenset(
            transcript for transcript, coder in self._session.execute(query) if not is_model(coder)
        )

    def codebook(self, name: str) -> Codebook:
        """The study's codebook."""
        return codebooks.stored(self._session, lookup.study_id(self._session, name))

    def codes(self, name: str) -> tuple[CodeSummary, ...]:
        """The codes in the order of the tree, each with how often people applied it."""
        study = lookup.study_id(self._session, name)
        names = {row: known for known, row in lookup.transcript_ids(self._session, study).items()}
        coded = self._coded(study, names, None)
        codings = [one for one in coded.codings if not is_model(one.coder)]
        number = Counter(coding.code for coding in codings)
        spread = Counter(code for code, _ in {(item.code, item.transcript) for item in codings})
        return tuple(
            CodeSummary(code=code, codings=number[code.path], transcripts=spread[code.path])
            for code in codebooks.stored(self._session, study).codes
        )

    def codes_applied(self, name: str) -> frozenset[str]:
        """The paths of codes that people applied: those of `codes` with codings, only faster."""
        study = lookup.study_id(self._session, name)
        history = versions.history(self._session, study)
        read = CodebookMap(history, history.current.number)
        choices = recorded.choices_of(self._session, study)
        # A coding counts by itself where somebody chose for it, else with all that are like it.
        chosen = case((CodingRow.id.in_(select(CodingChoiceRow.coding_id)), CodingRow.id))
        query = (
            select(CodingRow.code_id, CodingRow.version, CodingRow.coder, chosen.label("chosen"))
            .join(CodeRow, CodeRow.id == CodingRow.code_id)
            .where(CodeRow.study_id == study)
            .distinct()
        )
        return frozenset(
            read.to.by_id[code].path
            for one in self._session.execute(query)
            if not is_model(one.coder)
            for code in read.read(one.code_id, one.version, choices.get(one.chosen, ())).codes
        )

    def summary(self, name: str) -> StudySummary:
        """The study in numbers."""
        study = lookup.study_id(self._session, name)
        names = {row: known for known, row in lookup.transcript_ids(self._session, study).items()}
        coded = self._coded(study, names, None)
        everything = coded.codings
        decided = coded.decided(names)
        codings = [one for one in everything if not is_model(one.coder) and decided(one)]
        read = [one for one in self._readings(study, names) if not is_model(one.coder)]
        words = self._session.execute(
            select(func.count(), func.coalesce(func.sum(TranscriptRow.words), 0)).where(
                TranscriptRow.study_id == study
            )
        ).one()
        models = self._session.execute(
            select(ModelRow.version, ModelRow.active).where(ModelRow.study_id == study)
        ).all()
        return StudySummary(
            name=name,
            created_at=self._session.execute(
                select(StudyRow.created_at).where(StudyRow.id == study)
            ).scalar_one(),
            transcripts=words[0],
            coded=len({reading.transcript for reading in read}),
            turns=self._session.execute(
                select(func.count(TurnRow.number))
                .join(TranscriptRow, TranscriptRow.id == TurnRow.transcript_id)
                .where(TranscriptRow.study_id == study)
            ).scalar_one(),
            words=words[1],
            interviewers=self._interviewers(study),
            code_interviewer=self._session.execute(
                select(StudyRow.code_interviewer).where(StudyRow.id == study)
            ).scalar_one(),
            codes=len(coded.version.live),
            codings=len(codings),
            model_codings=sum(is_model(one.coder) for one in everything),
            readings=sum(decided(one) for one in read),
            coders=_coders(codings, read, decided),
            models=len(models),
            active_model=next((model.version for model in models if model.active), None),
            codebook_version=coded.version.number,
            unread=coded.unread,
        )

    def code_interviewer(self, name: str, coded: bool) -> None:
        """Say whether the turns of interviewers are coded like all others."""
        study = lookup.study_id(self._session, name, to_write=True)
        self._session.execute(
            update(StudyRow).where(StudyRow.id == study).values(code_interviewer=coded)
        )

    def _interviewers(self, study: int) -> tuple[str, ...]:
        query = (
            select(TurnRow.speaker)
            .distinct()
            .join(TranscriptRow, TranscriptRow.id == TurnRow.transcript_id)
            .where(TranscriptRow.study_id == study, TurnRow.interviewer)
        )
        return tuple(sorted(self._session.scalars(query)))

    def _transcripts(self, study: int, rows: Iterable[int] = ()) -> tuple[Transcript, ...]:
        wanted = [TranscriptRow.study_id == study]
        if rows:
            wanted.append(TranscriptRow.id.in_(list(rows)))
        turns: dict[int, list[Turn]] = {}
        query = (
            select(
                TurnRow.transcript_id,
                TurnRow.number,
                TurnRow.speaker,
                TurnRow.text,
                and_(TurnRow.interviewer, not_(StudyRow.code_interviewer)),
            )
            .join(TranscriptRow, TranscriptRow.id == TurnRow.transcript_id)
            .join(StudyRow, StudyRow.id == TranscriptRow.study_id)
            .where(*wanted)
            .order_by(TurnRow.transcript_id, TurnRow.number)
        )
        for row, number, speaker, words, interviewer in self._session.execute(query):
            turn = Turn(index=number, speaker=speaker, text=words, interviewer=bool(interviewer))
            turns.setdefault(row, []).append(turn)
        found = select(TranscriptRow.id, TranscriptRow.name, TranscriptRow.attributes)
        return tuple(
            Transcript(name=name, turns=tuple(turns.get(row, ())), attributes=attributes)
            for row, name, attributes in self._session.execute(
                found.where(*wanted).order_by(TranscriptRow.id)
            )
        )

    def _coded(self, study: int, names: dict[int, str], number: int | None) -> "_Coded":
        """The codings of a study, read under a version of its codebook."""
        history = versions.history(self._session, study)
        version = history.current if number is None else history.version(number)
        place = {one.id: position for position, one in enumerate(version.live)}
        once: dict[tuple[int, int, int, int, int, str], Coding] = {}
        waiting: set[tuple[int, int, str]] = set()
        assisted: set[tuple[int, int, str]] = set()
        left = Counter[str]()
        found = recorded.recorded(self._session, study, list(names) if len(names) == 1 else None)
        for one in recorded.read_under(found, history, version.number):
            coding, fate = one.coding, one.fate
            for code in fate.codes:
                once.setdefault(
                    (
                        coding.transcript,
                        coding.turn,
                        coding.start,
                        coding.end,
                        place[code],
                        coding.coder,
                    ),
                    Coding(
                        transcript=names[coding.transcript],
                        turn=coding.turn,
                        start=coding.start,
                        end=coding.end,
                        code=version.by_id[code].path,
                        coder=coding.coder,
                        coded_at=coding.coded_at,
                        memo=coding.memo,
                        continues=coding.continues,
                    ),
                )
            if fate.options:
                waiting.add(one.reading)
            if any(
                choice.assisted and choice.version <= version.number for choice in coding.choices
            ):
                assisted.add(one.reading)
            if not is_model(coding.coder):
                left["waiting"] += bool(fate.options)
                left["retired"] += bool(fate.retired)
                left["later"] += bool(fate.later)
        unsettled = {
            (transcript, turn) for transcript, turn, coder in waiting if coder == ADJUDICATED
        }
        left["unsettled"] = len(unsettled)
        left["beside"] = sum(
            not is_model(coder)
            and ((transcript, turn, coder) in waiting or (transcript, turn) in unsettled)
            for transcript, turn, *_, coder in once
        )
        return _Coded(
            version=version,
            # Sorted here: syncs arrive in any order, and databases disagree on that of names.
            codings=tuple(once[key] for key in sorted(once)),
            waiting=frozenset(waiting),
            assisted=frozenset(assisted),
            unread=Unread(**left),
        )

    def _readings(self, study: int, names: dict[int, str]) -> tuple[Reading, ...]:
        query = (
            select(
                ReadingRow.transcript_id,
                ReadingRow.turn,
                ReadingRow.coder,
                func.max(case((ReadingRow.assisted, 1), else_=0)),
            )
            .join(TranscriptRow, TranscriptRow.id == ReadingRow.transcript_id)
            .where(TranscriptRow.study_id == study)
            .group_by(ReadingRow.transcript_id, ReadingRow.turn, ReadingRow.coder)
        )
        if len(names) == 1:
            query = query.where(ReadingRow.transcript_id.in_(names))
        return tuple(
            Reading(transcript=names[row], turn=turn, coder=coder, assisted=bool(assisted))
            for row, turn, coder, assisted in sorted(map(tuple, self._session.execute(query)))
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Coded:
    """The codings as a version reads them.

    `waiting` are the readings (transcript's row id, turn, coder) with a choice to be made,
    `assisted` those with one that was made with the model's proposal in sight.
    """

    version: CodebookVersion
    codings: tuple[Coding, ...]
    waiting: frozenset[tuple[int, int, str]]
    assisted: frozenset[tuple[int, int, str]]
    unread: Unread

    def decided(
        self, names: Mapping[int, str], *, settled: bool = True
    ) -> Callable[[Coding | Reading], bool]:
        """Whether no choice is to be made on a turn, by its coder or (`settled`) by the team."""
        waiting = {(names[row], turn, coder) for row, turn, coder in self.waiting}
        unsettled = {
            (transcript, turn)
            for transcript, turn, coder in waiting
            if coder == ADJUDICATED and settled
        }

        def decided(one: Coding | Reading) -> bool:
            return (one.transcript, one.turn, one.coder) not in waiting and (
                is_model(one.coder) or (one.transcript, one.turn) not in unsettled
            )

        return decided


def _coders(
    codings: Iterable[Coding], readings: Iterable[Reading], decided: Callable[[Reading], bool]
) -> tuple[CoderSummary, ...]:
    turns: Counter[str] = Counter()
    transcripts: dict[str, set[str]] = {}
    for reading in readings:
        turns[reading.coder] += decided(reading)
        transcripts.setdefault(reading.coder, set()).add(reading.transcript)
    applied = Counter(coding.coder for coding in codings)
    return tuple(
        CoderSummary(
            coder=coder,
            transcripts=len(transcripts.get(coder, ())),
            turns=turns[coder],
            codings=applied[coder],
        )
        for coder in sorted(turns.keys() | applied.keys())
    )
