"""What to code next."""

from dataclasses import replace

import numpy as np
import pytest

from training.select import Candidate, rank, sample_attributes, uncertainty_of

EAST, WEST = np.array([1.0, 0.0]), np.array([0.0, 1.0])


def candidate(name: str, *entropies: float, vector=EAST, cell: tuple[str, ...] = ()) -> Candidate:
    return Candidate(name=name, uncertainty=np.array(entropies), vector=vector, cell=cell)


def order(*candidates: Candidate, **given: object) -> list[str]:
    given = {"codes": ("A", "B"), "support": (0, 0), **given}
    return [one.transcript for one in rank(candidates, **given)]


def test_what_the_model_is_unsure_of_comes_first() -> None:
    assert order(candidate("sure", 0.1, 0.1), candidate("unsure", 0.5, 0.5)) == ["unsure", "sure"]


def test_codes_that_lack_support_weigh_more_though_they_are_rare() -> None:
    rare, common = candidate("rare", 0.1, 0.04), candidate("common", 0.3, 0.01)
    assert order(rare, common, support=(500, 2)) == ["rare", "common"]
    assert order(rare, common, support=(2, 500)) == ["common", "rare"]
    (first, _) = rank([rare, common], codes=("A", "B"), support=(500, 2))
    assert first.unsure_of == ("B", "A")


def test_one_of_two_that_are_alike_is_put_off_and_so_is_what_is_like_the_coded() -> None:
    some = [
        candidate("a", 1.0, 1.0),
        candidate("b", 0.9, 0.9),
        candidate("c", 0.6, 0.6, vector=WEST),
    ]
    some.append(candidate("d", 0.1, 0.1))
    assert order(*some)[:2] == ["a", "c"]
    assert order(*some, coded_vectors=[WEST])[:2] == ["a", "b"]


def test_cells_with_few_coded_transcripts_come_first_each_in_its_turn() -> None:
    cells = [("Acute",), ("Acute",), ("Care",), ("Care",)]
    some = [candidate(f"t{n}", 0.3, 0.3, cell=cell) for n, cell in enumerate(cells)]
    ranked = rank(some, codes=("A", "B"), support=(0, 0), coded_cells=[("Acute",)])
    assert [one.transcript for one in ranked] == ["t2", "t0", "t3", "t1"]
    assert [(one.cell_coded, one.cell_size) for one in ranked][:2] == [(0, 2), (1, 3)]
    assert [one.coverage for one in ranked] == pytest.approx([1, 1 / 2, 1 / 2, 1 / 3])


def test_without_a_model_the_sample_decides_alone() -> None:
    bare = [
        replace(candidate(name, cell=(name[0],)), uncertainty=None, vector=None)
        for name in ("a1", "a2", "b1")
    ]
    ranked = rank(bare, coded_cells=[("a",)])
    assert [one.transcript for one in ranked] == ["b1", "a1", "a2"]
    assert {(one.use, one.diversity, one.unsure_of) for one in ranked} == {(None, None, ())}
    assert ranked[0].value == 1


def test_ranks_are_complete_repeatable_and_cut_at_the_top() -> None:
    rng = np.random.default_rng(4)
    some = [
        candidate(f"t{n}", *rng.random(2), vector=rng.normal(size=2), cell=(f"{n % 3}",))
        for n in range(12)
    ]
    whole = order(*some)
    assert sorted(whole) == sorted(one.name for one in some)
    assert order(*some[::-1]) == whole
    values = [one.value for one in rank(some, codes=("A", "B"), support=(0, 0))]
    assert values == sorted(values, reverse=True)
    assert order(*some, top=5) == whole[:5]
    assert order() == []


def test_a_transcript_without_turns_is_sure() -> None:
    assert uncertainty_of(np.zeros((0, 2))).tolist() == [0, 0]
    assert uncertainty_of(np.array([[0.5, 1.0], [0.5, 0.0]])) == pytest.approx([1, 0], abs=1e-9)


def test_the_sample_is_made_of_attributes_with_few_values() -> None:
    people = [
        {"trust": "AB"[n % 2], "group": "xyz"[n % 3], "date": f"2025-{n}", "wave": "1"}
        for n in range(12)
    ]
    assert sample_attributes(people) == ("trust", "group")
    assert sample_attributes(people[:4]) == ("trust",)
    assert sample_attributes([]) == ()
