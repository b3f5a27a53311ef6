"""From a study to what can be learned from it."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from annotations.codebook import Code
from annotations.codings import ADJUDICATED, CodingTable
from annotations.errors import StateError, command
from annotations.numerals import many
from annotations.study import Study
from annotations.transcripts import Segment, Segmentation
from models.exemplars import Candidate
from models.suggestions import Exemplar

if TYPE_CHECKING:
    from datasets import Dataset

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_MIN_TRANSCRIPTS = 2


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """The segments that somebody read, with what the coders made of them.

    `dataset` has a row for each segment: transcript, turn, start, end, speaker, text, `before`
    (earlier turns, the nearest last), `target`, `truth`, `scored`. *Shapes:* `targets`
    (segments, codes): 0, 1, 0.5 for a tie of the coders; `truth` (segments, codes): whether
    more than half of those who read it without suggestions in sight applied the code;
    `scored` (segments,): whether anybody did read it so; `clusters` (segments,): index into
    `transcripts`. Codes of a declared codebook that nobody applied are among `codes`; `book`
    is what the codebook says of each. `read` (coders, segments) and `applied` (coders,
    segments, codes) are the readings that make the majority.
    """

    segments: tuple[Segment, ...]
    codes: tuple[str, ...]
    coders: tuple[str, ...]
    transcripts: tuple[str, ...]
    clusters: NDArray[np.int64]
    targets: Floats
    truth: Bools
    scored: Bools
    segmentation: Segmentation
    candidates: tuple[tuple[Candidate, ...], ...]
    book: tuple[Code, ...]
    read: Bools
    applied: Bools

    @cached_property
    def dataset(self) -> "Dataset":
        """The segments as a table of the datasets library, for whoever trains something else."""
        from datasets import Dataset

        segments = self.segments
        return Dataset.from_dict(
            {
                "transcript": [segment.transcript for segment in segments],
                "turn": [segment.turn for segment in segments],
                "start": [segment.start for segment in segments],
                "end": [segment.end for segment in segments],
                "speaker": [segment.speaker for segment in segments],
                "text": [segment.text for segment in segments],
                "before": [
                    [{"speaker": turn.speaker, "text": turn.text} for turn in segment.before]
                    for segment in segments
                ],
                "target": self.targets.tolist(),
                "truth": self.truth.tolist(),
                "scored": self.scored.tolist(),
            }
        )

    @property
    def support(self) -> NDArray[np.int64]:
        """Segments whose majority applies each code; *shape:* (codes,)."""
        return np.asarray((self.targets == 1).sum(axis=0), dtype=np.int64)

    @property
    def has_context(self) -> bool:
        """Whether any segment has a turn before it."""
        return any(segment.before for segment in self.segments)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that is learned from."""
        digest = hashlib.sha256(self.book_digest.encode())
        digest.update(json.dumps(_written(self.segments)).encode())
        for numbers in (self.targets, self.truth, self.scored, self.read, self.applied):
            digest.update(f"{numbers.shape}".encode())
            digest.update(np.ascontiguousarray(numbers).tobytes())
        return digest.hexdigest()

    @property
    def book_digest(self) -> str:
        """SHA-256 of what the codebook says of the codes."""
        written = json.dumps([asdict(code) for code in self.book])
        return hashlib.sha256(written.encode()).hexdigest()


def _written(segments: tuple[Segment, ...]) -> list[object]:
    """Segments as they are hashed: what was said before them is written once."""
    said: dict[tuple[str, str], int] = {}
    places = [
        [one.transcript, one.turn, one.start, one.end, one.speaker, one.text]
        + [said.setdefault((turn.speaker, turn.text), len(said)) for turn in one.before]
        for one in segments
    ]
    return [places, list(said)]


def training_data(study: Study, *, model_coders: Collection[str] = ()) -> TrainingData:
    """Gather what people coded; codings of `model_coders` are left out.

    Raises StateError where nothing can be learned or nothing can be scored, with what is
    missing.
    """
    coders = [coder for coder in study.coders if coder not in set(model_coders)]
    codings = [coding for coding in study.human_codings if coding.coder in set(coders)]
    if not codings:
        raise StateError(
            f"{study.name} has nothing to learn from: "
            f"{many(len(study.transcripts), 'transcript')} and no codings by people. Import "
            "codings (second-coder import), or code transcripts in Label Studio and run "
            f"{command('label-studio', 'sync', study.name)}."
        )
    table = _table(study, coders)
    units = np.flatnonzero(table.read.any(axis=0))
    targets = table.majority()[units]
    alone = table.unassisted()
    with np.errstate(invalid="ignore"):
        truth = alone.majority()[units] > 0.5
    scored = np.asarray(alone.read.any(axis=0))[units]
    segments = tuple(table.units[unit] for unit in units)
    names = tuple(dict.fromkeys(segment.transcript for segment in segments))
    number = {name: place for place, name in enumerate(names)}
    clusters = np.array([number[segment.transcript] for segment in segments], dtype=np.int64)
    _check_transcripts(study.name, names, int(np.unique(clusters[scored]).size))
    read = _voting(table)[:, units]
    return TrainingData(
        segments=segments,
        codes=table.codes,
        coders=table.coders,
        transcripts=names,
        clusters=clusters,
        targets=targets,
        truth=truth,
        scored=scored,
        segmentation=study.segmentation,
        candidates=_candidates(table, units, targets),
        book=tuple(study.codebook.code(path) or Code(path=path) for path in table.codes),
        read=read,
        applied=table.applied[:, units] & read[:, :, np.newaxis],
    )


def _voting(table: CodingTable) -> Bools:
    """The readings that count: the agreed one alone where there is one."""
    votes = table.read.copy()
    if ADJUDICATED in table.coders:
        agreed = table.coders.index(ADJUDICATED)
        votes[:, table.read[agreed]] = False
        votes[agreed] = table.read[agreed]
    return votes


def _table(study: Study, coders: list[str]) -> CodingTable:
    used = set(study.codes_used)
    codes = [
        path
        for path in study.codebook.paths
        if path in used or (study.codebook.declared and study.codebook.is_leaf(path))
    ]
    read = {reading.transcript for reading in study.human_readings if reading.coder in coders}
    return CodingTable.of(
        transcripts=sorted(
            (item for item in study.transcripts if item.name in read), key=lambda item: item.name
        ),
        codings=study.human_codings,
        readings=study.human_readings,
        codes=codes,
        coders=coders,
        segmentation=study.segmentation,
    )


def _check_transcripts(study: str, names: tuple[str, ...], alone: int) -> None:
    if len(names) < _MIN_TRANSCRIPTS:
        raise StateError(
            f"{study} has codings in 1 transcript ({names[0]}). Training needs at least "
            f"{_MIN_TRANSCRIPTS}: the model is tested on transcripts that it has not seen. "
            "Code another transcript, or import one that is coded."
        )
    if alone < _MIN_TRANSCRIPTS:
        raise StateError(
            f"{study} has {many(len(names), 'coded transcript')}, but only {alone} coded without "
            f"suggestions in sight. Testing a model needs at least {_MIN_TRANSCRIPTS} of those: "
            "code transcripts of the blind sample."
        )


def _candidates(
    table: CodingTable, units: NDArray[np.int64], targets: Floats
) -> tuple[tuple[Candidate, ...], ...]:
    """For each code the segments whose majority applies it, in the name of one who did."""
    found = []
    readers = table.read.sum(axis=0)
    for code in range(len(table.codes)):
        rows = np.flatnonzero(targets[:, code] == 1)
        found.append(
            tuple(_candidate(table, code, int(units[row]), int(row), readers) for row in rows)
        )
    return tuple(found)


def _candidate(
    table: CodingTable, code: int, unit: int, row: int, readers: NDArray[np.int64]
) -> Candidate:
    appliers = np.flatnonzero(table.applied[:, unit, code])
    names = sorted(table.coders[coder] for coder in appliers)
    segment = table.units[unit]
    return Candidate(
        exemplar=Exemplar(
            transcript=segment.transcript,
            turn=segment.turn,
            start=segment.start,
            end=segment.end,
            text=segment.text,
            coder=ADJUDICATED if ADJUDICATED in names else names[0],
        ),
        segment=row,
        share=1.0 if ADJUDICATED in names else len(names) / float(readers[unit]),
    )
