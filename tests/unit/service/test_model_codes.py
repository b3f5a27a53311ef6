"""A model's suggestions under a codebook that has moved on."""

from annotations.codebook import Code
from annotations.codebook_versions.applying import revised
from annotations.codebook_versions.history import CodebookHistory, CodebookVersion, VersionedCode
from annotations.codebook_versions.operations import (
    Add,
    Edit,
    Merge,
    Redefine,
    Rename,
    Restore,
    Retire,
    Split,
)
from models.suggestions import SegmentCodes, SegmentScores, Suggestion, SuggestionBatch
from service.workflows.model_codes import model_codes

PATHS = ("Help", "Kin", "Fear", "Trust", "Cost")
EDITS: tuple[Edit, ...] = (
    Rename(code="Help", to="Support"),
    Merge(codes=("Kin",), into=Code(path="Support")),
    Split(code="Fear", into=(Code(path="Dread"), Code(path="Worry"))),
    Retire(code="Trust"),
    Redefine(code="Cost", changes={"definition": "money"}),
    Add(code=Code(path="Awe")),
)


def history() -> CodebookHistory:
    first = CodebookVersion(
        number=1,
        codes=tuple(
            VersionedCode(id=number, code=Code(path=path))
            for number, path in enumerate(PATHS, start=1)
        ),
    )
    return CodebookHistory(versions=(first, revised(first, EDITS)))


def suggestion(code: str, score: float) -> Suggestion:
    return Suggestion(
        transcript="one",
        turn=0,
        start=0,
        end=4,
        text="word",
        code=code,
        score=score,
        threshold=0.5,
        model_version="v",
    )


def test_suggestions_carry_the_codes_of_today_and_changed_ones_are_silent() -> None:
    codes = model_codes(history(), 1, 2)
    found = SuggestionBatch(
        model_version="v",
        suggestions=tuple(suggestion(path, 0.6 + 0.05 * at) for at, path in enumerate(PATHS)),
        scores=(
            SegmentScores(
                transcript="one",
                turn=0,
                start=0,
                end=4,
                scores={path: 0.6 + 0.05 * at for at, path in enumerate(PATHS)},
            ),
        ),
    )
    now = codes.batch(found)
    # Help and Kin are one code now: the higher score stays.
    assert [(one.code, round(one.score, 2)) for one in now.suggestions] == [
        ("Support", 0.65),
        ("Cost", 0.8),
    ]
    assert now.scores is not None
    assert {code: round(score, 2) for code, score in now.scores[0].scores.items()} == {
        "Support": 0.65,
        "Cost": 0.8,
    }
    decided = SegmentCodes(transcript="one", turn=0, start=0, end=4, codes=PATHS)
    assert codes.decided(decided).codes == ("Support", "Cost")


def test_the_codes_that_need_a_training_are_named_with_the_reason() -> None:
    stale = {one.code: one.reason for one in model_codes(history(), 1, 2).stale}
    assert set(stale) == {"Support", "Dread", "Worry", "Cost", "Awe"}
    assert "merged into it" in stale["Support"]
    assert "part of Fear" in stale["Dread"]
    assert model_codes(history(), 2, 2).stale == ()
    back = CodebookHistory(
        versions=(*history().versions, revised(history().current, (Restore(code="Trust"),)))
    )
    assert {one.code for one in model_codes(back, 2, 3).stale} == {"Trust"}
    assert "Trust" not in {one.code for one in model_codes(back, 1, 3).stale}


def test_a_newer_model_is_read_under_an_older_codebook() -> None:
    back = model_codes(history(), 2, 1)
    assert back.now == {
        "Support": "Help",
        "Cost": "Cost",
        "Dread": "Fear",
        "Worry": "Fear",
        "Awe": None,
    }
