"""Segments read sentence by sentence."""

import numpy as np
import pytest
from scipy.special import logsumexp

from annotations.transcripts import Segment
from models.heads import Heads, Standardised, fit_heads
from models.sentences import Sentences, fit_sentence_heads, reads_sentences, sentence_texts

WIDTH = 12


def segment(text: str, turn: int = 0) -> Segment:
    return Segment(
        transcript="one",
        turn=turn,
        start=0,
        end=len(text),
        text=text,
        speaker="Manager",
        before=(),
    )


@pytest.fixture
def drawn() -> tuple[Sentences, np.ndarray]:
    """Ten sentences a segment, and one of them says the code, in half of the segments."""
    rng = np.random.default_rng(1)
    count = 300
    vectors = rng.normal(size=(count, 10, WIDTH)).astype(np.float32)
    labels = (np.arange(count) % 2).astype(np.float64)
    saying = rng.integers(0, 10, count)
    vectors[np.arange(count), saying, 0] += 4 * labels.astype(np.float32)
    starts = 10 * np.arange(count, dtype=np.int64)
    return Sentences(vectors=vectors.reshape(-1, WIDTH), starts=starts), labels[:, np.newaxis]


def test_a_segment_has_the_mean_odds_of_its_sentences() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(6, WIDTH)).astype(np.float32)
    sentences = Sentences(vectors=vectors, starts=np.array([0, 1, 4]))
    heads = Heads(
        weights=100 * rng.normal(size=(2, WIDTH)).astype(np.float32),
        bias=np.array([0.5, -2], dtype=np.float32),
    )
    each = heads.scores(vectors)
    expected = [
        logsumexp(part, axis=0) - np.log(len(part)) for part in (each[:1], each[1:4], each[4:])
    ]
    assert sentences.scores(heads) == pytest.approx(np.array(expected))
    assert sentences.scores(heads)[0] == pytest.approx(each[0])
    taken = sentences.take(np.array([2, 0]))
    assert taken.counts.tolist() == [2, 1]
    assert taken.scores(heads) == pytest.approx(np.array(expected)[[2, 0]])


def test_one_sentence_among_ten_is_found_where_the_mean_of_all_misses_it(
    drawn: tuple[Sentences, np.ndarray],
) -> None:
    sentences, labels = drawn
    learn, ask = np.arange(200), np.arange(200, 300)
    nothing = np.zeros((1, WIDTH), dtype=np.float32)
    heads = fit_sentence_heads(sentences.take(learn), labels[learn], strength=0.1, centre=nothing)
    said = sentences.take(ask).scores(heads)[:, 0]
    means = sentences.vectors.reshape(-1, 10, WIDTH).mean(axis=1)
    standard = Standardised.of(means[learn])
    whole = standard.restored(fit_heads(standard.features, labels[learn], strength=0.1))
    blurred = whole.scores(means[ask])[:, 0]

    def right(scores: np.ndarray) -> float:
        yes, no = scores[labels[ask, 0] > 0], scores[labels[ask, 0] == 0]
        return float((yes[:, np.newaxis] > no).mean())

    assert right(said) > 0.95
    assert right(said) > right(blurred) + 0.05


def test_no_step_from_the_heads_found_lowers_their_loss(
    drawn: tuple[Sentences, np.ndarray],
) -> None:
    sentences, labels = drawn
    rng = np.random.default_rng(2)
    centre = rng.normal(size=(1, WIDTH)).astype(np.float32) / 10
    heads = fit_sentence_heads(sentences, labels, strength=0.2, centre=centre)

    def loss(weights: np.ndarray, bias: np.ndarray) -> float:
        score = sentences.scores(Heads(weights=weights, bias=bias))
        wrong = labels * np.logaddexp(0, -score) + (1 - labels) * np.logaddexp(0, score)
        return float(wrong.sum() + np.square(weights - centre).sum() / (2 * 0.2))

    found = loss(heads.weights, heads.bias)
    for _ in range(50):
        step = rng.normal(size=heads.weights.shape).astype(np.float32) / 20
        assert loss(heads.weights + step, heads.bias) > found - 1e-3
        assert loss(heads.weights, heads.bias + step[:, 0]) > found - 1e-3


def test_a_code_that_nothing_teaches_keeps_its_centre(
    drawn: tuple[Sentences, np.ndarray],
) -> None:
    sentences, labels = drawn
    centre = np.eye(2, WIDTH, dtype=np.float32)
    targets = np.hstack([labels, np.zeros_like(labels)])
    heads = fit_sentence_heads(sentences, targets, strength=0.1, centre=centre)
    assert heads.weights[1] == pytest.approx(centre[1])
    assert heads.weights[0] != pytest.approx(centre[0], abs=0.1)
    assert sentences.scores(heads)[:, 1].mean() == pytest.approx(np.log(0.5 / 300.5), abs=1e-3)


def test_a_segment_has_at_least_one_sentence() -> None:
    assert sentence_texts(segment("We wait.  Nobody comes. ")) == ("We wait.", "Nobody comes.")
    assert sentence_texts(segment(" ")) == (" ",)
    assert sentence_texts(segment("")) == ("",)


def test_only_segments_of_several_sentences_are_worth_the_time() -> None:
    assert not reads_sentences([])
    assert not reads_sentences([segment("Yes. No.")] * 3)
    assert reads_sentences([segment("Yes. No. Well.")] * 3)
