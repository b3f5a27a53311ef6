"""Agreement by wave: what is compared, and what is too rare for it."""

import numpy as np

from annotations.codings import CodingTable
from annotations.reliability.drift.alphas import ALL_CODES, alphas_of_people, compare_alphas
from annotations.reliability.drift.ratios import corrected
from annotations.transcripts import Segment


def table_of(applied: np.ndarray) -> CodingTable:
    """Everybody read everything: 30 transcripts, 12 units each. *Shape:* (coders, units, codes)."""
    coders, units, codes = applied.shape
    names = tuple(f"t{at:02}" for at in range(30))
    clusters = np.repeat(np.arange(30), units // 30)
    return CodingTable(
        coders=tuple("ab"[:coders]),
        codes=tuple(f"c{at:02}" for at in range(codes)),
        transcripts=names,
        units=tuple(
            Segment(transcript=names[clusters[at]], turn=at, start=0, end=1, speaker="", text="x")
            for at in range(units)
        ),
        clusters=clusters,
        read=np.ones((coders, units), dtype=np.bool_),
        assisted=np.zeros((coders, units), dtype=np.bool_),
        applied=applied,
    )


def rare_study(seed: int, *, prevalence: float) -> CodingTable:
    """Two coders alike in both halves of 30 transcripts of 12 units, 20 codes of one prevalence."""
    rng = np.random.default_rng(seed)
    truth = rng.random((360, 20)) < prevalence
    applied = np.stack([truth & (rng.random(truth.shape) < 0.7) for _ in range(2)])
    return table_of(applied)


def test_codes_that_are_hardly_used_do_not_make_agreement_seem_to_change() -> None:
    moved = []
    for seed in range(10):
        table = rare_study(seed, prevalence=0.02)
        early = np.arange(30) < 15
        one, two = (alphas_of_people(table, arm) for arm in (early, ~early))
        changes = compare_alphas((ALL_CODES, *table.codes), one, two, (180, 180))
        moved.append(any(change.moved for group in corrected([changes]) for change in group))
        for at, change in enumerate(changes):
            if min(one.positives[at], two.positives[at]) < 10:
                assert change.p is None
                assert change.difference.low is None
                if change.difference.defined:
                    assert " a coder, an interval needs" in str(change.difference.reason)
    assert sum(moved) <= 2


def test_agreement_that_falls_on_a_common_code_is_found() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random((360, 1)) < 0.3
    clusters = np.repeat(np.arange(30), 12)
    noise = np.where(clusters[:, np.newaxis] < 15, 0.02, 0.3)
    applied = np.stack([truth ^ (rng.random(truth.shape) < noise) for _ in range(2)])
    early = np.arange(30) < 15
    table = table_of(applied)
    one, two = (alphas_of_people(table, arm) for arm in (early, ~early))
    change = compare_alphas((ALL_CODES, *table.codes), one, two, (180, 180))[1]
    assert change.p is not None
    assert change.p < 0.01
    assert change.difference.value < 0
