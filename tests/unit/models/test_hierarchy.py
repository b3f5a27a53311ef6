"""The tree: what implies what, and that scores and decisions keep to it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.hierarchy import closed, consistent, implied_pairs

CODES = ("Work", "Work > Staffing", "Work > Money", "Learning")


def test_a_code_implies_the_theme_that_coders_apply_with_it() -> None:
    truth = np.zeros((20, 4), dtype=np.bool_)
    truth[:8, [0, 1]] = True
    truth[8:10, [0, 2]] = True
    # Money has two segments alone, so it goes by all codes below the theme.
    assert implied_pairs(CODES, truth) == ((1, 0), (2, 0))


def test_a_theme_kept_for_what_fits_no_code_is_not_implied() -> None:
    truth = np.zeros((20, 4), dtype=np.bool_)
    truth[:8, 1] = True
    truth[8:16, 0] = True
    assert implied_pairs(CODES, truth) == ()


def test_a_codebook_coded_at_its_leaves_alone_implies_nothing() -> None:
    assert implied_pairs(CODES[1:], np.ones((9, 3), dtype=np.bool_)) == ()


@given(arrays(np.float64, (5, 4), elements=st.floats(0, 1)))
def test_no_theme_is_less_likely_than_a_code_that_implies_it(chances: np.ndarray) -> None:
    pairs = implied_pairs(("a", "a > b", "a > b > c", "d"), np.ones((9, 4), dtype=np.bool_))
    found = consistent(chances, pairs)
    assert (found[:, 0] >= found[:, 1]).all()
    assert (found[:, 1] >= found[:, 2]).all()
    assert np.array_equal(found[:, 2:], chances[:, 2:])
    applied = closed(chances > 0.5, pairs)
    assert (applied[:, 0] >= applied[:, 1]).all()
    assert (applied[:, 1] >= applied[:, 2]).all()
