from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from annotations.codings import Coding, CodingTable, Reading
from annotations.reliability.agreement import ModelCoding, agreement_of
from annotations.reliability.coders import coder_figures_of, confusions_of
from annotations.reliability.measures import measures_of
from annotations.reliability.sets import set_agreement_of
from annotations.reliability.spans import compare_characters
from annotations.reliability.units import Level, Runs, Whole, depth_of, weighted_by_length
from annotations.transcripts import Segmentation, Transcript

Make = Callable[..., Transcript]
CODES = ("A > One", "A > Two", "B")


def coding(transcript: str, turn: int, start: int, end: int, code: str, coder: str) -> Coding:
    return Coding(transcript=transcript, turn=turn, start=start, end=end, code=code, coder=coder)


@pytest.fixture
def material(
    transcript: Make,
) -> tuple[list[Transcript], list[Coding], list[Reading]]:
    rng = np.random.default_rng(0)
    transcripts = [transcript(f"t{at}", "x" * 90, "y" * 60) for at in range(12)]
    codings, readings = [], []
    for item in transcripts:
        for turn in item.turns:
            for coder in "abc":
                if rng.random() < 0.15:
                    continue
                readings.append(Reading(transcript=item.name, turn=turn.index, coder=coder))
                for code in CODES:
                    if rng.random() < 0.6:
                        start = int(rng.integers(0, 30))
                        end = int(rng.integers(start + 1, 60))
                        codings.append(coding(item.name, turn.index, start, end, code, coder))
    return transcripts, codings, readings


def laid(
    material: tuple[list[Transcript], list[Coding], list[Reading]], segmentation: Segmentation
) -> CodingTable:
    transcripts, codings, readings = material
    return CodingTable.of(
        transcripts=transcripts,
        codings=codings,
        readings=readings,
        codes=CODES,
        coders=["a", "b", "c"],
        segmentation=segmentation,
    )


def test_pieces_weighted_by_length_give_the_figures_of_single_characters(
    material: tuple[list[Transcript], list[Coding], list[Reading]],
) -> None:
    runs = weighted_by_length(laid(material, Runs.of(material[1])))
    lengths = np.array([unit.end - unit.start for unit in runs.units])
    one_by_one = replace(
        runs,
        units=tuple(np.repeat(np.array(runs.units, dtype=object), lengths)),
        clusters=np.repeat(runs.clusters, lengths),
        read=np.repeat(runs.read, lengths, axis=1),
        assisted=np.repeat(runs.assisted, lengths, axis=1),
        applied=np.repeat(runs.applied, lengths, axis=1),
        weights=None,
    )
    model = runs.applied[0]
    pieces = agreement_of(runs, model=ModelCoding(version="v", read=runs.read[0], applied=model))
    characters = agreement_of(
        one_by_one,
        model=ModelCoding(
            version="v", read=one_by_one.read[0], applied=np.repeat(model, lengths, axis=0)
        ),
    )
    assert pieces.model is not None
    assert characters.model is not None
    for few, many in zip(
        (*pieces.pairs, *pieces.model.against),
        (*characters.pairs, *characters.model.against),
        strict=True,
    ):
        assert few.kappa.value == pytest.approx(many.kappa.value)
        assert few.kappa.low == pytest.approx(many.kappa.low)
        assert few.kappa.n == many.kappa.n
    for few, many in zip(pieces.codes, characters.codes, strict=True):
        assert few.alpha.value == pytest.approx(many.alpha.value)
        assert few.prevalence.value == pytest.approx(many.prevalence.value)
    for name in ("conger", "ac1", "positive", "bias"):
        few_, many_ = (getattr(measures_of(one).pooled, name) for one in (runs, one_by_one))
        assert few_.value == pytest.approx(many_.value)
    assert set_agreement_of(runs).masi.value == pytest.approx(
        set_agreement_of(one_by_one).masi.value
    )
    for few, many in zip(coder_figures_of(runs), coder_figures_of(one_by_one), strict=True):
        assert few.alpha.value == pytest.approx(many.alpha.value)
        assert few.use[0].difference.value == pytest.approx(many.use[0].difference.value)
    assert [(one.codes, one.times) for one in confusions_of(runs)] == [
        (one.codes, one.times) for one in confusions_of(one_by_one)
    ]


def test_characters_agree_with_the_coding_comparison(
    material: tuple[list[Transcript], list[Coding], list[Reading]],
) -> None:
    transcripts, codings, readings = material
    found = agreement_of(weighted_by_length(laid(material, Runs.of(codings)))).pairs[0]
    other = compare_characters(
        transcripts=transcripts,
        codings=codings,
        readings=readings,
        codes=CODES,
        first=["a"],
        second=["b"],
    )
    agreed = sum(one.both + one.neither for one in other.sources)
    size = sum(one.percent.n for one in other.sources)
    assert found.percent.n == size
    assert found.percent.value == pytest.approx(agreed / size)


def test_few_passages_allow_no_interval_however_long_they_are(transcript: Make) -> None:
    transcripts = [transcript(f"t{at}", "x" * 500) for at in range(12)]
    codings = [
        coding(f"t{at}", 0, 0, 200 + shift, "B", coder)
        for at in range(4)
        for coder, shift in (("a", 0), ("b", 20))
    ]
    readings = [
        Reading(transcript=one.name, turn=0, coder=who) for one in transcripts for who in "ab"
    ]
    table = CodingTable.of(
        transcripts=transcripts,
        codings=codings,
        readings=readings,
        codes=["B"],
        coders=["a", "b"],
        segmentation=Runs.of(codings),
    )
    found = agreement_of(weighted_by_length(table))
    for estimate in (found.codes[0].alpha, found.pooled.alpha, found.pairs[0].kappa):
        assert estimate.n == 6000
        assert estimate.low is None
        assert "insufficient: 4 codings" in str(estimate.reason)


def test_a_transcript_carries_a_code_that_any_part_of_it_carries(transcript: Make) -> None:
    transcripts = [transcript("one", "aaa", "bbb", "ccc"), transcript("two", "ddd")]
    readings = [
        *(Reading(transcript="one", turn=turn, coder="a") for turn in (0, 1)),
        *(Reading(transcript="one", turn=turn, coder="b") for turn in (0, 1)),
        Reading(transcript="one", turn=1, coder="c"),
        Reading(transcript="two", turn=0, coder="c", assisted=True),
    ]
    codings = [coding("one", 1, 0, 3, "B", "a"), coding("one", 1, 0, 3, "B", "c")]
    turns = CodingTable.of(
        transcripts=transcripts,
        codings=codings,
        readings=readings,
        codes=CODES,
        coders=["a", "b", "c"],
        segmentation=Segmentation(),
    )
    whole = Whole.of(turns)
    found = whole.table(turns)
    assert [unit.transcript for unit in found.units] == ["one", "two"]
    assert found.units[0].text == "aaa bbb"
    # Nobody read the third turn; c did not read the first, so not the transcript.
    assert found.read.tolist() == [[True, False], [True, False], [False, True]]
    assert found.applied[:, 0, 2].tolist() == [True, False, False]
    assert found.assisted.tolist() == [[False, False], [False, False], [False, True]]
    model = ModelCoding(
        version="v", read=np.array([True, True, True, False]), applied=turns.applied[0]
    )
    assert whole.model(model).read.tolist() == [True, False]
    assert whole.model(model).applied.tolist() == [[False, False, True], [False, False, False]]


def test_codes_move_up_to_their_ancestor_at_a_level(
    material: tuple[list[Transcript], list[Coding], list[Reading]],
) -> None:
    table = laid(material, Segmentation())
    level = Level.of(table.codes, 1)
    found = level.table(table)
    assert found.codes == ("A", "B")
    assert (found.applied[..., 0] == (table.applied[..., 0] | table.applied[..., 1])).all()
    assert (found.applied[..., 1] == table.applied[..., 2]).all()
    assert Level.of(table.codes, 2).codes == table.codes
    model = ModelCoding(version="v", read=table.read[0], applied=table.applied[0])
    assert (level.model(model).applied == found.applied[0]).all()
    assert (depth_of(table.codes), depth_of(["B"]), depth_of([])) == (2, 1, 0)
