"""A published model at work: from transcripts to suggestions."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotations.transcripts import Segment, Segmentation, Transcript
from models.artifacts import verify
from models.certainty import certainty
from models.embedding_cache import EmbeddingCache
from models.encoder import Encoder, open_encoder
from models.finetuned import FinetunedEncoder, finetuned_texts, load_base
from models.hierarchy import closed, consistent
from models.parts import ModelParts, read_exemplars, read_model
from models.runs import Run, runs_of, sentences_of, whole_of
from models.scoring import texts_to_encode, view_scores
from models.suggestions import (
    CodedSegments,
    Evidence,
    SegmentCodes,
    SegmentScores,
    Suggestion,
    SuggestionBatch,
)

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scored:
    """*Shapes:* `scores` (segments, codes), `vectors` (segments, dimension)."""

    scores: Floats
    vectors: Floats32


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscriptLook:
    """A transcript as a model sees it.

    *Shapes:* `probabilities` (segments, codes), calibrated; `vector` (dimension,), the mean of
    the segments' vectors.
    """

    probabilities: Floats
    vector: Floats


class Suggester:
    """Suggests codes with one published model. Several threads may use it.

    The encoder is loaded when it is first needed.
    """

    def __init__(self, folder: Path, version: str, parts: ModelParts, cache: Path | None) -> None:
        self.version, self._folder, self._parts = version, folder, parts
        self._exemplars = read_exemplars(folder)
        self._cache = EmbeddingCache(cache)
        self._encoder: Encoder | None = None
        self._finetuned: FinetunedEncoder | None = None
        self._lock = threading.Lock()

    @classmethod
    def load(cls, folder: Path, *, encoder_cache: Path | None = None) -> "Suggester":
        """Load `store/<version>`; ArtifactError where it is missing, damaged or of another kind.

        `encoder_cache` is a folder in which vectors are kept, None to keep none.
        """
        version = verify(folder)
        return cls(folder, version, read_model(folder), encoder_cache)

    @property
    def codes(self) -> tuple[str, ...]:
        """All codes of the model, in the order of the codebook, silent ones included."""
        return self._parts.codes

    @property
    def open_codes(self) -> tuple[str, ...]:
        """The codes that may be suggested."""
        return tuple(
            code for code, is_open in zip(self.codes, self._parts.open, strict=True) if is_open
        )

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The probability from which each of `codes` applies."""
        return tuple(float(value) for value in self._parts.thresholds)

    @property
    def segmentation(self) -> Segmentation:
        """How the model cuts turns."""
        return self._parts.segmentation

    def score(self, segments: Sequence[Segment]) -> Floats:
        """Calibrated probabilities, 0 to 1; *shape:* (segments, codes)."""
        return self._score(segments).scores

    def vectors(self, segments: Sequence[Segment]) -> Floats32:
        """The segments' own vectors, each of length 1; *shape:* (segments, dimension)."""
        return self.text_vectors([segment.text for segment in segments])

    def text_vectors(self, texts: Sequence[str]) -> Floats32:
        """The vectors of texts, each of length 1; *shape:* (texts, dimension)."""
        vectors = self._vectors(list(dict.fromkeys(texts)))
        if not texts:
            return np.zeros((0, self._parts.dimension), dtype=np.float32)
        return np.stack([vectors[text] for text in texts])

    def suggest(
        self, transcripts: Sequence[Transcript], *, all_codes: bool = False
    ) -> SuggestionBatch:
        """Suggestions of the open codes; `all_codes` adds every code's score everywhere."""
        segments = self._segments(transcripts)
        scored = self._score(segments)
        return self._batch(transcripts, segments, scored, self._applied(scored.scores), all_codes)

    def look(self, transcript: Transcript) -> TranscriptLook:
        """What the model makes of a whole transcript, for choosing which to code."""
        segments = self._segments([transcript])
        scored = self._score(segments)
        return TranscriptLook(
            probabilities=scored.scores,
            vector=scored.vectors.sum(axis=0, dtype=np.float64) / max(len(segments), 1),
        )

    def coded(self, transcripts: Sequence[Transcript]) -> CodedSegments:
        """The model's own coding of transcripts, segment by segment, also of silent codes."""
        segments = self._segments(transcripts)
        scores = self._score(segments).scores
        return CodedSegments(
            keys=tuple(segment.key for segment in segments),
            codes=self.codes,
            scores=scores.astype(np.float32),
            applied=self._applied(scores),
        )

    def decisions(self, transcripts: Sequence[Transcript]) -> list[SegmentCodes]:
        """The model's own coding of transcripts: all codes that reach their thresholds."""
        return self.coded(transcripts).decisions()

    def _segments(self, transcripts: Iterable[Transcript]) -> list[Segment]:
        return [one for item in transcripts for one in self.segmentation.segments(item)]

    def _score(self, segments: Sequence[Segment]) -> _Scored:
        parts = self._parts
        if not segments:
            return _Scored(
                scores=np.zeros((0, len(parts.codes))),
                vectors=np.zeros((0, parts.dimension), dtype=np.float32),
            )
        vectors = self._vectors(texts_to_encode(parts, segments))
        views = view_scores(parts, segments, vectors, self._finetuned_scores)
        probabilities = parts.calibration.probabilities(views)
        return _Scored(
            scores=consistent(probabilities, parts.implied),
            vectors=np.stack([vectors[segment.text] for segment in segments]),
        )

    def _applied(self, scores: Floats) -> NDArray[np.bool_]:
        return closed(scores >= self._parts.thresholds, self._parts.implied)

    def _finetuned_scores(self, segments: Sequence[Segment]) -> Floats:
        with self._lock:
            if self._finetuned is None:
                base = load_base(self._parts.encoder_source)
                self._finetuned = FinetunedEncoder(base, self._parts.finetuned or {})
        texts = finetuned_texts(segments, self._parts.setting)
        return self._cache.encode(self._finetuned, texts).astype(np.float64)

    def _vectors(self, texts: list[str]) -> dict[str, Floats32]:
        if not texts:
            return {}
        with self._lock:
            if self._encoder is None:
                self._encoder = open_encoder(
                    self._parts.encoder_source, checksum=self._parts.encoder_checksum
                )
        return dict(zip(texts, self._cache.encode(self._encoder, texts), strict=True))

    def _batch(
        self,
        transcripts: Sequence[Transcript],
        segments: Sequence[Segment],
        scored: _Scored,
        applied: NDArray[np.bool_],
        all_codes: bool,
    ) -> SuggestionBatch:
        # A code on a turn without a word is nothing that a person could look at.
        worded = np.array([bool(one.text.strip()) for one in segments], dtype=np.bool_)
        shown = applied & np.array(self._parts.open, dtype=np.bool_) & worded[:, np.newaxis]
        by_name = {item.name: item for item in transcripts}
        runs = runs_of(segments, shown, scored.scores)
        wholes = [whole_of(run, segments, by_name) for run in runs]
        suggestions = tuple(
            self._suggestion(run, whole, segments[run.best], scored, evidence)
            for run, whole, evidence in zip(runs, wholes, self._evidence(runs, wholes), strict=True)
        )
        scores = None
        if all_codes:
            scores = tuple(
                SegmentScores(
                    transcript=segment.transcript,
                    turn=segment.turn,
                    start=segment.start,
                    end=segment.end,
                    scores=dict(zip(self.codes, row.tolist(), strict=True)),
                )
                for segment, row in zip(segments, scored.scores, strict=True)
            )
        names = np.array([segment.transcript for segment in segments])
        return SuggestionBatch(
            model_version=self.version,
            suggestions=suggestions,
            scores=scores,
            certainty={
                item.name: certainty(scored.scores[names == item.name]) for item in transcripts
            },
        )

    def _suggestion(
        self,
        run: Run,
        whole: Segment,
        best: Segment,
        scored: _Scored,
        evidence: Evidence | None,
    ) -> Suggestion:
        path = self.codes[run.code]
        return Suggestion(
            transcript=whole.transcript,
            turn=whole.turn,
            start=whole.start,
            end=whole.end,
            text=whole.text,
            code=path,
            score=float(scored.scores[run.best, run.code]),
            threshold=float(self._parts.thresholds[run.code]),
            model_version=self.version,
            because=self._exemplars[path].nearest(scored.vectors[run.best], but=best.key),
            evidence=evidence,
        )

    def _evidence(
        self, runs: Sequence[Run], wholes: Sequence[Segment]
    ) -> Iterator[Evidence | None]:
        """The sentence of each run that, read by itself, has the code's highest probability."""
        parts = [sentences_of(whole) for whole in wholes]
        # Codes share spans, so a sentence is read once for all of them.
        several = {one.key: one for some in parts if len(some) > 1 for one in some}
        place = {key: row for row, key in enumerate(several)}
        scores = self._score(tuple(several.values())).scores
        for run, some in zip(runs, parts, strict=True):
            if len(some) < 2:
                yield None
                continue
            own = scores[[place[one.key] for one in some], run.code]
            most = some[int(own.argmax())]
            yield Evidence(start=most.start, end=most.end, text=most.text)
