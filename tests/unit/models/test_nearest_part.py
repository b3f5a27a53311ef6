"""Likeness of excerpts to the parts of a split code."""

import numpy as np

from models.nearest_part import likeness_to_parts


def test_each_part_is_the_middle_of_all_that_is_known_of_it() -> None:
    half = np.sqrt(0.5)
    vectors = {
        "definition": np.array([1.0, 0.0, 0.0], dtype=np.float32),
        "coded so": np.array([0.0, 1.0, 0.0], dtype=np.float32),
        "another": np.array([0.0, 0.0, 1.0], dtype=np.float32),
    }
    excerpts = np.array([[0.0, 1.0, 0.0], [0.0, half, half]], dtype=np.float32)
    likeness = likeness_to_parts(
        excerpts, {"Dread": ["definition", "coded so"], "Worry": ["another"]}, vectors
    )
    np.testing.assert_allclose(likeness["Dread"], [half, 0.5], atol=1e-6)
    np.testing.assert_allclose(likeness["Worry"], [0.0, half], atol=1e-6)


def test_texts_that_cancel_out_are_like_nothing() -> None:
    vectors = {
        "one": np.array([1.0, 0.0], dtype=np.float32),
        "two": np.array([-1.0, 0.0], dtype=np.float32),
    }
    likeness = likeness_to_parts(np.eye(2, dtype=np.float32), {"Dread": ["one", "two"]}, vectors)
    assert likeness["Dread"].tolist() == [0.0, 0.0]
