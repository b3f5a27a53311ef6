"""What the heads see of a segment: two views of its words, its context and its speakers.

The embedding view knows meaning, the words view knows wording; each finds what the other
misses, so both are scored and the scores combined.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from annotations.transcripts import Segment, Turn

Floats32 = NDArray[np.float32]

_MAX_SPEAKERS = 20
_SPEAKER_SHARE = 0.1
_MAX_TERMS = 30_000
_PREVIOUS_WEIGHT = 0.5
_SPEAKER_WEIGHT = 0.5
_WORD = r"(?u)\b\w+\b|\?"
_LOOKED_BACK = 2
"""How many earlier turns' speakers are features."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """What of a segment's surroundings is a feature.

    `speakers` are those known across transcripts, a role such as "Interviewer"; the name of a
    person who speaks in one transcript alone would only teach that transcript by heart.
    """

    context: bool
    speakers: tuple[str, ...]


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
    """The segment's vector; with context also those of the turns before, and who speaks.

    *Shape:* (segments, features). Context: the nearest turn's vector and its cosine with the
    segment's, the mean of the turns before that, the logarithm of the number of words.
    """
    if not segments:
        return np.zeros((0, 1), dtype=np.float32)
    own = np.stack([vectors[segment.text] for segment in segments])
    parts = [own, _speakers(segments, setting)]
    if setting.context:
        nothing = np.zeros_like(own[0])
        nearest = np.stack([_mean(vectors, s.before[-1:], nothing) for s in segments])
        earlier = np.stack([_mean(vectors, s.before[:-1], nothing) for s in segments])
        words = np.array([[len(s.text.split())] for s in segments], dtype=np.float32)
        cosine = (own * nearest).sum(axis=1, keepdims=True)
        parts += [nearest, earlier, cosine, np.log1p(words)]
    return np.hstack(parts).astype(np.float32, copy=False)


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
    words); `source`: "segment" or "previous", the turn before.
    """

    kind: str
    source: str
    weight: float
    terms: tuple[str, ...]
    idf: Floats32


class WordsView:
    """TF-IDF of the segment's words and characters, of the turn before, and who speaks."""

    def __init__(self, *, setting: Setting, blocks: Sequence[TermBlock]) -> None:
        self.setting = setting
        self.blocks = tuple(blocks)
        self._vectorizers = [_known(block) for block in self.blocks]

    @classmethod
    def fit(cls, segments: Sequence[Segment], setting: Setting, *, plain: bool = False) -> Self:
        """Learn terms and frequencies; `plain` takes nothing but the segment's words."""
        wanted = [("words", "segment", 1.0)]
        if not plain:
            wanted.append(("characters", "segment", 1.0))
            if setting.context:
                wanted.append(("words", "previous", _PREVIOUS_WEIGHT))
        found = (
            _learned(kind, source, weight, _texts(segments, kind, source, setting))
            for kind, source, weight in wanted
        )
        return cls(setting=setting, blocks=[block for block in found if block is not None])

    def transform(self, segments: Sequence[Segment]) -> sparse.csr_matrix:
        """Features; *shape:* (segments, terms of all blocks + speaker columns)."""
        parts = [
            sparse.csr_matrix(_SPEAKER_WEIGHT * _speakers(segments, self.setting)),
            *(
                vectorizer.transform(_texts(segments, block.kind, block.source, self.setting))
                * np.float32(block.weight)
                for block, vectorizer in zip(self.blocks, self._vectorizers, strict=True)
            ),
        ]
        return sparse.csr_matrix(sparse.hstack(parts, dtype=np.float32))


def _texts(segments: Sequence[Segment], kind: str, source: str, setting: Setting) -> list[str]:
    known = set(setting.speakers)

    def said(speaker: str, text: str) -> str:
        return f"{speaker} {text}" if kind == "words" and speaker in known else text

    if source == "segment":
        return [said(segment.speaker, segment.text) for segment in segments]
    return [
        said(segment.before[-1].speaker, segment.before[-1].text) if segment.before else ""
        for segment in segments
    ]


def _vectorizer(kind: str, **options: object) -> TfidfVectorizer:
    shared = {"sublinear_tf": True, "dtype": np.float32, **options}
    if kind == "characters":
        return TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), **shared)
    return TfidfVectorizer(ngram_range=(1, 2), token_pattern=_WORD, **shared)


def _learned(kind: str, source: str, weight: float, texts: list[str]) -> TermBlock | None:
    for least in (2, 1):
        vectorizer = _vectorizer(kind, min_df=least, max_features=_MAX_TERMS)
        try:
            vectorizer.fit(texts)
        except ValueError:  # no term occurs so often, or none at all
            continue
        return TermBlock(
            kind=kind,
            source=source,
            weight=weight,
            terms=tuple(vectorizer.get_feature_names_out().tolist()),
            idf=vectorizer.idf_.astype(np.float32),
        )
    return None


def _known(block: TermBlock) -> TfidfVectorizer:
    vectorizer = _vectorizer(block.kind, vocabulary={t: n for n, t in enumerate(block.terms)})
    vectorizer.idf_ = block.idf
    return vectorizer
