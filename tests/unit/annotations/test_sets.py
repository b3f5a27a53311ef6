import numpy as np
import pytest
from numpy.typing import NDArray

from annotations.codings import CodingTable
from annotations.reliability import likeness
from annotations.reliability.likeness import Occurrences, likeness_of
from annotations.reliability.sets import distances, set_agreement_of
from annotations.transcripts import Segment

NINE_PAIRS = "-/- A/- A/A A/B AB/A AB/AC ABC/ABC C/AC C/AC"


def table_of(sets: list[list[str | None]], transcripts: int = 12) -> CodingTable:
    """For each coder a set of single-letter codes for each unit, None where not read."""
    codes = sorted({code for row in sets for cell in row for code in cell or ""})
    read = np.array([[cell is not None for cell in row] for row in sets])
    applied = np.array([[[code in (cell or "") for code in codes] for cell in row] for row in sets])
    clusters = np.arange(read.shape[1]) % transcripts
    return CodingTable(
        units=tuple(
            Segment(transcript=f"t{at}", turn=0, start=0, end=1, speaker="", text="x")
            for at in clusters
        ),
        codes=tuple(codes),
        coders=tuple("abcdefgh"[: len(sets)]),
        transcripts=tuple(f"t{at}" for at in range(transcripts)),
        clusters=clusters,
        read=read,
        assisted=np.zeros_like(read),
        applied=applied,
    )


def random_sets(seed: int, coders: int, units: int, missing: float) -> list[list[str | None]]:
    rng = np.random.default_rng(seed)
    truth = rng.random((units, 4)) < 0.3
    noisy = np.where(rng.random((coders, units, 4)) < 0.85, truth, ~truth)
    gone = rng.random((coders, units)) < missing
    return [
        [
            None if gone[coder, unit] else "".join(np.array(list("ABCD"))[noisy[coder, unit]])
            for unit in range(units)
        ]
        for coder in range(coders)
    ]


def slow_alpha(sets: list[list[str | None]], metric: int) -> float:
    """Krippendorff's definition, pair by pair, over Python sets."""

    def distance(first: str, second: str) -> float:
        one, other = set(first), set(second)
        if one == other:
            return 0.0
        if metric == 0:
            return 1.0
        jaccard = len(one & other) / len(one | other)
        if metric == 1:
            return 1 - jaccard
        monotone = 2 / 3 if one <= other or other <= one else 1 / 3 if one & other else 0
        return 1 - jaccard * monotone

    units = [[cell for cell in unit if cell is not None] for unit in zip(*sets, strict=True)]
    units = [unit for unit in units if len(unit) > 1]
    values = [cell for unit in units for cell in unit]
    observed = sum(
        sum(distance(one, other) for one in unit for other in unit) / (len(unit) - 1)
        for unit in units
    ) / len(values)
    expected = sum(distance(one, other) for one in values for other in values)
    return 1 - observed / (expected / (len(values) * (len(values) - 1)))


def test_nine_published_pairs_of_sets() -> None:
    pairs = [pair.replace("-", "").split("/") for pair in NINE_PAIRS.split()]
    found = set_agreement_of(table_of([list(coder) for coder in zip(*pairs, strict=True)]))
    assert found.nominal.value == pytest.approx(0.238805970, abs=1e-6)
    assert found.jaccard.value == pytest.approx(0.315619968, abs=1e-6)
    assert found.masi.value == pytest.approx(0.273080661, abs=1e-6)
    assert found.masi.n == 9


@pytest.mark.parametrize("seed", range(20))
def test_random_sets_with_missing_readings_equal_the_definition(seed: int) -> None:
    sets = random_sets(seed, coders=2 + seed % 3, units=25, missing=0.2)
    found = set_agreement_of(table_of(sets))
    for metric, estimate in enumerate([found.nominal, found.jaccard, found.masi]):
        assert estimate.value == pytest.approx(slow_alpha(sets, metric), abs=1e-6)


def test_the_interval_is_that_of_leaving_out_each_transcript() -> None:
    sets = random_sets(1, coders=3, units=120, missing=0.1)
    z = [
        np.arctanh(
            slow_alpha(
                [[cell for at, cell in enumerate(row) if at % 12 != left_out] for row in sets], 2
            )
        )
        for left_out in range(12)
    ]
    half = 2.200985160 * np.sqrt(11 / 12 * ((np.array(z) - np.mean(z)) ** 2).sum())
    found = set_agreement_of(table_of(sets)).masi
    assert found.low == pytest.approx(np.tanh(np.arctanh(found.value) - half))
    assert found.high == pytest.approx(np.tanh(np.arctanh(found.value) + half))


def test_distances_by_hand() -> None:
    def row(codes: str) -> NDArray[np.float64]:
        return np.array([float(code in codes) for code in "ABC"])

    assert distances(row(""), row("")).tolist() == [0, 0, 0]
    assert distances(row("A"), row("")).tolist() == [1, 1, 1]
    assert distances(row("AB"), row("A")) == pytest.approx([1, 1 / 2, 1 - 1 / 2 * 2 / 3])
    assert distances(row("AB"), row("AC")) == pytest.approx([1, 2 / 3, 1 - 1 / 3 * 1 / 3])


def test_identical_sets_agree_and_a_single_set_is_undefined() -> None:
    row = random_sets(2, coders=1, units=40, missing=0)[0]
    assert set_agreement_of(table_of([row, row])).masi.value == pytest.approx(1)
    same = set_agreement_of(table_of([["A"] * 30, ["A"] * 30])).masi
    assert np.isnan(same.value)
    assert "same" in str(same.reason)
    alone = set_agreement_of(table_of([row])).jaccard
    assert alone.reason == "no unit was read by two coders"


@pytest.mark.parametrize(
    ("codes", "share", "cost"),
    [
        *((1, 0.5, cost) for cost in (0.0, 6.0, 1e9)),
        *((12, 0.2, cost) for cost in (0.0, 6.0, 1e9)),
        *((30, 0.05, cost) for cost in (0.0, 6.0, 1e9)),
        *((codes, share, 6.0) for codes, share in ((12, 0.9), (70, 0.5), (200, 0.02))),
    ],
)
def test_likeness_summed_over_sets_equals_that_of_every_pair(
    codes: int, share: float, cost: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sets of few codes and of many; all compared, some, or all looked up by their subsets."""
    monkeypatch.setattr(likeness, "_PAIR", cost)
    rng = np.random.default_rng(codes)
    chances = np.where(np.arange(80)[:, np.newaxis] % 9 == 0, min(4 * share, 0.9), share)
    held = np.unique(rng.random((80, codes)) < chances, axis=0)
    group, which = np.nonzero(rng.random((5, len(held))) < 0.4)
    data = Occurrences(
        held=held,
        group=group,
        which=which,
        times=rng.integers(1, 4, len(group)).astype(np.float64),
    )
    sets = held.astype(np.float64)
    alike = 1.0 - distances(sets[:, np.newaxis], sets)[1:]
    found = likeness_of(data)
    total = np.bincount(which, weights=data.times, minlength=len(held))
    assert found.overall == pytest.approx(alike @ total, rel=1e-12)
    for number in range(5):
        own = group == number
        expected = alike[:, which[own]][:, :, which[own]] @ data.times[own]
        assert found.within[:, own] == pytest.approx(expected, rel=1e-12)


def test_more_codes_than_a_machine_word_has_bits() -> None:
    rng = np.random.default_rng(3)
    letters = [chr(0x4E00 + at) for at in range(150)]
    truth = [rng.choice(150, rng.integers(0, 5), replace=False) for _ in range(40)]
    sets: list[list[str | None]] = [
        ["".join(letters[code] for code in unit if rng.random() < 0.8) for unit in truth]
        for _ in range(3)
    ]
    found = set_agreement_of(table_of(sets))
    for metric, estimate in enumerate([found.nominal, found.jaccard, found.masi]):
        assert estimate.value == pytest.approx(slow_alpha(sets, metric), abs=1e-12)
