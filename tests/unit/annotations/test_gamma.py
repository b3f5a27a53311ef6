from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from annotations.codings import ADJUDICATED, Coding, Reading
from annotations.reliability import alignment, gamma
from annotations.reliability.alignment import best_alignment, category_disorder, positional
from annotations.reliability.gamma import Gamma, gamma_of
from annotations.transcripts import Transcript, Turn

Spans = Sequence[tuple[str, float, float, str]]
"""Coder, start, end, code."""

TWO_SIMPLE = "A 1 5 a/A 6 10 b/A 11 15 a/B 2 6 a/B 7 11 b/B 12 16 a"
TWO_UNEQUAL = "A 1 5 a/A 6 10 b/A 20 24 a/A 30 34 b/B 2 6 a/B 31 35 b"
TWO_IDENTICAL = "A 1 5 a/A 10 15 b/A 20 25 c/B 1 5 a/B 10 15 b/B 20 25 c"
THREE = "A 1 5 a/A 10 14 b/B 2 6 a/B 11 15 b/C 1 4 a/C 9 14 c"
SIXTEEN = "/".join(
    f"A {10 * at + 1} {10 * at + 6} {'abc'[at % 3]}/B {10 * at + 2} {10 * at + 8} "
    f"{'abc'[(at + 1) % 3]}"
    for at in range(16)
)
SAMPLED = {
    "A 178947 614370 b/A 842708 1167433 a/B 418703 848526 a/B 1218986 1651023 b/"
    "C -131680 328416 a/C 516056 942626 c": 1.6669912338256836,
    "A 459006 843060 b/A 1277804 1677230 a/B 244629 690938 b/B 1137832 1527671 a/"
    "C -106022 296146 b/C 574941 985434 a": 1.3278082609176636,
    "A 723244 1185461 c/A 1461119 1907544 b/B 221961 607401 c/B 615953 920904 a/"
    "C 176384 557248 a/C 732743 1125863 c": 1.4115846157073975,
    "A 150367 550367 b/A 2163898 2563898 a/A 2518744 2918744 a/B -504927 -104927 a/"
    "B 11160 411160 a": 1.6484464406967163,
}


def spans_of(text: str) -> list[tuple[str, float, float, str]]:
    rows = [line.split() for line in text.split("/")]
    return [(who, float(start), float(end), code) for who, start, end, code in rows]


def arrays(spans: Spans) -> list[NDArray[np.float64]]:
    codes = sorted({code for *_, code in spans})
    return [
        np.array(
            [[start, end, codes.index(code)] for who, start, end, code in spans if who == name]
        )
        for name in sorted({who for who, *_ in spans})
    ]


def random_arrays(seed: int, sizes: Sequence[int]) -> list[NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    parts = []
    for size in sizes:
        start = rng.integers(0, 40, size)
        parts.append(
            np.column_stack([start, start + rng.integers(1, 15, size), rng.integers(0, 3, size)])
        )
    return [part.astype(np.float64) for part in parts]


def slow_cost(parts: Sequence[NDArray[np.float64]]) -> float:
    """Try every way to divide the spans, one at a time into every group that may take it."""
    coders = len(parts)
    items = [(coder, span) for coder, part in enumerate(parts) for span in part]

    def cost(group: dict[int, NDArray[np.float64]]) -> float:
        total = 0.0
        for one in range(coders):
            for other in range(one + 1, coders):
                if one in group and other in group:
                    (a, b, x), (c, d, y) = group[one], group[other]
                    total += ((abs(a - c) + abs(b - d)) / (b - a + d - c)) ** 2 + float(x != y)
                else:
                    total += 1.0
        return total / (coders * (coders - 1) / 2)

    def least(at: int, groups: list[dict[int, NDArray[np.float64]]]) -> float:
        if at == len(items):
            return sum(map(cost, groups))
        coder, span = items[at]
        tries = [least(at + 1, [*groups, {coder: span}])]
        for number, group in enumerate(groups):
            if coder not in group:
                grown = [*groups[:number], {**group, coder: span}, *groups[number + 1 :]]
                tries.append(least(at + 1, grown))
        return min(tries)

    return least(0, [])


@pytest.mark.parametrize(
    ("spans", "disorder"),
    [
        (TWO_SIMPLE, 0.0625),
        (TWO_UNEQUAL, 0.7083333134651184),
        (TWO_IDENTICAL, 0.0),
        (THREE, 0.40875643491744995),
        (SIXTEEN, 1.0743801593780518),
        *SAMPLED.items(),
    ],
)
def test_published_continua_have_the_published_best_disorder(spans: str, disorder: float) -> None:
    """The continua and disorders with which DKPro Statistics tests its gamma.

    (Apache-2.0, src/test/resources/pygamma, made with pygamma-agreement 0.5.9 in single
    precision.) Their 1.1979972 is no best disorder: it is the expected disorder of the third
    from 30 random continua of another kind, so there is nothing to equal.
    """
    assert best_alignment(arrays(spans_of(spans))).disorder == pytest.approx(disorder, rel=1e-5)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("coders", [2, 3, 4])
def test_the_alignment_is_the_best_of_all(seed: int, coders: int) -> None:
    sizes = np.random.default_rng(seed).integers(0, 5 if coders < 4 else 3, coders).tolist()
    parts = random_arrays(seed, sizes)
    found = best_alignment(parts)
    assert found.cost == pytest.approx(slow_cost(parts), abs=1e-9)
    for coder, part in enumerate(parts):
        held = found.members[:, coder]
        assert sorted(held[held >= 0].tolist()) == list(range(len(part)))


def test_positional_dissimilarity_by_hand() -> None:
    """Figure 10 of the paper."""
    span = np.array([4.0, 14.0, 0.0])
    others = np.array([[40.0, 44.0, 0.0], [4.0, 14.0, 0.0], [20.0, 25.0, 0.0], [14.0, 24.0, 0.0]])
    assert positional(span, others) == pytest.approx([22.224, 0.0, 3.24, 1.0], abs=1e-3)


def test_category_disorder_by_hand() -> None:
    parts = arrays(spans_of("A 0 10 a/A 50 60 a/B 0 10 b/B 52 62 a/C 0 10 a"))
    found = category_disorder(best_alignment(parts), parts)
    # Three spans at one place: three pairs of weight 1/2, two unequal; two at another: 1 - .04.
    assert found.pairs == pytest.approx(3 / 2 + 0.96)
    assert found.unequal == pytest.approx(1.0)


def test_more_spans_than_can_be_aligned_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alignment, "MAX_CANDIDATES", 20)
    crowded = gamma_between(noisy(coders=3, noise=0.0, transcripts=2))
    assert not crowded.gamma.defined
    assert "two coders at a time" in str(crowded.gamma.reason)
    assert [item.transcript for item in crowded.left_out] == ["t0", "t1"]


def test_beyond_the_work_limit_a_random_part_stands_for_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spans = noisy(coders=3, noise=0.3, transcripts=14)
    whole = {item.transcript: item for item in gamma_between(spans).transcripts}
    monkeypatch.setattr(gamma, "MAX_WORK", 3000)
    part = gamma_between(spans)
    assert 0 < len(part.transcripts) < 14
    assert all(whole[item.transcript] == item for item in part.transcripts)
    assert part.gamma.clusters == len(part.transcripts) == 14 - len(part.left_out)
    assert "drawn at random" in part.left_out[0].reason
    names = [item.transcript for item in part.transcripts]
    assert names != [f"t{at}" for at in range(len(names))]


def gamma_between(
    spans: Sequence[Spans],
    *,
    length: int = 400,
    turns: int = 4,
    coders: str = "ABC",
    unread: Sequence[tuple[int, int, str]] = (),
    assisted: bool = False,
    rename: Callable[[str], str] = str,
    order: Sequence[str] | None = None,
    samples: int | None = 10,
) -> Gamma:
    """`spans`: for each transcript, offsets over all turns; none may cross a turn's end."""
    coders = "".join(name for name in coders if any(name == who for t in spans for who, *_ in t))
    names = [f"t{at}" for at in range(len(spans))]
    return gamma_of(
        transcripts=[
            Transcript(
                name=name,
                turns=tuple(
                    Turn(index=at, speaker="", text="x" * (length // turns)) for at in range(turns)
                ),
            )
            for name in names
        ],
        codings=[
            Coding(
                transcript=name,
                turn=int(start) // (length // turns),
                start=int(start) % (length // turns),
                end=int(start) % (length // turns) + int(end - start),
                code=rename(code),
                coder=rename(who),
            )
            for name, part in zip(names, spans, strict=True)
            for who, start, end, code in part
        ],
        readings=[
            Reading(transcript=name, turn=turn, coder=rename(who), assisted=assisted)
            for at, name in enumerate(names)
            for turn in range(turns)
            for who in coders
            if (at, turn, who) not in unread
        ],
        coders=order or [rename(who) for who in coders],
        samples=samples,
    )


def noisy(*, coders: int, noise: float, transcripts: int, seed: int = 1) -> list[Spans]:
    """Six spans of 8 to 20 characters a transcript; with `noise` 1 the coders are independent."""
    rng = np.random.default_rng(seed)

    def span() -> tuple[float, float, str]:
        size = int(rng.integers(8, 21))
        start = 100 * int(rng.integers(4)) + int(rng.integers(0, 100 - size))
        return float(start), float(start + size), "abc"[rng.integers(3)]

    result: list[Spans] = []
    for _ in range(transcripts):
        truth = [span() for _ in range(6)]
        result.append(
            [
                (who, *(span() if rng.random() < noise else part))
                for who in "ABC"[:coders]
                for part in truth
            ]
        )
    return result


@pytest.mark.parametrize("coders", [2, 3])
def test_identical_coders_agree_fully(coders: int) -> None:
    found = gamma_between(noisy(coders=coders, noise=0.0, transcripts=3))
    assert found.gamma.value == 1.0
    assert found.gamma_cat.value == 1.0
    assert found.gamma.low is None
    assert found.gamma.n == 18 * coders


@pytest.mark.parametrize("coders", [2, 3])
def test_independent_coders_agree_by_chance_and_disagreement_lowers_gamma(coders: int) -> None:
    values = [
        gamma_between(noisy(coders=coders, noise=noise, transcripts=16)).gamma.value
        for noise in (0.2, 0.6, 1.0)
    ]
    assert values[0] > values[1] > values[2]
    assert values[2] == pytest.approx(0.0, abs=0.1)


def test_gamma_cat_sees_only_codes() -> None:
    spans = noisy(coders=2, noise=0.0, transcripts=12)
    moved: list[Spans] = [
        [(who, start, end - 2.0 * (who == "B"), code) for who, start, end, code in part]
        for part in spans
    ]
    found = gamma_between(moved)
    assert found.gamma_cat.value == 1.0
    assert found.gamma.value < 1.0
    other: list[Spans] = [
        [(who, start, end, "abca"["abc".index(code) + (who == "B")]) for who, start, end, code in p]
        for p in spans
    ]
    assert gamma_between(other).gamma_cat.value < 0


@pytest.mark.parametrize("coders", [2, 3])
def test_names_and_order_of_coders_and_codes_do_not_matter(coders: int) -> None:
    spans = noisy(coders=coders, noise=0.4, transcripts=11)
    found = gamma_between(spans)
    other = {"A": "zoe", "B": "yan", "C": "Ann", "a": "z", "b": "trust > x", "c": "m"}
    names = [other[who] for who in "CBA"[3 - coders :]]
    renamed = gamma_between(spans, rename=lambda name: other[name], order=names)
    for one, two in ((found.gamma, renamed.gamma), (found.gamma_cat, renamed.gamma_cat)):
        assert one.value == pytest.approx(two.value, abs=1e-12)
        assert one.low == pytest.approx(two.low, abs=1e-12)


def test_the_interval_is_that_of_leaving_out_each_transcript() -> None:
    spans = noisy(coders=2, noise=0.4, transcripts=12)
    found = gamma_between(spans)
    observed = [item.observed * item.spans for item in found.transcripts]
    expected = [item.expected * item.spans for item in found.transcripts]
    assert found.gamma.value == pytest.approx(1 - sum(observed) / sum(expected))
    z = np.arctanh(
        [
            1 - (sum(observed) - observed[at]) / (sum(expected) - expected[at])
            for at in range(len(observed))
        ]
    )
    half = 2.200985160 * np.sqrt(11 / 12 * ((z - z.mean()) ** 2).sum())
    assert found.gamma.low == pytest.approx(np.tanh(np.arctanh(found.gamma.value) - half))
    assert found.gamma.clusters == 12


def test_the_same_seed_gives_the_same_value_and_more_samples_less_error() -> None:
    spans = noisy(coders=2, noise=0.4, transcripts=2)
    few, again, many = (gamma_between(spans, samples=count) for count in (10, 10, 200))
    assert few == again
    assert many.chance_error < few.chance_error / 2


def test_only_turns_that_two_people_read_unassisted_enter() -> None:
    spans = noisy(coders=2, noise=0.3, transcripts=1)
    whole = gamma_between(spans)
    part = gamma_between(spans, unread=[(0, 2, "B"), (0, 3, "B")])
    assert part.gamma.n == sum(start < 200 for _, start, _, _ in spans[0]) < whole.gamma.n
    nothing = gamma_between(spans, assisted=True)
    assert not nothing.gamma.defined
    assert nothing.gamma.reason == "no unit was read by two coders"


def test_turns_that_different_coders_read_are_compared_among_those() -> None:
    spans = noisy(coders=3, noise=0.3, transcripts=1)
    unread = [(0, turn, who) for who, turn in (("A", 0), ("A", 1), ("B", 2), ("B", 3))]
    found = gamma_between(spans, unread=unread)
    assert found.gamma.n == sum(
        (start < 200) != (who == "A") or who == "C" for who, start, *_ in spans[0]
    )
    assert found.coders == ("A", "B", "C")


def test_adjudication_and_models_are_no_coders() -> None:
    names = {"A": "ann", "B": ADJUDICATED, "C": "model:1"}
    spans = noisy(coders=3, noise=0.0, transcripts=2)
    found = gamma_between(spans, rename=lambda name: names.get(name, name))
    assert not found.gamma.defined


def test_what_cannot_be_said_is_not_said() -> None:
    silent = gamma_between([[("A", 0, 10, "a"), ("B", 0, 10, "a")]])
    assert silent.gamma_cat.reason is not None
    assert "never differ in code" in silent.gamma_cat.reason
    apart = gamma_between([[("A", 0, 10, "a"), ("B", 300, 310, "a")]])
    assert apart.gamma.value < 0
    assert "close enough" in str(apart.gamma_cat.reason)


def test_a_transcript_that_nobody_coded_does_not_enter() -> None:
    found = gamma_between([*noisy(coders=2, noise=0.3, transcripts=2), []])
    assert [item.transcript for item in found.transcripts] == ["t0", "t1"]
    assert found.gamma.clusters == 2


def test_coding_whole_turns_is_pointed_out() -> None:
    turns: Spans = [("A", 0, 100, "a"), ("A", 200, 300, "b"), ("B", 0, 100, "a")]
    assert "read alpha over turns" in str(gamma_between([turns]).caution)
    assert gamma_between(noisy(coders=2, noise=0.3, transcripts=1)).caution is None
