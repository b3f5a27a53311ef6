"""What a finding shows beside its figures."""

from dataclasses import replace

import numpy as np
import pytest

from annotations.codebook import Code, Codebook
from annotations.codings import Coding, CodingTable, Reading
from annotations.reliability.drift.answers import Asked, coders_of
from annotations.reliability.drift.findings import findings_of
from annotations.reliability.drift.outcome import (
    AGREEMENT,
    CODERS,
    LEANING,
    MODEL,
    Comparison,
    Question,
)
from annotations.reliability.drift.ratios import Change
from annotations.reliability.drift.waves import Waves
from annotations.reliability.estimate import Estimate
from annotations.study import Study
from annotations.transcripts import Transcript, Turn

NAMES = [f"t{number:02}" for number in range(20)]


def table() -> CodingTable:
    """Ana and Bo agree on every first turn; on second turns of the later half Ana codes alone."""
    study = Study(
        name="wards",
        codebook=Codebook.of([Code(path="A")], declared=True),
        transcripts=tuple(
            Transcript(
                name=name,
                turns=tuple(Turn(index=at, speaker="P", text=f"Turn {at}.") for at in range(2)),
            )
            for name in NAMES
        ),
        codings=(
            *(
                Coding(transcript=name, turn=0, start=0, end=7, code="A", coder=coder)
                for name in NAMES
                for coder in ("ana", "bo")
            ),
            *(
                Coding(transcript=name, turn=1, start=0, end=7, code="A", coder="ana")
                for name in NAMES[10:]
            ),
        ),
        readings=tuple(
            Reading(transcript=name, turn=at, coder=coder)
            for name in NAMES
            for at in range(2)
            for coder in ("ana", "bo")
        ),
    )
    return study.table()


def test_a_finding_on_a_coder_shows_passages_that_others_coded_otherwise() -> None:
    coded = table()
    waves = Waves(
        names=("1", "2"),
        wave=np.repeat([0, 1], 10),
        stratum=np.zeros(20, dtype=np.int64),
    )
    (question,) = (
        one
        for one in coders_of(Asked(table=coded, waves=waves, seed=1)).questions
        if one.name == CODERS
    )
    (pair,) = question.comparisons
    moved = replace(pair, changes=tuple(replace(one, moved=True) for one in pair.changes))
    found = findings_of("wards", [replace(question, comparisons=(moved,))], [], coded, waves, {})
    assert [one.subject for one in found] == ["ana", "bo"]
    for one in found:
        assert one.excerpts_before == ()
        assert len(one.excerpts_after) == 3
        assert {shown.turn for shown in one.excerpts_after} == {1}
        assert {shown.transcript for shown in one.excerpts_after} <= set(NAMES[10:])
        assert all(shown.coders[0] == one.subject for shown in one.excerpts_after)
        assert "differs more from the other coders in 2" in one.words
        assert "one finding, seen from 2 sides" in one.words
        assert "--coder ana --coder bo --push" in one.advice


@pytest.mark.parametrize("question", [AGREEMENT, MODEL])
@pytest.mark.parametrize("rose", [True, False])
def test_advice_is_a_sentence_also_where_there_is_nothing_to_do(question: str, rose: bool) -> None:
    before, after = (Estimate.bare(value, "bare", n=9, clusters=1) for value in (0.0, 0.5))
    difference = Estimate(
        value=0.5 if rose else -0.5, low=-0.0004, high=0.9, n=9, clusters=2, method="t"
    )
    change = Change(
        subject="A",
        before=before,
        after=after,
        difference=difference,
        p=0.0002,
        adjusted=0.0124,
        moved=True,
        detectable=None,
    )
    pair = Comparison(before="1", after="2", changes=(change,))
    waves = Waves(names=("1", "2"), wave=np.repeat([0, 1], 10), stratum=np.zeros(20, dtype=int))
    asked = Question(name=question, comparisons=(pair,))
    (found,) = findings_of("wards", [asked], [], table(), waves, {})
    assert (found.advice == "Nothing needs to be done.") is rose
    assert len(found.advice.split()) > 3
    assert "(95% interval 0.000 to 0.90; p below .001, .012 after correction" in found.words
    assert found.words.endswith("on 1 and 1 transcript.")


def test_coders_who_move_on_one_code_in_the_same_waves_are_one_finding() -> None:
    figure = Estimate(value=0.2, low=0.1, high=0.3, n=9, clusters=9, method="t")
    names = ("ana: A", "bo: A", "ana: B")
    changes = tuple(
        Change(
            subject=name,
            before=figure,
            after=figure,
            difference=figure,
            p=0.001,
            adjusted=0.01,
            moved=True,
            detectable=None,
        )
        for name in names
    )
    waves = Waves(names=("1", "2"), wave=np.repeat([0, 1], 10), stratum=np.zeros(20, dtype=int))
    still = replace(changes[1], moved=False)
    asked = Question(
        name=LEANING,
        comparisons=(
            Comparison(before="1", after="2", changes=changes),
            Comparison(before="2", after="1", changes=(changes[0], still)),
        ),
    )
    ana, bo, other, later = findings_of("wards", [asked], [], table(), waves, {})
    assert "bo moved on A in the same waves: this is one finding, seen from 2 sides" in ana.words
    assert "ana moved on A" in bo.words
    assert ana.advice == bo.advice
    assert "second-coder recode-sample wards --coder ana --coder bo --push" in ana.advice
    assert "for this coder if they strayed" not in ana.advice
    for one in (other, later):
        assert "one finding" not in one.words
        assert "recode 2 for this coder" in one.advice or "recode 1 for this coder" in one.advice
