"""The algebra of a codebook's versions: edits, differences, old codings under other versions."""

from collections import Counter
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotations.codebook import Code
from annotations.codebook_versions.applying import apply, revised
from annotations.codebook_versions.differences import diff
from annotations.codebook_versions.history import (
    CodebookHistory,
    CodebookVersion,
    State,
    VersionedCode,
)
from annotations.codebook_versions.operations import (
    Add,
    Edit,
    Merge,
    Move,
    Redefine,
    Rename,
    Restore,
    Retire,
    Split,
    check_new,
    code_from,
    plain,
    read_operation,
)
from annotations.codebook_versions.reading import Choice, CodebookMap, Fate, mapping
from annotations.codebook_versions.tracing import what_became
from annotations.errors import InputError, NotFound
from annotations.formats.codebook_yaml import operations_from

PATHS = ("Access", "Access > Cost", "Access > Distance", "Trust", "Fear")


def first() -> CodebookVersion:
    return CodebookVersion(
        number=1,
        codes=tuple(
            VersionedCode(id=number, code=Code(path=path, definition=f"about {path}"))
            for number, path in enumerate(PATHS, start=1)
        ),
    )


def after(*lists: Iterable[Edit]) -> CodebookHistory:
    versions = [first()]
    for operations in lists:
        versions.append(revised(versions[-1], operations))
    return CodebookHistory(versions=tuple(versions))


def codes(*paths: str) -> tuple[Code, ...]:
    return tuple(Code(path=path) for path in paths)


def test_a_code_keeps_its_number_through_a_rename_and_a_move_with_those_below_it() -> None:
    history = after(
        [Rename(code="Access", to="Barriers"), Move(code="Barriers", under="Trust")],
    )
    current = history.current
    assert [one.path for one in current.live] == [
        "Trust",
        "Trust > Barriers",
        "Trust > Barriers > Cost",
        "Trust > Barriers > Distance",
        "Fear",
    ]
    assert {one.id: one.code.name for one in current.live} == {
        1: "Barriers",
        2: "Cost",
        3: "Distance",
        4: "Trust",
        5: "Fear",
    }
    assert all(fate == Fate(codes=(one,)) for one, fate in mapping(history, 1, 2).items())


def test_a_merge_is_exact_and_a_merged_code_is_read_back_as_itself() -> None:
    history = after([Merge(codes=("Fear", "Trust"), into=Code(path="Feeling"))])
    assert mapping(history, 1, 2)[4] == mapping(history, 1, 2)[5] == Fate(codes=(6,))
    assert CodebookMap(history, 1).read(5, 1) == Fate(codes=(5,))
    # What was coded with the new code cannot be told apart under the old version.
    assert CodebookMap(history, 1).read(6, 2) == Fate(later=(6,))


def test_a_split_asks_for_a_choice_and_a_part_is_read_back_as_the_whole() -> None:
    history = after(
        [Split(code="Fear", into=codes("Dread", "Trust"))],
        [Rename(code="Dread", to="Terror")],
    )
    assert mapping(history, 1, 3)[5] == Fate(options=(6, 4))
    assert CodebookMap(history, 1).read(6, 3) == Fate(codes=(5,))
    read = CodebookMap(history, 3)
    assert read.read(5, 1, [Choice(version=2, codes=(6,))]) == Fate(codes=(6,))
    assert read.read(5, 1, [Choice(version=2, codes=())]) == Fate()
    # A choice is younger than the first version, which goes on to say what it said.
    assert CodebookMap(history, 1).read(5, 1, [Choice(version=2, codes=(6,))]) == Fate(codes=(5,))


def test_parts_that_are_merged_again_need_no_choice() -> None:
    history = after(
        [Split(code="Fear", into=codes("Dread", "Worry"))],
        [Merge(codes=("Dread", "Worry"), into=Code(path="Unease"))],
    )
    assert mapping(history, 1, 3)[5] == Fate(codes=(8,))


def test_a_split_code_stays_where_codes_are_below_it_and_new_codings_of_it_hold() -> None:
    history = after([Split(code="Access", into=codes("Access > Time", "Access > Cost"))])
    assert history.current.by_id[1].state is State.LIVE
    assert mapping(history, 1, 2)[1] == Fate(options=(6, 2))
    assert CodebookMap(history, 2).read(1, 2) == Fate(codes=(1,))


def test_a_retired_code_is_kept_apart_and_comes_back_when_restored() -> None:
    history = after([Retire(code="Fear")], [Restore(code="Fear")])
    assert mapping(history, 1, 2)[5] == Fate(retired=(5,))
    assert mapping(history, 1, 3)[5] == Fate(codes=(5,))


def test_words_on_an_old_page_mean_the_code_that_they_meant() -> None:
    history = after([Rename(code="Fear", to="Dread")], [Add(code=Code(path="Fear"))])
    found = history.bearer("Dread")
    assert found is not None
    assert (found.code, found.version) == (5, 3)
    new = history.bearer("Fear")
    assert new is not None
    assert (new.code, new.version) == (6, 3)
    assert history.bearer("Nowhere") is None


@pytest.mark.parametrize(
    ("operations", "message"),
    [
        ([Add(code=Code(path="Fear"))], "there already"),
        ([Retire(code="Fear"), Add(code=Code(path="Fear"))], "restore it"),
        ([Rename(code="Fear", to="Trust")], "there already"),
        ([Rename(code="Fear", to="A > B")], "is a path"),
        ([Retire(code="Access")], "codes below it"),
        ([Merge(codes=("Access", "Fear"), into=Code(path="Fear"))], "codes below it"),
        ([Merge(codes=("Fear",), into=Code(path="New"))], "rename it"),
        ([Merge(codes=("Fear", "Fear"), into=Code(path="Fear"))], "itself"),
        ([Split(code="Fear", into=codes("Fear", "Worry"))], "itself is not one"),
        ([Split(code="Fear", into=codes("Worry"))], "two codes or more"),
        ([Move(code="Access", under="Access > Cost")], "below itself"),
        ([Move(code="Fear", under="Nowhere")], "no code 'Nowhere'"),
        ([Restore(code="Fear")], "no retired code"),
        ([Retire(code="Fear"), Retire(code="Fear")], "is retired"),
        ([Rename(code="Fear", to="Dread"), Rename(code="Trust", to="Fear")], "another code"),
        ([Rename(code="Access", to="Access")], "already"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_place(
    operations: list[Edit], message: str
) -> None:
    with pytest.raises(InputError, match=message) as refused:
        apply(first(), [Redefine(code="Fear", changes={"definition": "x"}), *operations])
    assert f"operation {len(operations) + 1}" in str(refused.value)


def test_differences_say_what_became_of_each_code() -> None:
    history = after(
        [
            Rename(code="Trust", to="Confidence"),
            Merge(codes=("Fear", "Access > Cost"), into=Code(path="Access > Cost")),
            Split(code="Access > Distance", into=codes("Access > Miles", "Access > Hours")),
            Redefine(code="Access", changes={"definition": "new"}),
        ],
        [Retire(code="Confidence")],
    )
    found = Counter((one.kind, one.before, one.after, one.into) for one in diff(history, 1, 3))
    assert found == Counter(
        [
            ("redefined", "Access", "Access", ()),
            ("added", None, "Access > Miles", ()),
            ("added", None, "Access > Hours", ()),
            ("renamed", "Trust", "Confidence", ()),
            ("retired", "Trust", "Confidence", ()),
            ("merged", "Fear", None, ("Access > Cost",)),
            ("split", "Access > Distance", None, ("Access > Miles", "Access > Hours")),
        ]
    )
    assert diff(history, 2, 2) == ()
    back = {(one.kind, one.before, one.after) for one in diff(history, 3, 2)}
    assert back == {("restored", "Confidence", "Confidence")}
    with pytest.raises(NotFound, match="1 to 3"):
        history.version(4)


@pytest.mark.parametrize(
    "operation",
    [
        Add(code=Code(path="A > B", definition="d", examples=("e", "f"))),
        Rename(code="A", to="B"),
        Redefine(code="A", changes={"include": "this", "examples": ("e",)}),
        Move(code="A", under=None),
        Move(code="A", under="B"),
        Merge(codes=("A", "B"), into=Code(path="C", definition="both")),
        Split(code="A", into=(Code(path="B"), Code(path="C", definition="c"))),
        Retire(code="A"),
        Restore(code="A"),
    ],
)
def test_an_operation_is_read_back_as_it_was_written(operation: Edit) -> None:
    assert read_operation(plain(operation), "here") == operation


_WORDS = st.sampled_from(["Ash", "Birch", "Cedar", "Elm", "Fir", "Hazel", "Larch", "Oak", "Yew"])


@st.composite
def _an_edit(draw: st.DrawFn) -> Callable[[CodebookVersion], Edit | None]:
    """A choice of an edit, made once the codebook that it edits is there."""
    kind = draw(
        st.sampled_from(
            ["add", "rename", "redefine", "move", "merge", "split", "retire", "restore"]
        )
    )
    one, two, word, other = (
        draw(st.integers(0, 50)),
        draw(st.integers(0, 50)),
        draw(_WORDS),
        draw(_WORDS),
    )
    suffix = draw(st.integers(0, 400))

    def edit(version: CodebookVersion) -> Edit | None:
        live = [each.path for each in version.live]
        retired = [each.path for each in version.codes if each.state is State.RETIRED]
        if kind == "restore":
            return Restore(code=retired[one % len(retired)]) if retired else None
        if kind == "add" or not live:
            return Add(code=Code(path=f"{word} {suffix}"))
        code, second = live[one % len(live)], live[two % len(live)]
        options: dict[str, Edit] = {
            "rename": Rename(code=code, to=f"{word} {suffix}"),
            "redefine": Redefine(code=code, changes={"definition": word}),
            "move": Move(code=code, under=None if one % 3 == 0 else second),
            "merge": Merge(codes=(code, second), into=Code(path=second)),
            "split": Split(code=code, into=codes(f"{word} {suffix}", f"{other} {suffix}x")),
            "retire": Retire(code=code),
        }
        return options[kind]

    return edit


@settings(max_examples=25, deadline=None)
@given(st.lists(_an_edit(), min_size=100, max_size=100))
def test_a_hundred_random_edits_keep_the_codings_that_they_imply(
    edits: list[Callable[[CodebookVersion], Edit | None]],
) -> None:
    versions = [first()]
    # One coding of each code, at a place of its own, followed by hand through each edit.
    account: dict[int, set[int]] = {one.id: {one.id} for one in first().live}
    accounts = [{one: set(codes) for one, codes in account.items()}]
    for choose in edits:
        version = versions[-1]
        edit = choose(version)
        if edit is None:
            continue
        try:
            newer = revised(version, [edit])
        except InputError:
            continue
        named = {one.path: one.id for one in version.codes if one.state is not State.GONE}
        now_named = {one.path: one.id for one in newer.codes if one.state is not State.GONE}
        if isinstance(edit, Merge):
            for source in set(edit.codes) - {edit.into.path}:
                for codes_of in account.values():
                    if named[source] in codes_of:
                        codes_of.remove(named[source])
                        codes_of.add(now_named[edit.into.path])
        if isinstance(edit, Split):
            for codes_of in account.values():
                if named[edit.code] in codes_of:
                    codes_of.remove(named[edit.code])
                    codes_of.update(now_named[part.path] for part in edit.into)
        versions.append(newer)
        accounts.append({one: set(codes) for one, codes in account.items()})
    history = CodebookHistory(versions=tuple(versions))
    for version, expected in zip(history.versions, accounts, strict=True):
        read = CodebookMap(history, version.number)
        paths = [one.path for one in version.codes if one.state is not State.GONE]
        assert len(paths) == len(set(paths))
        for coding, codes_of in expected.items():
            fate = read.read(coding, 1)
            live = {one for one in codes_of if version.by_id[one].state is State.LIVE}
            if not live:
                assert fate == Fate(retired=fate.retired)
                assert set(fate.retired) == codes_of
            elif len(codes_of) == 1:
                assert fate == Fate(codes=tuple(live))
            else:
                assert fate == Fate(options=fate.options)
                assert set(fate.options) == live
    # Undo is reading an older version: it gives what that version gave.
    assert mapping(history, 1, 1) == {one.id: Fate(codes=(one.id,)) for one in first().live}
    for version in history.versions[1:]:
        for one in version.live:
            assert CodebookMap(history, version.number).read(one.id, version.number) == Fate(
                codes=(one.id,)
            )


def test_a_new_edit_gives_a_color_or_is_refused() -> None:
    edit = {"redefine": "A", "color": "#00ffAA"}
    check_new(read_operation(edit, "here"), "here")
    for color in ("blue", "red;background:url(x)", "#GGGGGG"):
        with pytest.raises(InputError, match="here: color is written as #RRGGBB"):
            check_new(read_operation({**edit, "color": color}, "here"), "here")


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        ({"add": "A\ud800"}, "lone surrogate"),
        ({"rename": "A", "to": "B" * 2001}, "more than 2,000"),
        ({"redefine": "A", "examples": ["x", "\0"]}, "NUL"),
        ({"redefine": "A\0", "definition": "x"}, "NUL"),
        ({"move": "A", "under": " > ".join("B" * 201)}, "more than 200 levels"),
        ({"merge": ["A", "B\0"], "into": "C"}, "NUL"),
        ({"merge": ["A", "B"], "into": {"code": "C", "color": "blue"}}, "#RRGGBB"),
        ({"split": "A", "into": ["B", {"code": "C", "definition": "\0"}]}, "NUL"),
        ({"split": "A" * 2001, "into": ["B", "C"]}, "more than 2,000"),
        ({"retire": "A\0"}, "NUL"),
        ({"restore": "A", "reason": "\ud800"}, "lone surrogate"),
        ({"restore": "A", "author": "\0"}, "NUL"),
    ],
)
def test_what_is_refused_of_a_new_edit_is_read_of_a_stored_one(
    edit: dict[str, object], told: str
) -> None:
    stored = read_operation(edit, "here")
    assert plain(stored) == edit
    with pytest.raises(InputError, match=told):
        check_new(stored, "here")
    with pytest.raises(InputError, match=told):
        operations_from([edit], "edits.yaml")


def test_a_stored_color_that_is_none_is_left_out_of_the_code() -> None:
    assert code_from({"path": "A", "color": "blue"}) == Code(path="A")
    assert code_from({"path": "A", "color": "#00ffAA"}).color == "#00ffAA"
    assert code_from({"path": "A"}).color == ""


@pytest.mark.parametrize(
    ("lists", "code", "became"),
    [
        ([[Rename(code="Trust", to="Faith")]], "Trust", "Trust was renamed Faith in version 2"),
        (
            [[Rename(code="Access", to="Reach")]],
            "Access > Cost",
            "Access > Cost was moved to Reach > Cost in version 2",
        ),
        (
            [[Merge(codes=("Trust", "Fear"), into=Code(path="Trust"))]],
            "Fear",
            "Fear was merged into Trust in version 2",
        ),
        (
            [[Redefine(code="Fear", changes={"definition": "else"})], [Retire(code="Fear")]],
            "Fear",
            "Fear was retired in version 3",
        ),
        # By its name alone, and on to what came of what came of it.
        (
            [
                [Rename(code="Access > Cost", to="Price")],
                [Split(code="Access > Price", into=codes("Fees", "Fares"))],
                [Retire(code="Fares")],
            ],
            "Cost",
            "Access > Cost was renamed Access > Price in version 2; Access > Price was split into "
            "Fees and Fares in version 3; Fares was retired in version 4",
        ),
        ([[Retire(code="Fear")], [Restore(code="Fear")]], "Fear", None),
        ([[Retire(code="Fear")]], "Trust", None),
        ([[Retire(code="Fear")]], "Hope", None),
    ],
)
def test_what_became_of_a_code_is_told_in_words(
    lists: list[list[Edit]], code: str, became: str | None
) -> None:
    assert what_became(after(*lists), code) == became
