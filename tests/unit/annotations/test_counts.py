"""Counts of references and of codes that meet."""

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.codebook import Code, Codebook
from annotations.codings import Coding, Reading
from annotations.counts import NOT_GIVEN, cooccurrence_of, matrix_of, references_of
from annotations.errors import NotFound, StateError
from annotations.study import Study
from annotations.transcripts import Segmentation, Transcript, Turn
from annotations.work import work_of

TEXT = "one two three four five"


def _transcript(name: str, **attributes: str) -> Transcript:
    turns = tuple(Turn(index=index, speaker="P", text=TEXT) for index in range(2))
    return Transcript(name=name, turns=turns, attributes=attributes)


def _coding(
    transcript: str, turn: int, code: str, coder: str, span: tuple[int, int] = (0, len(TEXT))
) -> Coding:
    return Coding(
        transcript=transcript, turn=turn, start=span[0], end=span[1], code=code, coder=coder
    )


def _study(
    transcripts: Sequence[Transcript],
    codings: Sequence[Coding],
    readings: Iterable[tuple[str, int, str]],
) -> Study:
    return Study(
        name="s",
        codebook=Codebook.of([Code(path=one.code) for one in codings], declared=False),
        transcripts=tuple(transcripts),
        codings=tuple(codings),
        readings=tuple(Reading(transcript=t, turn=n, coder=c) for t, n, c in readings),
    )


@pytest.fixture
def study() -> Study:
    codings = [
        _coding("A", 0, "T > x", "ana"),
        _coding("A", 0, "T > x", "ben"),
        _coding("A", 0, "T > y", "ben"),
        _coding("A", 1, "T", "ana"),
        _coding("B", 1, "T > y", "ana"),
        _coding("B", 1, "T > x", "ana"),
        _coding("A", 1, "T > y", "model:1"),
    ]
    return _study(
        [_transcript("A", trust="Acute"), _transcript("B"), _transcript("C", trust="Care")],
        codings,
        [
            *(("A", turn, coder) for turn in (0, 1) for coder in ("ana", "ben")),
            ("B", 1, "ana"),
            *(("A", turn, "model:1") for turn in (0, 1)),
        ],
    )


def _table(study: Study, coded_by: str = "people", by: Sequence[str] = ("trust",)) -> dict:
    found = matrix_of(
        work_of(study, coded_by),
        codebook=study.codebook,
        transcripts=study.transcripts,
        by=by,
    )
    return {
        (row.code, column.name): (cell.references, cell.transcripts)
        for row in found.rows
        for column, cell in zip(found.columns, row.cells, strict=True)
    }


def test_a_passage_that_two_coders_coded_counts_once_and_a_parent_counts_its_codes(
    study: Study,
) -> None:
    assert _table(study) == {
        ("T", "Acute"): (3, 1),
        ("T", NOT_GIVEN): (2, 1),
        ("T", "all"): (5, 2),
        ("T > x", "Acute"): (1, 1),
        ("T > x", NOT_GIVEN): (1, 1),
        ("T > x", "all"): (2, 2),
        ("T > y", "Acute"): (1, 1),
        ("T > y", NOT_GIVEN): (1, 1),
        ("T > y", "all"): (2, 2),
    }


def test_words_are_those_of_the_turns_read(study: Study) -> None:
    found = matrix_of(
        work_of(study, "people"),
        codebook=study.codebook,
        transcripts=study.transcripts,
        by=("trust",),
    )
    words = {column.name: (column.transcripts, column.words) for column in found.columns}
    assert words == {"Acute": (1, 10), NOT_GIVEN: (1, 5), "all": (2, 15)}
    assert found.rows[0].cells[0].per_1000 == pytest.approx(300)
    assert found.rows[0].own == 1
    assert "more than one coder" in found.notes[0]


def test_one_coder_the_majority_and_a_model_of_a_file_can_be_counted(study: Study) -> None:
    assert _table(study, "ben")["T", "all"] == (2, 1)
    assert _table(study, "model:1")["T > y", "all"] == (1, 1)
    majority = _table(study, "majority")
    assert majority["T > x", "Acute"] == (1, 1)
    assert majority["T > y", "Acute"] == (0, 0)


def test_what_the_team_agreed_on_counts_in_place_of_what_each_coded(study: Study) -> None:
    agreed = Study(
        name="s",
        codebook=study.codebook,
        transcripts=study.transcripts,
        codings=(*study.codings, _coding("A", 0, "T > y", "adjudicated")),
        readings=(*study.readings, Reading(transcript="A", turn=0, coder="adjudicated")),
    )
    assert _table(agreed)["T > x", "Acute"] == (0, 0)
    assert _table(agreed)["T > y", "Acute"] == (1, 1)


def test_combinations_are_those_that_occur_and_numbers_are_in_their_order() -> None:
    transcripts = [
        _transcript("A", trust="Acute", wave="10"),
        _transcript("B", trust="Care", wave="9"),
    ]
    codings = [_coding(name, 0, "x", "ana") for name in ("A", "B")]
    study = _study(transcripts, codings, [("A", 0, "ana"), ("B", 0, "ana")])
    found = matrix_of(
        work_of(study, "people"),
        codebook=study.codebook,
        transcripts=study.transcripts,
        by=("trust", "wave", "trust"),
    )
    assert [column.name for column in found.columns] == [
        *("Acute", "Care", "9", "10"),
        *("Acute × 10", "Care × 9", "all"),
    ]


def test_an_unknown_attribute_lists_those_there_are(study: Study) -> None:
    with pytest.raises(StateError, match="'wave'; there are trust"):
        _table(study, by=("trust", "wave"))


def test_an_unknown_coder_lists_those_there_are(study: Study) -> None:
    with pytest.raises(NotFound, match="ana, ben, model:1"):
        _table(study, "zoe")


def test_nothing_coded_by_a_model_or_anybody_says_so(study: Study) -> None:
    with pytest.raises(StateError, match="no model"):
        work_of(study, "model")
    with pytest.raises(StateError, match="Nobody has coded"):
        work_of(_study([_transcript("A")], [], []), "people")


def test_codes_meet_only_within_a_coder(study: Study) -> None:
    found = cooccurrence_of(
        work_of(study, "people"),
        codebook=study.codebook,
        transcripts=study.transcripts,
        segmentation=Segmentation(),
    )
    (pair,) = found.pairs
    assert pair.codes == ("T > x", "T > y")
    assert (pair.segments, pair.both, pair.either) == (2, 2, 3)
    assert pair.jaccard == pytest.approx(2 / 3)
    assert (found.segments, found.readings) == (3, 5)
    assert {use.code: use.segments for use in found.codes} == {"T": 1, "T > x": 2, "T > y": 2}


SPANS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(1, 6), st.sampled_from("xy"), st.sampled_from("ab")),
    max_size=12,
)


@given(SPANS)
def test_references_cover_the_codings_and_never_share_a_character(
    spans: list[tuple[int, int, str, str]],
) -> None:
    codings = [_coding("A", 0, code, who, (at, at + size)) for at, size, code, who in spans]
    found = references_of(codings)
    for code in "xy":
        covered = [at for one in found if one.code == code for at in range(one.start, one.end)]
        assert len(covered) == len(set(covered))
        assert set(covered) == {
            at for one in codings if one.code == code for at in range(one.start, one.end)
        }
    # Whoever coded, and in whatever order, the references are the same.
    assert set(references_of(reversed(codings))) == set(found)
