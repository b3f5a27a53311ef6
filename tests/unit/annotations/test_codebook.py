"""The codebook as a tree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.codebook import Code, Codebook, ancestors, as_level, known_path, normal_path

PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(" > ".join)


@given(st.lists(PATHS))
def test_every_code_stands_once_and_after_its_parent(paths: list[str]) -> None:
    codebook = Codebook.of([Code(path=path) for path in paths], declared=True)
    assert set(codebook.paths) == {*paths, *(above for path in paths for above in ancestors(path))}
    assert len(set(codebook.paths)) == len(codebook.paths)
    for number, code in enumerate(codebook.codes):
        assert code.parent is None or code.parent in codebook.paths[:number]


@given(st.lists(PATHS))
def test_a_branch_stands_together(paths: list[str]) -> None:
    codebook = Codebook.of([Code(path=path) for path in paths], declared=True)
    tops = [path.split(" > ")[0] for path in codebook.paths]
    assert tops == sorted(tops, key=tops.index)


def test_siblings_keep_the_order_in_which_they_were_given() -> None:
    codes = [Code(path=path) for path in ("Trust > Z", "Cost", "Trust > A")]
    assert Codebook.of(codes, declared=True).paths == ("Trust", "Trust > Z", "Trust > A", "Cost")


def test_a_parent_listed_after_its_child_keeps_its_definition() -> None:
    codes = [Code(path="Trust > Lost"), Code(path="Trust", definition="Faith")]
    assert Codebook.of(codes, declared=True).codes[0] == Code(path="Trust", definition="Faith")


def test_a_code_knows_its_place() -> None:
    code = Code(path="Trust > Lost > For good")
    assert (code.name, code.parent, code.level) == ("For good", "Trust > Lost", 3)
    assert (Code(path="Trust").name, Code(path="Trust").parent) == ("Trust", None)


def test_a_code_is_found_by_its_path() -> None:
    codebook = Codebook.of([Code(path="Trust > Lost")], declared=False)
    assert codebook.code("Trust > Lost") == Code(path="Trust > Lost")
    assert codebook.code("Lost") is None
    assert codebook.is_leaf("Trust > Lost")
    assert not codebook.is_leaf("Trust")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("Trust", "Trust"),
        (" Trust >Lost ", "Trust >Lost"),
        ("Before>after", "Before>after"),
        ("A & B <b>", "A & B <b>"),
        ("Trust  >\tLost   for good", "Trust > Lost for good"),
        ("> Trust > > Lost >", "Trust > Lost"),
        ("", ""),
        (" > ", ""),
    ],
)
def test_spaces_do_not_make_another_code(text: str, path: str) -> None:
    assert normal_path(text) == path


def test_a_known_path_may_be_written_without_spaces() -> None:
    known = ("Trust > Lost", "Before>after", "Before > after")
    assert known_path("Trust>Lost", known) == "Trust > Lost"
    assert known_path("Before>after", known) == "Before>after"
    assert known_path("New>path", known) == "New>path"


def test_a_name_as_one_level_holds_nothing_that_parts_levels() -> None:
    assert as_level(" Means > ways ") == "Means › ways"
    assert as_level("Before>after") == "Before>after"
    assert normal_path(as_level("> A > > B >")) == as_level("> A > > B >")
