"""What each view of a model makes of segments, before the views are combined."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from annotations.transcripts import Segment
from models.features import embedding_view, texts_of
from models.parts import ModelParts
from models.sentences import Sentences, texts_by_sentence

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]


def texts_to_encode(parts: ModelParts, segments: Sequence[Segment]) -> list[str]:
    """The distinct texts whose vectors `view_scores` asks for."""
    texts = texts_of(segments, context=parts.setting.looks_back)
    if parts.sentence_heads is not None:
        texts = list(dict.fromkeys([*texts, *texts_by_sentence(segments)]))
    return texts


def view_scores(
    parts: ModelParts,
    segments: Sequence[Segment],
    vectors: Mapping[str, Floats32],
    finetuned: Callable[[Sequence[Segment]], Floats],
) -> Floats:
    """Uncalibrated scores; *shape:* (segments, codes, views), in the order of the calibration.

    `finetuned` gives the log odds of a fine-tuned encoder, (segments, codes), and is asked only
    where the model has one. `segments` are one or more.
    """
    meaning = embedding_view(segments, vectors, parts.setting)
    wording = parts.words.transform(segments)
    views = [parts.embedding_heads.scores(meaning), parts.words_heads.scores(wording)]
    if parts.sentence_heads is not None:
        views.append(Sentences.of(segments, vectors).scores(parts.sentence_heads))
    if parts.finetuned is not None:
        views.append(finetuned(segments))
    return np.stack(views, axis=2)
