"""What the heads see of a segment: two views of its words, its context and its speakers.

The embedding view knows meaning, the words view knows wording; each finds what the other
misses, so both are scored and the scores combined.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import RLock
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from annotations.transcripts import Segment, Turn
from models.terms import TermCounts, common_terms, count_terms, inverse_frequency, tf_idf

Floats32 = NDArray[np.float32]

_MAX_SPEAKERS = 20
_SPEAKER_SHARE = 0.1
_MAX_TERMS = 30_000
_PREVIOUS_WEIGHT = 0.5
_SPEAKER_WEIGHT = 0.5
_LOOKED_BACK = 2
"""How many earlier turns' speakers are features."""

SHORT_WORDS = 15
"""A segment of up to so many words may be an answer that says nothing without its question."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """What of a segment's surroundings is a feature.

    `context`: the turns before it; `question`: the question before a short segment. `speakers`
    are those known across transcripts, a role such as "Interviewer"; the name of a person who
    speaks in one transcript alone would only teach that transcript by heart.
    """

    context: bool
    speakers: tuple[str, ...]
    question: bool = False

    @property
    def looks_back(self) -> bool:
        """Whether any earlier turn is read."""
        return self.context or self.question


def recurring_speakers(segments: Iterable[Segment]) -> tuple[str, ...]:
    """The speakers who occur in a tenth of the transcripts and in at least two, most first."""
    where: dict[str, set[str]] = {}
    transcripts = set()
    for segment in segments:
        where.setdefault(segment.speaker, set()).add(segment.transcript)
        transcripts.add(segment.transcript)
    least = max(2.0, _SPEAKER_SHARE * len(transcripts))
    often = [name for name, places in where.items() if name and len(places) >= least]
    return tuple(sorted(often, key=lambda name: (-len(where[name]), name))[:_MAX_SPEAKERS])


def texts_of(segments: Iterable[Segment], *, context: bool) -> list[str]:
    """The distinct texts whose vectors the embedding view needs."""
    texts: dict[str, None] = {}
    for segment in segments:
        texts[segment.text] = None
        if context:
            texts.update((turn.text, None) for turn in segment.before)
    return list(texts)


def embedding_view(
    segments: Sequence[Segment], vectors: Mapping[str, Floats32], setting: Setting
) -> Floats32:
    """The segment's vector, who speaks, and what the setting takes of the turns before.

    *Shape:* (segments, features). Context: the nearest turn's vector and its cosine with the
    segment's, the mean of the turns before that, the logarithm of the number of words. A
    question: its vector and cosine, and the number of words. Features past the segment's own
    vector come after it.
    """
    if not segments:
        return np.zeros((0, 1), dtype=np.float32)
    size, said_by = len(vectors[segments[0].text]), _speakers(segments, setting)
    looked_back = (size + 2) * setting.question + (2 * size + 2) * setting.context
    found = np.empty((len(segments), size + said_by.shape[1] + looked_back), dtype=np.float32)
    begun = 0

    def columns(count: int) -> Floats32:
        nonlocal begun
        begun += count
        return found[:, begun - count : begun]

    # Each part is written where it belongs: with 40,000 segments a copy takes as long as a part.
    own = np.stack([vectors[segment.text] for segment in segments], out=columns(size))
    columns(said_by.shape[1])[:] = said_by
    nothing = np.zeros_like(own[0])
    if setting.question:
        asked = [question_before(segment) for segment in segments]
        answered = [nothing if turn is None else vectors[turn.text] for turn in asked]
        question = np.stack(answered, out=columns(size))
        columns(1)[:] = (own * question).sum(axis=1, keepdims=True)
        columns(1)[:] = _length(segments)
    if setting.context:
        last = [vectors[s.before[-1].text] if s.before else nothing for s in segments]
        nearest = np.stack(last, out=columns(size))
        earlier = [_mean(vectors, segment.before[:-1], nothing) for segment in segments]
        np.stack(earlier, out=columns(size))
        columns(1)[:] = (own * nearest).sum(axis=1, keepdims=True)
        columns(1)[:] = _length(segments)
    return found


def question_before(segment: Segment) -> Turn | None:
    """What a short segment answers, None for a long one.

    The nearest earlier turn of somebody else with a question mark or by an interviewer, else
    the nearest of somebody else.
    """
    if len(segment.text.split()) > SHORT_WORDS:
        return None
    others = [turn for turn in reversed(segment.before) if turn.speaker != segment.speaker]
    asking = [turn for turn in others if turn.interviewer or "?" in turn.text]
    return next(iter([*asking, *others]), None)


def _length(segments: Sequence[Segment]) -> Floats32:
    words = np.array([[len(segment.text.split())] for segment in segments], dtype=np.float32)
    return np.log1p(words)


def _mean(vectors: Mapping[str, Floats32], turns: Sequence[Turn], nothing: Floats32) -> Floats32:
    if not turns:
        return nothing
    total = sum((vectors[turn.text] for turn in turns), start=nothing)
    return total / np.float32(len(turns))


def _speakers(segments: Sequence[Segment], setting: Setting) -> Floats32:
    """One column a speaker: who speaks, and with context who spoke in the turns before."""
    known = {name: place for place, name in enumerate(setting.speakers)}
    back = _LOOKED_BACK if setting.context else 0
    columns = np.zeros((len(segments), 1 + back, len(known)), dtype=np.float32)
    for row, segment in enumerate(segments):
        names = [segment.speaker, *(turn.speaker for turn in segment.before[::-1][:back])]
        for step, name in enumerate(names):
            if name in known:
                columns[row, step, known[name]] = 1
    return columns.reshape(len(segments), -1)


@dataclass(frozen=True, kw_only=True, slots=True)
class TermBlock:
    """Terms of one kind with their inverse document frequencies.

    `kind`: "words" (1-2-grams, a question mark is a word) or "characters" (3-5-grams inside
    words); `source`: "segment", "previous" (the turn before) or "question".
    """

    kind: str
    source: str
    weight: float
    terms: tuple[str, ...]
    idf: Floats32


class CountedSegments:
    """Segments, and texts beside them, whose terms are counted once for all folds and threads.

    `extra` are texts that are no segments (a codebook's definitions); they follow the
    segments' rows.
    """

    def __init__(self, segments: Sequence[Segment], extra: Sequence[str] = ()) -> None:
        self.segments, self.extra = segments, tuple(extra)
        self._counts: dict[tuple[str, str, tuple[str, ...]], TermCounts] = {}
        self._of_texts: dict[tuple[str, tuple[str, ...]], tuple[TermCounts, dict[str, int]]] = {}
        self._places: dict[tuple[str, tuple[str, ...]], dict[str, int]] = {}
        self._counting = RLock()

    def counts(self, kind: str, source: str, setting: Setting) -> TermCounts:
        """Of all terms; *shape:* counts (segments + extra, terms)."""
        said_by = setting.speakers if kind == "words" else ()
        key = (kind, source, said_by)
        with self._counting:
            if key not in self._counts:
                beside = self.extra if source == "segment" else [""] * len(self.extra)
                texts = [*_texts(self.segments, kind, source, setting), *beside]
                found, place_of = self._counted(kind, setting)
                rows = [place_of[text] for text in texts]
                self._counts[key] = TermCounts(terms=found.terms, counts=found.counts[rows])
            return self._counts[key]

    def _counted(self, kind: str, setting: Setting) -> tuple[TermCounts, dict[str, int]]:
        """Each distinct text once: what is said before one segment is mostly another."""
        key = (kind, setting.speakers if kind == "words" else ())
        if key not in self._of_texts:
            # Of characters nothing but the segment's is asked; words of other recipes come later.
            sources = ("segment", "previous", "question") if kind == "words" else ("segment",)
            texts = dict.fromkeys(
                text for source in sources for text in _texts(self.segments, kind, source, setting)
            )
            texts.update(dict.fromkeys(("", *self.extra)))
            place_of = {text: place for place, text in enumerate(texts)}
            self._of_texts[key] = count_terms(kind, list(texts)), place_of
        return self._of_texts[key]

    def places(self, kind: str, source: str, setting: Setting) -> dict[str, int]:
        """The column of each term in the counts."""
        terms = self.counts(kind, source, setting).terms
        key = (kind, setting.speakers if kind == "words" else ())
        with self._counting:
            if key not in self._places:
                self._places[key] = {term: place for place, term in enumerate(terms)}
            return self._places[key]

    def speakers(self, setting: Setting) -> Floats32:
        """Columns of who speaks; *shape:* (segments + extra, columns)."""
        own = _speakers(self.segments, setting)
        return np.vstack([own, np.zeros((len(self.extra), own.shape[1]), dtype=np.float32)])


class WordsView:
    """TF-IDF of the segment's words and characters, of the turn before, and who speaks."""

    def __init__(self, *, setting: Setting, blocks: Sequence[TermBlock]) -> None:
        self.setting = setting
        self.blocks = tuple(blocks)
        self._vocabularies = [{t: n for n, t in enumerate(block.terms)} for block in self.blocks]

    @classmethod
    def fit(cls, segments: Sequence[Segment], setting: Setting, *, plain: bool = False) -> Self:
        """Learn terms and frequencies; `plain` takes nothing but the segment's words."""
        counted = CountedSegments(segments)
        return cls.fit_counted(counted, np.arange(len(segments)), setting, plain=plain)

    @classmethod
    def fit_counted(
        cls,
        counted: CountedSegments,
        rows: NDArray[np.int64],
        setting: Setting,
        *,
        plain: bool = False,
    ) -> Self:
        """As `fit`, from these rows of what was counted."""
        wanted = [("words", "segment", 1.0)]
        if not plain:
            wanted.append(("characters", "segment", 1.0))
            if setting.context:
                wanted.append(("words", "previous", _PREVIOUS_WEIGHT))
            if setting.question:
                wanted.append(("words", "question", _PREVIOUS_WEIGHT))
        found = (
            _learned(kind, source, weight, counted.counts(kind, source, setting), rows)
            for kind, source, weight in wanted
        )
        return cls(setting=setting, blocks=[block for block in found if block is not None])

    def transform(self, segments: Sequence[Segment]) -> sparse.csr_matrix:
        """Features; *shape:* (segments, terms of all blocks + speaker columns)."""
        counts = [
            count_terms(
                block.kind, _texts(segments, block.kind, block.source, self.setting), vocabulary
            ).counts
            for block, vocabulary in zip(self.blocks, self._vocabularies, strict=True)
        ]
        return self._features(_speakers(segments, self.setting), counts)

    def transform_counted(
        self, counted: CountedSegments, rows: NDArray[np.int64]
    ) -> sparse.csr_matrix:
        """As `transform`, of these rows of what was counted."""
        counts = []
        for block in self.blocks:
            found = counted.counts(block.kind, block.source, self.setting)
            place = counted.places(block.kind, block.source, self.setting)
            columns = np.array([place[term] for term in block.terms], dtype=np.int64)
            counts.append(found.counts[rows][:, columns])
        return self._features(counted.speakers(self.setting)[rows], counts)

    def _features(
        self, speakers: Floats32, counts: Sequence[sparse.csr_matrix]
    ) -> sparse.csr_matrix:
        parts = [
            sparse.csr_matrix(_SPEAKER_WEIGHT * speakers),
            *(
                tf_idf(own, block.idf) * np.float32(block.weight)
                for block, own in zip(self.blocks, counts, strict=True)
            ),
        ]
        return sparse.csr_matrix(sparse.hstack(parts, dtype=np.float32))


def _texts(segments: Sequence[Segment], kind: str, source: str, setting: Setting) -> list[str]:
    known = set(setting.speakers)

    def said(turn: Segment | Turn | None) -> str:
        if turn is None:
            return ""
        named = kind == "words" and turn.speaker in known
        return f"{turn.speaker} {turn.text}" if named else turn.text

    if source == "segment":
        return [said(segment) for segment in segments]
    if source == "question":
        return [said(question_before(segment)) for segment in segments]
    return [said(segment.before[-1] if segment.before else None) for segment in segments]


def _learned(
    kind: str, source: str, weight: float, found: TermCounts, rows: NDArray[np.int64]
) -> TermBlock | None:
    counts = found.counts[rows]
    for least in (2, 1):
        kept = common_terms(counts, least=least, most=_MAX_TERMS)
        if len(kept):
            return TermBlock(
                kind=kind,
                source=source,
                weight=weight,
                terms=tuple(found.terms[column] for column in kept),
                idf=inverse_frequency(counts[:, kept]),
            )
    return None
