"""Counting terms: scikit-learn's numbers, whatever the texts."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from models.terms import common_terms, count_terms, inverse_frequency, tf_idf

TEXTS = [
    "A man  said: what? Naïve İ 😀",
    "",
    "I am a tester\nof testing",
    "of what? ab",
    "What a man!",
]
OPTIONS = {
    "words": {"ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b|\?"},
    "characters": {"analyzer": "char_wb", "ngram_range": (3, 5)},
}


@pytest.mark.parametrize("kind", sorted(OPTIONS))
def test_counts_become_what_scikit_learn_makes_of_the_texts(kind: str) -> None:
    reference = TfidfVectorizer(sublinear_tf=True, min_df=2, **OPTIONS[kind])
    expected = reference.fit_transform(TEXTS).toarray()
    found = count_terms(kind, TEXTS)
    kept = common_terms(found.counts, least=2, most=10_000)
    terms = [found.terms[place] for place in kept]
    assert terms == reference.get_feature_names_out().tolist()
    own = found.counts[:, kept]
    idf = inverse_frequency(own)
    assert tf_idf(own, idf).toarray() == pytest.approx(expected, abs=1e-6)
    known = {term: place for place, term in enumerate(terms)}
    again = count_terms(kind, TEXTS, known).counts
    assert np.array_equal(again.toarray(), own.toarray())


def test_texts_without_a_term_have_no_columns() -> None:
    for kind in OPTIONS:
        assert count_terms(kind, ["", "  "]).counts.shape == (2, 0)
        assert count_terms(kind, ["some words"], {}).counts.shape == (1, 0)
