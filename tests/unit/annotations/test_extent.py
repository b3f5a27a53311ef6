"""From codings and a draw to sums over transcripts, and what is said of ties and of too few."""

from dataclasses import replace

import numpy as np
import pytest

from annotations.codebook import Code, Codebook
from annotations.codings import Coding, Reading
from annotations.drawing import Member
from annotations.reliability.methods import Versions
from annotations.reliability.prevalence.extent import (
    Frame,
    coded_by_people,
    frame_of,
    read_by_people,
)
from annotations.reliability.prevalence.full_coding import FullCoding
from annotations.reliability.prevalence.lacking import Lacking
from annotations.reliability.prevalence.odds import design_of, odds_of
from annotations.reliability.prevalence.report import Origin, prevalence_of
from annotations.reliability.prevalence.sums import Population
from annotations.reliability.prevalence.tuning import Tuning
from annotations.study import Study
from annotations.transcripts import Transcript, Turn

NAMES = "ABCDEFGH"


NOTHING = FullCoding(coder="model:1", codings=(), segments=(), codes=(), chances=np.zeros((0, 0)))


def frame(unit: str, model: FullCoding = NOTHING) -> Frame:
    """Eight transcripts of two turns, all coded by two: A carries the code, B in one's eyes."""
    turns = tuple(Turn(index=at, speaker="P", text="one two") for at in range(2))
    codings = (("A", 0, "ana"), ("A", 0, "ben"), ("A", 1, "ana"), ("B", 1, "ben"))
    study = Study(
        name="s",
        codebook=Codebook.of([Code(path="x")], declared=False),
        transcripts=tuple(Transcript(name=name, turns=turns) for name in NAMES),
        codings=tuple(
            Coding(transcript=name, turn=turn, start=0, end=7, code="x", coder=coder)
            for name, turn, coder in codings
        ),
        readings=tuple(
            Reading(transcript=name, turn=turn, coder=coder)
            for name in NAMES
            for turn in range(2)
            for coder in ("ana", "ben")
        ),
    )
    members = [Member(transcript=name, stratum=(), probability=1.0, drawn=True) for name in NAMES]
    return frame_of(study, members, codes=("x",), model=model, unit=unit)


SAID = FullCoding(
    coder="model:1",
    codings=(Coding(transcript="A", turn=0, start=0, end=7, code="y", coder="model:1"),),
    segments=(("A", 0, 0, 3), ("A", 0, 4, 7), ("A", 1, 0, 7), ("B", 0, 0, 7)),
    codes=("y", "z", "w"),
    chances=np.array([[0.9, 0.1, 0.5], [0.2, 0.3, 0.5], [0.1, 0.4, 0.5], [0.0, 0.25, 0.5]]),
)


def test_a_model_coding_is_read_in_other_codes() -> None:
    found = SAID.renamed(lambda code: {"y": "x", "z": "x"}.get(code))
    assert found.codes == ("x",)
    assert [one.code for one in found.codings] == ["x"]
    # As likely as the likelier of the two that became one.
    np.testing.assert_allclose(found.chances[:, 0], [0.9, 0.3, 0.4, 0.25])


@pytest.mark.parametrize(
    ("unit", "decided", "likely"),
    [
        # A turn is as likely to carry it as the likeliest of the pieces that the model saw.
        ("segments", (1.0, 0.0), (0.9 + 0.4, 0.25)),
        ("words", (2.0, 0.0), (2 * (0.9 + 0.4), 0.5)),
        ("transcripts", (1.0, 0.0), (0.9, 0.25)),
    ],
)
def test_what_the_model_says_adds_up_in_two_ways(
    unit: str, decided: tuple[float, float], likely: tuple[float, float]
) -> None:
    found = frame(unit, SAID.renamed(lambda code: {"y": "x", "z": "x"}.get(code)))
    assert found.sums.said.shape == (8, 1, 2)
    np.testing.assert_allclose(found.sums.model[:2, 0], decided)
    np.testing.assert_allclose(found.sums.said[:2, 0, 1], likely)
    assert not found.sums.said[2:].any()


@pytest.mark.parametrize(
    ("unit", "people", "said"),
    [
        ("segments", (1.5, 0.5), "(2 decisions on a segment and a code) count half. We report"),
        ("words", (3.0, 1.0), "(2 decisions on a segment and a code) count half. We report"),
        ("transcripts", (1.0, 0.5), "count half, and so does a transcript with ties and nothing"),
    ],
)
def test_a_tie_counts_half_and_the_methods_say_so(
    unit: str, people: tuple[float, float], said: str
) -> None:
    found = frame(unit)
    assert found.ties == 2
    assert tuple(found.sums.people[:2, 0]) == people
    versions = Versions(software="1.0", model="1", codebook="c0de", data="da7a")
    origin = Origin(seed=1, drawn_by=(), allocation="proportional", versions=versions)
    report = prevalence_of("s", found, by=(), unit=unit, of=Population.LIKE, origin=origin)
    assert said in report.methods
    assert f"fewer than 5 {'transcripts' if unit == 'transcripts' else 'segments'} there" in (
        report.methods
    )


@pytest.mark.parametrize(
    ("unit", "carry", "said"),
    [
        ("transcripts", 1.0, "found the code in 1 transcript of this cell, or"),
        ("segments", 1.5, "found the code in 1.5 segments of this cell, or"),
        ("words", 3.0, "found the code in 3 segments of this cell, or"),
    ],
)
def test_too_few_are_told_in_what_is_counted(unit: str, carry: float, said: str) -> None:
    found = frame(unit)
    found.sums.found[:, 0] = 0
    found.sums.found[0, 0] = carry
    versions = Versions(software="1.0", model="1", codebook="c0de", data="da7a")
    origin = Origin(seed=1, drawn_by=(), allocation="proportional", versions=versions)
    report = prevalence_of("s", found, by=(), unit=unit, of=Population.LIKE, origin=origin)
    assert said in str(report.shares[0].corrected.reason)
    design = design_of([("u" if at % 2 else "v",) for at in range(8)], ("group",))
    tuning = Tuning.fixed(found.sums, 0.0)
    (ratio,) = odds_of(found.sums, design, tuning=tuning, of=Population.LIKE)
    assert said.replace(" of this cell", "") in str(ratio.ratio.reason)


def test_what_keeps_an_estimate_back_is_named() -> None:
    whole = Lacking(uncoded=tuple("ABCDEFG"), undecided=("H",))
    assert whole.words("s", "of 9 drawn transcripts") == (
        "7 of 9 drawn transcripts are not coded (A, B, C, D, E and 2 more) and 1 waits for a "
        "choice, because a code was split (H; second-coder codebook worklist s lists the excerpts)"
    )
    assert whole.why == "those that were coded first are no random sample"
    chosen = replace(whole, uncoded=())
    assert chosen.words("s", "of 9 drawn transcripts").startswith(
        "1 of 9 drawn transcripts waits for a choice"
    )
    assert chosen.why == "those without a choice to make are no random sample"


def test_a_choice_to_make_is_told_from_a_transcript_that_nobody_coded() -> None:
    turns = (Turn(index=0, speaker="P", text="one"), Turn(index=1, speaker="P", text="two"))
    study = Study(
        name="s",
        codebook=Codebook.of([Code(path="x")], declared=False),
        transcripts=tuple(Transcript(name=name, turns=turns) for name in "ABC"),
        codings=(),
        readings=tuple(
            Reading(transcript=name, turn=turn, coder="ana")
            for name, turn in (("A", 0), ("A", 1), ("B", 0), ("C", 0))
        ),
        undecided=(Reading(transcript="B", turn=1, coder="ana"),),
    )
    assert read_by_people(study) == {"A"}
    assert coded_by_people(study) == {"A", "B"}
    assert study.begun == {"A", "B", "C"}
    members = [Member(transcript=name, stratum=(), probability=0.5, drawn=True) for name in "ABC"]
    found = frame_of(study, members, codes=("x",), model=NOTHING, unit="segments")
    assert Lacking.of(found) == Lacking(uncoded=("C",), undecided=("B",))
    assert Lacking.of(found, np.array([True, True, False])).uncoded == ()
