import numpy as np

from models.certainty import doubt_of, doubts_together


def test_doubt_is_the_variance_of_how_many_segments_carry_a_code() -> None:
    chances = np.array([[0.5, 0.0], [0.1, 1.0], [0.9, 0.0]])
    np.testing.assert_allclose(doubt_of(chances), [0.25 + 0.09 + 0.09, 0.0])
    drawn = np.random.default_rng(0).random((20_000, 3, 2)) < chances
    np.testing.assert_allclose(drawn.sum(axis=1).var(axis=0), doubt_of(chances), atol=0.01)
    np.testing.assert_array_equal(doubt_of(np.zeros((0, 2))), [0.0, 0.0])


def test_a_rare_code_counts_as_much_as_a_common_one() -> None:
    doubts = np.array([[100.0, 0.1], [300.0, 0.1], [200.0, 0.4]])
    found = doubts_together(doubts)
    np.testing.assert_allclose(found**2, [0.5 + 0.5, 1.5 + 0.5, 1.0 + 2.0])
    np.testing.assert_allclose(doubts_together(doubts * [1, 1000]), found)
    np.testing.assert_array_equal(doubts_together(np.zeros((3, 2))), np.zeros(3))
