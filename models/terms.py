"""Counting terms of many texts at once, and turning the counts into TF-IDF.

The counts are those of scikit-learn's `CountVectorizer`. Characters are counted by way of
words: n-grams never cross white space, so each distinct word is cut up once, however often it
is said.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer

Floats32 = NDArray[np.float32]

_WORD = r"(?u)\b\w+\b|\?"
_CHARACTERS = (3, 4, 5)


@dataclass(frozen=True, kw_only=True, slots=True)
class TermCounts:
    """How often each term occurs in each text; *shape:* `counts` (texts, terms)."""

    terms: tuple[str, ...]
    counts: sparse.csr_matrix


def count_terms(
    kind: str, texts: Sequence[str], vocabulary: Mapping[str, int] | None = None
) -> TermCounts:
    """Terms in alphabetical order; with a vocabulary, its terms in its order alone.

    `kind` is "words" (1-2-grams, a question mark is a word) or "characters" (3-5-grams of a
    word with a space on each side).
    """
    if kind == "characters":
        return _count_characters(texts, vocabulary)
    if vocabulary is not None and not vocabulary:
        return TermCounts(terms=(), counts=sparse.csr_matrix(np.zeros((len(texts), 0), np.float32)))
    counter = CountVectorizer(
        ngram_range=(1, 2), token_pattern=_WORD, dtype=np.float32, vocabulary=vocabulary
    )
    try:
        counts = counter.transform(texts) if vocabulary else counter.fit_transform(texts)
    except ValueError:  # not a word in all the texts
        return TermCounts(terms=(), counts=sparse.csr_matrix(np.zeros((len(texts), 0), np.float32)))
    return TermCounts(
        terms=tuple(counter.get_feature_names_out().tolist()), counts=sparse.csr_matrix(counts)
    )


def _count_characters(texts: Sequence[str], vocabulary: Mapping[str, int] | None) -> TermCounts:
    words: dict[str, int] = {}
    rows = [[words.setdefault(word, len(words)) for word in text.lower().split()] for text in texts]
    known = {} if vocabulary is None else dict(vocabulary)
    grams = [list(_grams(word)) for word in words]
    if vocabulary is None:
        known = {term: n for n, term in enumerate(sorted({term for own in grams for term in own}))}
    inside = [[known[term] for term in own if term in known] for own in grams]
    said = _matrix(rows, len(words))
    return TermCounts(
        terms=tuple(known), counts=sparse.csr_matrix(said @ _matrix(inside, len(known)))
    )


def _grams(word: str) -> Iterator[str]:
    padded = f" {word} "
    for size in _CHARACTERS:
        if len(padded) <= size:
            yield padded
            return
        for start in range(len(padded) - size + 1):
            yield padded[start : start + size]


def _matrix(rows: Sequence[Sequence[int]], width: int) -> sparse.csr_matrix:
    ends = np.cumsum([0, *(len(row) for row in rows)])
    columns = np.fromiter((place for row in rows for place in row), np.int64, int(ends[-1]))
    counts = sparse.csr_matrix(
        (np.ones(len(columns), np.float32), columns, ends), shape=(len(rows), width)
    )
    counts.sum_duplicates()
    return counts


def common_terms(counts: sparse.csr_matrix, *, least: int, most: int) -> NDArray[np.int64]:
    """Columns of the terms in at least so many texts, the `most` frequent ones, in order."""
    texts = np.bincount(counts.indices, minlength=counts.shape[1])
    kept = np.flatnonzero(texts >= least)
    if len(kept) > most:
        often = np.asarray(counts.sum(axis=0)).ravel()[kept]
        kept = np.sort(kept[np.argsort(-often, kind="stable")[:most]])
    return kept


def inverse_frequency(counts: sparse.csr_matrix) -> Floats32:
    """ln((1 + texts) / (1 + texts with the term)) + 1; *shape:* (terms,)."""
    texts = np.bincount(counts.indices, minlength=counts.shape[1])
    return np.asarray(np.log((1 + counts.shape[0]) / (1 + texts)) + 1, dtype=np.float32)


def tf_idf(counts: sparse.csr_matrix, idf: Floats32) -> sparse.csr_matrix:
    """(1 + ln count) times the inverse frequency, each text of length 1."""
    values = (1 + np.log(counts.data)) * idf[counts.indices]
    found = sparse.csr_matrix((values, counts.indices, counts.indptr), shape=counts.shape)
    lengths = np.sqrt(np.asarray(found.multiply(found).sum(axis=1))).ravel()
    lengths[lengths == 0] = 1
    found.data = (found.data / np.repeat(lengths, np.diff(found.indptr))).astype(np.float32)
    return found
