"""The reason for a suggestion."""

import numpy as np

from models.exemplars import PER_CODE, Candidate, CodeExemplars, choose_exemplars
from models.suggestions import Exemplar


def exemplar(turn: int, coder: str = "asha") -> Exemplar:
    return Exemplar(transcript="one", turn=turn, start=0, end=4, text="Text", coder=coder)


def test_the_nearest_excerpt_is_the_reason_and_never_the_segment_itself() -> None:
    held = CodeExemplars(
        exemplars=(exemplar(0), exemplar(1), exemplar(2)),
        vectors=np.eye(3, dtype=np.float32),
    )
    asking = np.array([0.9, 0.4, 0.1], dtype=np.float32)
    assert held.nearest(asking, but=("two", 0, 0, 4)) == (exemplar(0),)
    assert held.nearest(asking, but=("one", 0, 0, 4)) == (exemplar(1),)


def test_a_code_whose_only_excerpt_asks_has_no_reason() -> None:
    held = CodeExemplars(exemplars=(exemplar(0),), vectors=np.eye(1, dtype=np.float32))
    assert held.nearest(held.vectors[0], but=("one", 0, 0, 4)) == ()


def test_what_more_coders_agreed_on_is_kept_whatever_the_order() -> None:
    vectors = np.eye(200, dtype=np.float32)
    candidates = [
        Candidate(exemplar=exemplar(n), segment=n, share=1.0 if n % 5 == 0 else 0.6)
        for n in range(200)
    ]
    kept = choose_exemplars(candidates, vectors)
    assert len(kept.exemplars) == PER_CODE
    assert {one.turn for one in kept.exemplars} >= set(range(0, 200, 5))
    again = choose_exemplars(candidates[::-1], vectors)
    assert again.exemplars == kept.exemplars
    for one, vector in zip(kept.exemplars, kept.vectors, strict=True):
        assert vector[one.turn] == 1


def test_a_code_without_excerpts_has_none() -> None:
    kept = choose_exemplars([], np.zeros((0, 3), dtype=np.float32))
    assert kept.nearest(np.ones(3, dtype=np.float32), but=("one", 0, 0, 1)) == ()
