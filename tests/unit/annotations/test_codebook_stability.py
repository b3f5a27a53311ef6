"""What versions of a codebook changed, counted over codings."""

import pytest

from annotations.codebook import Code
from annotations.codebook_versions.applying import revised
from annotations.codebook_versions.history import CodebookHistory, CodebookVersion, VersionedCode
from annotations.codebook_versions.operations import Add, Edit, Merge, Redefine, Rename, Retire
from annotations.codebook_versions.operations import Split as SplitCode
from annotations.codebook_versions.reading import Choice
from annotations.codebook_versions.stability import MadeCoding, stability

PATHS = ("Cost", "Distance", "Trust", "Fear")


def history(*lists: list[Edit]) -> CodebookHistory:
    versions = [
        CodebookVersion(
            number=1,
            codes=tuple(
                VersionedCode(id=number, code=Code(path=path))
                for number, path in enumerate(PATHS, start=1)
            ),
        )
    ]
    for operations in lists:
        versions.append(revised(versions[-1], operations))
    return CodebookHistory(versions=tuple(versions))


def made(*codes: int, version: int = 1) -> list[MadeCoding]:
    """Twelve transcripts, each with a coding of every code named; the first has one more."""
    codings = [
        MadeCoding(transcript=at, code=code, version=version) for at in range(12) for code in codes
    ]
    return [*codings, MadeCoding(transcript=0, code=codes[0], version=version)]


def test_a_rename_touches_a_code_and_its_codings_are_read_as_before() -> None:
    (change,) = stability(history([Rename(code="Cost", to="Price")]), made(1, 2))
    assert change.operations == {"rename": 1}
    assert (change.codes, change.touched, change.added, change.codings) == (4, 1, 0, 25)
    assert change.reread.value == 0
    assert change.of_touched.value == pytest.approx(13 / 25)
    assert change.of_touched.low is not None
    assert change.of_touched.low < 13 / 25 < (change.of_touched.high or 0)


def test_a_merge_a_split_and_a_retirement_change_what_codings_say() -> None:
    merge = Merge(codes=("Cost", "Distance"), into=Code(path="Access"))
    split = SplitCode(code="Trust", into=(Code(path="Trust in staff"), Code(path="Trust in care")))
    changes = stability(history([merge], [split, Retire(code="Fear")]), made(1, 3, 4))
    assert [one.version for one in changes] == [2, 3]
    assert changes[0].operations == {"merge": 1}
    assert (changes[0].touched, changes[0].reread.value) == (2, pytest.approx(13 / 37))
    assert changes[1].operations == {"split": 1, "retire": 1}
    assert (changes[1].touched, changes[1].reread.value) == (2, pytest.approx(24 / 37))


def test_a_choice_after_a_split_is_still_a_change() -> None:
    split = SplitCode(code="Trust", into=(Code(path="Trust in staff"), Code(path="Trust in care")))
    versions = history([split])
    part = versions.current.named("Trust in care")
    assert part is not None
    chosen = MadeCoding(
        transcript=0, code=3, version=1, choices=(Choice(version=2, codes=(part.id,)),)
    )
    (change,) = stability(versions, [chosen])
    assert change.reread.value == 1


def test_codings_made_later_do_not_count_and_no_codings_give_no_share() -> None:
    add = Add(code=Code(path="Pride"))
    redefine = Redefine(code="Fear", changes={"definition": "being afraid"})
    (early,) = stability(history([add, redefine]), made(4, version=2))
    assert early.codings == 0
    assert not early.reread.defined
    assert early.reread.reason == "nothing had been coded before this version"
    assert (early.touched, early.added) == (1, 1)
    assert stability(history(), made(1)) == ()
