"""What is drawn to be coded again, and a coder beside themself, against sums made by hand."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from annotations.codebook import Code, Codebook
from annotations.codings import Coding, Reading
from annotations.errors import StateError
from annotations.recoding import (
    NO_CODE,
    OldExcerpt,
    draw_excerpts,
    excerpt_of,
    not_drawn_yet,
    old_excerpts,
)
from annotations.reliability.drift.recoded import (
    RecodedExcerpt,
    RecodedRound,
    compared,
    days_between,
    settled,
)
from annotations.study import Study
from annotations.transcripts import Transcript, Turn

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
CODES = ("Rare", "Usual")


def study(transcripts: int = 12, turns: int = 5) -> Study:
    """Turn 0 asks, turn 1 is coded Usual, turn 2 of every sixth transcript Rare as well."""
    names = [f"t{at:02}" for at in range(transcripts)]
    codings = [
        Coding(transcript=name, turn=turn, start=0, end=5, code=code, coder="ann", coded_at=FIRST)
        for at, name in enumerate(names)
        for turn, code in ((1, "Usual"), (2, "Usual"), (2, "Rare"))
        if turn == 1 or at % 6 == 0
    ]
    return Study(
        name="a study",
        codebook=Codebook.of([Code(path=code) for code in CODES], declared=True),
        transcripts=tuple(
            Transcript(
                name=name,
                turns=tuple(
                    Turn(index=turn, speaker="P", text="words", interviewer=turn == 0)
                    for turn in range(turns)
                ),
            )
            for name in names
        ),
        codings=tuple(codings),
        readings=tuple(
            Reading(transcript=name, turn=turn, coder="ann", assisted=name == "t01")
            for name in names
            for turn in range(turns)
        ),
    )


def test_what_was_read_without_suggestions_is_there_to_draw_coded_or_not() -> None:
    found = old_excerpts(study(), "ann")
    assert {one.turn for one in found} == {1, 2, 3, 4}
    assert len(found) == 11 * 4
    assert "t01" not in {one.transcript for one in found}
    assert Counter(len(one.codes) for one in found) == {0: 31, 1: 11, 2: 2}
    # What was left uncoded is as old as what was coded beside it.
    assert {one.coded_at for one in found} == {FIRST}
    assert old_excerpts(study(), "bo") == ()


def test_a_draw_is_made_again_by_its_seed_and_reaches_rare_codes() -> None:
    candidates = old_excerpts(study(), "ann")
    drawn = draw_excerpts(candidates, size=12, seed=3)
    assert drawn == draw_excerpts(tuple(reversed(candidates)), size=12, seed=3)
    assert drawn != draw_excerpts(candidates, size=12, seed=4)
    strata = Counter(one.stratum for one in drawn)
    assert strata == {NO_CODE: 3, "Rare": 2, "Usual": 7}
    # By hand: 3 of 31 without a code, 2 of 2 rare ones, 7 of the other 11.
    assert {one.stratum: one.probability for one in drawn} == {
        NO_CODE: 3 / 31,
        "Rare": 1.0,
        "Usual": 7 / 11,
    }
    assert [one.old for one in drawn] != sorted(
        (one.old for one in drawn), key=lambda one: (one.transcript, one.turn)
    )


def test_each_excerpt_is_drawn_as_often_as_its_probability_says() -> None:
    candidates = old_excerpts(study(), "ann")
    times: Counter[tuple[str, int]] = Counter()
    chance = {}
    for seed in range(600):
        for one in draw_excerpts(candidates, size=12, seed=seed):
            times[one.old.transcript, one.old.turn] += 1
            chance[one.old.transcript, one.old.turn] = one.probability
    assert len(chance) == len(candidates)
    for place, probability in chance.items():
        spread = 4.5 * np.sqrt(probability * (1 - probability) / 600)
        assert times[place] / 600 == pytest.approx(probability, abs=spread + 1e-9), place


def test_all_is_drawn_where_more_is_asked_for_and_too_few_is_refused() -> None:
    candidates = old_excerpts(study(), "ann")
    everything = draw_excerpts(candidates, size=1000, seed=0)
    assert len(everything) == len(candidates)
    assert {one.probability for one in everything} == {1.0}
    with pytest.raises(StateError, match="2 codes and none: ask for --size 3 at least"):
        draw_excerpts(candidates, size=2, seed=0)
    assert Counter(one.stratum for one in draw_excerpts(candidates, size=3, seed=0)) == {
        NO_CODE: 1,
        "Rare": 1,
        "Usual": 1,
    }
    rest = not_drawn_yet(candidates, {("t00", 1)})
    assert len(rest) == len(candidates) - 1


def test_an_excerpt_comes_after_the_turns_it_answers_to() -> None:
    turns = tuple(Turn(index=at, speaker="P", text=f"turn {at}") for at in range(5))
    long = Transcript(name="A", turns=turns)
    assert excerpt_of(long, 4) == Transcript(
        name="", turns=tuple(replace(turn, index=at) for at, turn in enumerate(turns[1:]))
    )
    assert excerpt_of(long, 1) == Transcript(name="", turns=turns[:2])


def again(
    one: OldExcerpt, codes: tuple[str, ...], probability: float = 1.0, days: int = 90
) -> RecodedExcerpt:
    made = Coding(
        transcript=one.transcript, turn=one.turn, start=0, end=5, code="", coder="account"
    )
    return RecodedExcerpt(
        transcript=one.transcript,
        turn=one.turn,
        probability=probability,
        coded_at=one.coded_at,
        recoded_at=FIRST + timedelta(days=days),
        before=one.codings,
        after=tuple(replace(made, code=code) for code in codes),
    )


def alpha_by_hand(old: np.ndarray, new: np.ndarray, weights: np.ndarray) -> float:
    """1 - observed / expected disagreement of two codings of each unit, from the definition."""
    times = weights / weights.mean()
    n = 2 * times.sum()
    yes = (times * (old.astype(float) + new)).sum()
    observed = (times * (old != new)).sum() / times.sum()
    return float(1 - observed / (2 * yes * (n - yes) / (n * (n - 1))))


def test_agreement_with_oneself_is_weighed_by_how_likely_each_was_drawn() -> None:
    old = [one for one in old_excerpts(study(), "ann") if one.turn <= 2]
    rng = np.random.default_rng(1)
    changed = rng.random(len(old)) < 0.3
    chances = np.where([one.turn == 1 for one in old], 0.25, 0.5)
    excerpts = [
        again(one, tuple(sorted(one.codes ^ ({"Usual"} if swap else set()))), chance)
        for one, swap, chance in zip(old, changed, chances, strict=True)
    ]
    found = compared(study(), "ann", excerpts, seed=0)
    assert [one.code for one in found] == [None, "Rare", "Usual"]
    usual = found[2]
    first = np.array(["Usual" in one.codes for one in old])
    second = first ^ changed
    assert usual.alpha.value == pytest.approx(alpha_by_hand(first, second, 1 / chances))
    weights = (1 / chances) / (1 / chances).mean()
    shift = (weights * (second.astype(float) - first)).sum() / len(old)
    assert usual.shift.value == pytest.approx(shift)
    assert (usual.before, usual.after) == (first.sum(), second.sum())
    assert (usual.alpha.n, usual.alpha.clusters) == (22, 11)
    assert usual.alpha.low is not None
    # Two segments are too few for an interval; the value is a description.
    assert found[1].alpha.value == pytest.approx(1.0)
    assert found[1].alpha.low is None


def round_of(excerpts: list[RecodedExcerpt], drawn: int = 50) -> RecodedRound:
    return RecodedRound(
        coder="ann",
        drawn_at=FIRST,
        drawn=drawn,
        excerpts=len(excerpts),
        undecided=0,
        transcripts=len({one.transcript for one in excerpts}),
        days=days_between(excerpts),
        annotators=("ann",),
        younger=(),
        redefined=(),
        agreement=compared(study(), "ann", excerpts, seed=0),
    )


def test_a_coder_who_grew_generous_is_told_so_and_one_who_did_not_is_not() -> None:
    old = old_excerpts(study(), "ann")
    same = round_of([again(one, tuple(one.codes)) for one in old])
    more = round_of([again(one, tuple({*one.codes, "Usual"})) for one in old])
    found_same, found_more = settled([same, more])
    assert [one.code for one in found_more.agreement if one.moved] == [None, "Usual"]
    assert not any(one.moved for one in found_same.agreement)
    said = " ".join(found_more.words)
    assert "Usual is applied more than before: +70.5 points of segments" in said
    assert "13 segments then, 44 now" in said
    assert "44 of 50 excerpts, from 11 transcripts, coded 90 days apart" in said
    assert "No code is applied more, or less, than before" in " ".join(found_same.words)


def test_little_is_said_of_little() -> None:
    old = old_excerpts(study(), "ann")
    nothing, uncoded, few = settled(
        [
            round_of([]),
            round_of([again(one, ()) for one in old if not one.codes]),
            round_of([again(one, tuple(one.codes), days=3) for one in old[:9]]),
        ]
    )
    assert nothing.words == (
        "ann: 0 of 50 excerpts came back so far, so there is nothing to compare.",
    )
    assert "ann gave no code, neither time" in uncoded.words[0]
    assert "Too few to say how surely" in few.words[0]
    assert any("Too few to say whether" in one for one in few.words)
    assert any("less than 14 days" in one for one in few.words)
    assert few.agreement[0].p is None


def test_a_code_that_came_later_is_compared_only_where_it_could_be_applied() -> None:
    old = [one for one in old_excerpts(study(), "ann") if one.turn == 3]
    excerpts = [
        replace(again(one, ("Rare",)), younger=frozenset({"Rare"} if at < 8 else ()))
        for at, one in enumerate(old)
    ]
    found = compared(study(), "ann", excerpts, seed=0)
    assert [(one.code, one.before, one.after, one.alpha.n) for one in found] == [
        (None, 0, 3, 3),
        ("Rare", 0, 3, 3),
    ]
    assert compared(study(), "ann", excerpts[:8], seed=0) == ()
