from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from annotations.codebook import Code, Codebook
from annotations.codings import ADJUDICATED, Coding, Reading
from annotations.reliability.agreement import ModelCoding
from annotations.reliability.anchoring import anchoring_of
from annotations.reliability.ceiling import ceiling_of
from annotations.reliability.measures import measures_of
from annotations.reliability.methods import Versions
from annotations.reliability.report import ModelWork, ReliabilityReport, report_of
from annotations.reliability.substitution import Expertise
from annotations.study import Study
from annotations.transcripts import Transcript, Turn

CODES = ("Work > Pay", "Work > Hours", "Trust")
VERSIONS = Versions(software="1.0", model=None, codebook="c0de", data="da7a")
TURNS = 12

Applied = Callable[[str, int, int, str], bool]


def study_of(
    applied: Applied,
    *,
    coders: Sequence[str] = ("asha", "ben", "carys"),
    transcripts: int = 14,
    reads: Callable[[str, int], bool] = lambda _coder, _transcript: True,
    assisted: Iterable[int] = (),
    codes: Sequence[str] = CODES,
) -> Study:
    """A study of whole turns; `applied(coder, transcript, turn, code)` says who coded what."""
    items = [
        Transcript(
            name=f"T{at:02}",
            turns=tuple(
                Turn(index=turn, speaker="P", text=f"words number {turn} of {at}")
                for turn in range(TURNS)
            ),
        )
        for at in range(transcripts)
    ]
    helped = set(assisted)
    places = [
        (coder, at, turn)
        for coder in coders
        for at in range(transcripts)
        if reads(coder, at)
        for turn in range(TURNS)
    ]
    return Study(
        name="pay",
        codebook=Codebook.of([Code(path=code) for code in codes], declared=True),
        transcripts=tuple(items),
        codings=tuple(
            Coding(
                transcript=items[at].name,
                turn=turn,
                start=0,
                end=len(items[at].turns[turn].text),
                code=code,
                coder=coder,
            )
            for coder, at, turn in places
            for code in codes
            if applied(coder, at, turn, code)
        ),
        readings=tuple(
            Reading(transcript=items[at].name, turn=turn, coder=coder, assisted=at in helped)
            for coder, at, turn in places
        ),
    )


def sometimes(seed: int = 0, share: float = 0.3, error: float = 0.1) -> Applied:
    """Coders who mostly see the same."""
    rng = np.random.default_rng(seed)
    truth: dict[tuple[int, int, str], bool] = {}

    def applied(_coder: str, at: int, turn: int, code: str) -> bool:
        there = truth.setdefault((at, turn, code), bool(rng.random() < share))
        return there != (rng.random() < error)

    return applied


def work_of(study: Study, coder: str, version: str = "m1") -> ModelWork:
    """A model that codes as one of the coders does."""
    return ModelWork(
        version=version,
        codings=tuple(
            replace(coding, coder=f"model:{version}")
            for coding in study.codings
            if coding.coder == coder
        ),
        transcripts=frozenset(item.name for item in study.transcripts),
    )


def told(report: ReliabilityReport) -> str:
    return "\n".join(report.notes)


@pytest.mark.parametrize("unit", ["segment", "turn", "transcript", "character"])
def test_every_unit_gives_a_whole_report(unit: str) -> None:
    # So few that some transcripts carry no code at all.
    found = report_of(study_of(sometimes(share=0.04, error=0.02)), unit=unit, versions=VERSIONS)
    assert found.coders == ("asha", "ben", "carys")
    assert len(found.pairs) == len(found.by_coder) == 3
    assert [one.code for one in found.codes] == list(CODES)
    assert [one.code for one in found.measures.codes] == list(CODES)
    assert [one.level for one in found.by_level] == [1, 2]
    assert [one.code for one in found.by_level[0].codes] == ["Work", "Trust"]
    assert found.by_level[1].pooled == found.pooled
    for one, other in zip(found.codes, found.measures.codes, strict=True):
        assert one.alpha == other.alpha
    assert bool(found.characters) == (unit == "character")
    assert bool(found.planning) == (unit in ("segment", "turn"))
    expected = {
        "segment": 14 * TURNS,
        "turn": 14 * TURNS,
        "transcript": 14,
        "character": sum(len(t.text) for i in study_of(sometimes()).transcripts for t in i.turns),
    }
    assert found.extent.units == found.extent.twice == expected[unit]


def test_whole_turns_give_the_same_figures_by_segment_and_by_turn() -> None:
    study = study_of(sometimes())
    found = [report_of(study, unit=unit, versions=VERSIONS) for unit in ("segment", "turn")]
    assert found[0].pairs == found[1].pairs
    assert found[0].sets == found[1].sets


def test_a_level_takes_codes_for_their_ancestors_throughout() -> None:
    study = study_of(sometimes())
    found = report_of(study, unit="turn", level=1, versions=VERSIONS, model=work_of(study, "ben"))
    whole = report_of(study, unit="turn", versions=VERSIONS)
    assert [one.code for one in found.codes] == ["Work", "Trust"]
    assert found.codes == whole.by_level[0].codes
    assert found.by_level == ()
    assert [one.code for one in found.ceiling] == [None, "Work", "Trust"]
    assert "below level 1" in found.methods
    by_character = report_of(study, unit="character", level=1, versions=VERSIONS)
    assert [one.code for one in by_character.characters[0].codes] == ["Work", "Trust"]


def test_a_model_stands_beside_coders_ceiling_and_test() -> None:
    study = study_of(sometimes())
    model = work_of(study, "ben")
    found = report_of(
        study,
        unit="turn",
        versions=replace(VERSIONS, model="m1"),
        model=model,
        expertise=Expertise.CROWD,
    )
    assert found.model is not None
    assert [one.coder for one in found.model.against] == ["asha", "ben", "carys", "majority"]
    assert found.model.against[1].percent.value == 1.0
    assert found.ceiling[0].with_model.value > found.ceiling[0].between_coders.value
    assert found.substitution is not None
    assert found.substitution.expertise == "crowd"
    assert found.substitution.overall.epsilon == 0.1
    assert found.substitution.overall.passed is True
    assert [one.group for one in found.substitution.groups] == ["Work", "Trust"]
    assert found.substitution.groups[0].test.codes == ("Work > Pay", "Work > Hours")
    assert "version m1" in found.methods
    assert found.anchoring is None


def test_whom_the_ceiling_leaves_out_is_told() -> None:
    study = study_of(sometimes())
    few = {item.name for item in study.transcripts[:3]}
    less = replace(
        study,
        readings=tuple(r for r in study.readings if r.coder != "carys" or r.transcript in few),
    )
    found = report_of(less, unit="turn", versions=VERSIONS, model=work_of(study, "ben"))
    assert found.ceiling[0].left_out == (("carys",),)
    assert "The ceiling leaves out carys: fewer than 10 transcripts" in told(found)
    whole = report_of(study, unit="turn", versions=VERSIONS, model=work_of(study, "ben"))
    assert "ceiling leaves out" not in told(whole)


@pytest.mark.parametrize("unit", ["turn", "transcript", "character"])
def test_a_model_is_laid_out_in_the_units_of_the_people(unit: str) -> None:
    study = study_of(sometimes(share=0.04, error=0.02))
    found = report_of(study, unit=unit, versions=VERSIONS, model=work_of(study, "asha"))
    assert found.model is not None
    assert found.model.against[0].percent.value == 1.0
    pair = found.pairs[0]
    assert found.model.against[1].kappa.value == pytest.approx(pair.kappa.value)


def test_a_model_counts_only_where_it_coded() -> None:
    study = study_of(sometimes())
    half = replace(work_of(study, "ben"), transcripts=frozenset(f"T{at:02}" for at in range(7)))
    found = report_of(study, unit="turn", versions=VERSIONS, model=half)
    assert found.model is not None
    assert found.model.transcripts == 7
    none = replace(half, transcripts=frozenset())
    found = report_of(study, unit="turn", versions=VERSIONS, model=none)
    assert "cannot be compared with the coders" in told(found)


def test_blind_and_shown_transcripts_are_compared_where_there_are_both() -> None:
    study = study_of(sometimes(), transcripts=24, assisted=range(0, 24, 2))
    suggested = work_of(study, "ben")
    found = report_of(study, unit="turn", versions=VERSIONS, suggested=suggested)
    assert found.anchoring is not None
    assert (found.anchoring.blind, found.anchoring.shown) == (12, 12)
    assert found.extent.transcripts == 12
    assert "12 transcripts were coded with suggestions in sight" in told(found)
    # The report hands on what the parts say, seed and all.
    table = study.table()
    assert found.measures == measures_of(table)
    blind = report_of(study_of(sometimes()), unit="turn", versions=VERSIONS, suggested=suggested)
    assert blind.anchoring is None


def test_one_coder_gives_a_report_that_says_so() -> None:
    found = report_of(study_of(sometimes(), coders=["asha"]), unit="turn", versions=VERSIONS)
    assert "Only asha coded this study" in told(found)
    assert not found.pooled.alpha.defined
    assert found.codes[0].prevalence.defined
    assert found.pairs == ()
    assert found.confusion == ()


def test_disjoint_coders_give_a_report_that_says_so() -> None:
    study = study_of(
        sometimes(), coders=["asha", "ben"], reads=lambda coder, at: (coder == "asha") == (at < 7)
    )
    for unit in ("turn", "transcript", "character"):
        found = report_of(study, unit=unit, versions=VERSIONS, model=work_of(study, "asha"))
        assert f"No {unit} was read by two coders" in told(found)
        assert not found.pooled.alpha.defined
        assert found.characters == ()
    partly = study_of(sometimes(), reads=lambda coder, at: (coder != "ben") or at < 7)
    assert "Without" not in told(report_of(partly, unit="turn", versions=VERSIONS))
    apart = study_of(
        sometimes(), reads=lambda coder, at: {"asha": at < 7, "ben": at >= 7}.get(coder, True)
    )
    assert "Without a turn in common, so not compared: asha and ben." in told(
        report_of(apart, unit="turn", versions=VERSIONS)
    )


def test_a_code_that_nobody_used_is_named_and_has_no_figures() -> None:
    applied = sometimes()
    study = study_of(lambda *place: place[3] != "Trust" and applied(*place))
    found = report_of(study, unit="turn", versions=VERSIONS)
    assert "Nobody applied these codes, so they have no figures: Trust." in told(found)
    assert [one.code for one in found.codes] == ["Work > Pay", "Work > Hours"]
    nothing = report_of(study_of(lambda *_: False), unit="turn", versions=VERSIONS)
    assert nothing.codes == ()
    assert not nothing.pooled.alpha.defined
    assert "Work > Pay, Work > Hours, Trust" in told(nothing)


def test_a_coder_who_coded_everything_is_named() -> None:
    applied = sometimes()
    study = study_of(lambda *place: place[0] == "ben" or applied(*place))
    found = report_of(study, unit="turn", versions=VERSIONS)
    assert "ben applied these codes to everything that they read" in told(found)
    assert "asha applied" not in told(found)
    everybody = report_of(study_of(lambda *_: True), unit="turn", versions=VERSIONS)
    assert all(not one.alpha.defined for one in everybody.codes)
    assert all(one.percent.value == 1.0 for one in everybody.codes)
    assert everybody.codes[0].alpha.reason == (
        "all readings say the same, so agreement cannot be told from chance"
    )


def test_a_study_in_which_everything_was_suggested_has_nothing_blind_to_go_by() -> None:
    study = study_of(sometimes(), assisted=range(14))
    found = report_of(study, unit="turn", versions=VERSIONS, suggested=work_of(study, "ben"))
    assert found.coders == ()
    assert "Code a blind sample" in told(found)
    assert not found.pooled.alpha.defined


def test_the_adjudicated_coding_is_no_coder() -> None:
    study = study_of(sometimes(), coders=["asha", ADJUDICATED, "ben"])
    found = report_of(study, unit="turn", versions=VERSIONS)
    assert found.coders == ("asha", "ben")
    assert "adjudicated coding is the coders' common work" in told(found)


def test_an_adjudicated_coding_alone_is_told_as_what_it_is() -> None:
    found = report_of(study_of(sometimes(), coders=[ADJUDICATED]), unit="turn", versions=VERSIONS)
    assert "under their own name" in found.notes[0]
    assert not any("suggestions in sight" in note for note in found.notes)


def test_few_transcripts_are_told_and_have_no_intervals() -> None:
    found = report_of(study_of(sometimes(), transcripts=6), unit="turn", versions=VERSIONS)
    assert "read 6 transcripts in common" in told(found)
    assert found.pooled.alpha.low is None


def test_many_pairs_are_compared_without_their_single_sources() -> None:
    few = report_of(study_of(sometimes()), unit="character", versions=VERSIONS)
    assert len(few.characters) == 3
    assert all(one.sources for one in few.characters)
    assert all(
        source.both + source.first_only + source.second_only
        for one in few.characters
        for source in one.sources
    )
    many = report_of(
        study_of(sometimes(), coders="abcdef", transcripts=3), unit="character", versions=VERSIONS
    )
    assert len(many.characters) == 15
    assert all(not one.sources for one in many.characters)
    assert "15 pairs of coders" in told(many)


def test_the_methods_name_units_measures_intervals_seed_and_versions() -> None:
    found = report_of(study_of(sometimes()), unit="segment", versions=VERSIONS, seed=7)
    for words in (
        "168 units",
        "14 transcripts",
        "3 coders",
        "whole turns",
        "Krippendorff's alpha",
        "delete-one-transcript",
        "seed 7",
        "Second Coder 1.0",
        "codebook c0de",
        "data da7a",
    ):
        assert words in found.methods, words
    assert found.seed == 7


def test_gamma_is_computed_where_it_is_asked_for() -> None:
    study = study_of(sometimes())
    assert report_of(study, unit="turn", versions=VERSIONS).gamma is None
    found = report_of(study, unit="turn", level=1, versions=VERSIONS, gamma=True, seed=5)
    assert found.gamma is not None
    assert found.gamma.seed == 5
    assert len(found.gamma.transcripts) == 14
    assert 0 < found.gamma.gamma.value < 1
    assert f"{found.gamma.samples} random rearrangements" in found.methods


def test_parts_on_the_model_are_those_of_their_own_modules() -> None:
    study = study_of(sometimes(), transcripts=24, assisted=range(0, 24, 2))
    work = work_of(study, "ben")
    found = report_of(study, unit="turn", versions=VERSIONS, model=work, suggested=work, seed=3)
    table = study.table()
    ben = table.coders.index("ben")

    coding = ModelCoding(
        version="m1", read=np.ones(len(table.units), dtype=np.bool_), applied=table.applied[ben]
    )
    assert found.ceiling == ceiling_of(table, coding)
    assert found.anchoring == anchoring_of(table, coding, seed=3)
