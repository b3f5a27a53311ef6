"""Folds never part a transcript."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.folds import grouped_folds


def folds_of(sizes: list[int], scored: list[bool], *, folds: int = 5, seed: int = 0) -> np.ndarray:
    names = [f"t{n}" for n in range(len(sizes))]
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    return grouped_folds(names, clusters, np.repeat(scored, sizes), folds=folds, seed=seed)


@given(st.lists(st.integers(1, 40), min_size=2, max_size=30), st.integers(2, 8))
def test_a_transcript_is_in_one_fold_and_no_fold_is_empty(sizes: list[int], folds: int) -> None:
    found = folds_of(sizes, [True] * len(sizes), folds=folds)
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    assert all(len(set(found[clusters == one])) == 1 for one in range(len(sizes)))
    assert set(found) == set(range(min(folds, len(sizes))))


@given(st.lists(st.integers(5, 15), min_size=25, max_size=40))
def test_folds_are_of_even_size(sizes: list[int]) -> None:
    held = np.bincount(folds_of(sizes, [True] * len(sizes)))
    assert held.max() - held.min() <= max(sizes)


def test_scored_transcripts_are_spread_over_folds() -> None:
    sizes = [10] * 12
    scored = [n in (3, 7) for n in range(12)]
    found = folds_of(sizes, scored)
    assert found[30] != found[70]


def test_the_seed_decides_and_nothing_else() -> None:
    sizes = [10] * 20
    assert np.array_equal(folds_of(sizes, [True] * 20), folds_of(sizes, [True] * 20))
    assert not np.array_equal(folds_of(sizes, [True] * 20), folds_of(sizes, [True] * 20, seed=1))


@pytest.mark.parametrize("folds", [2, 5])
def test_fewer_transcripts_than_folds_make_fewer_folds(folds: int) -> None:
    assert set(folds_of([4, 4], [True, True], folds=folds)) == {0, 1}
