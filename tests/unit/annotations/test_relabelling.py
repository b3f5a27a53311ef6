"""Labels that follow a codebook, and what edited labels may have meant."""

import pytest

from annotations.codebook import Code, Codebook
from annotations.codebook_versions.operations import Add, Move, Redefine, Rename, Retire
from annotations.errors import InputError, StateError
from annotations.formats.codebook_yaml import operations_from, read_operations, write_operations
from annotations.formats.label_config import LabelConfig, label_config_for
from annotations.formats.relabelling import edits_between, relabelled_config, relabelled_result

BOOK = Codebook.of(
    [Code(path="Trust", definition="in people"), Code(path="Fear"), Code(path="Hope > Of cure")],
    declared=True,
)


def labels(xml: str) -> list[str]:
    (control,) = LabelConfig.parse(xml, BOOK.paths).controls
    return list(control.labels)


def test_a_config_gets_the_labels_and_keeps_what_a_person_gave_it() -> None:
    written = label_config_for(BOOK).replace('value="Fear"', 'value="Fear" hotkey="f"')
    written = written.replace('minlength="0"', 'minlength="2"')
    now = Codebook.of([Code(path="Fear"), Code(path="Awe")], declared=True)
    made = relabelled_config(written, now, {"Trust": "is retired"}, (*BOOK.paths, "Awe"))
    assert labels(made) == ["Fear", "Awe", "Trust"]
    assert 'hotkey="f"' in made
    assert 'minlength="2"' in made
    assert 'hint="is retired"' in made
    again = relabelled_config(made, now, {"Trust": "is retired"}, (*BOOK.paths, "Awe"))
    assert again == made
    with pytest.raises(StateError, match="no codes"):
        relabelled_config(written, Codebook(), {}, BOOK.paths)


def test_a_config_with_the_right_labels_is_left_as_it_is() -> None:
    written = label_config_for(BOOK)
    assert relabelled_config(written, BOOK, {}, BOOK.paths) == written


def test_edited_labels_are_told_as_edits() -> None:
    written = label_config_for(BOOK)
    assert edits_between(written, written, BOOK) == ()
    renamed = written.replace('value="Hope &gt; Of cure"', 'value="Hope &gt; Of rest"')
    assert edits_between(written, renamed, BOOK) == (Rename(code="Hope > Of cure", to="Of rest"),)
    other = written.replace('hint="in people"', 'hint="in staff"')
    assert edits_between(written, other, BOOK) == (
        Redefine(code="Trust", changes={"definition": "in staff"}),
    )
    line = next(line for line in written.splitlines() if 'value="Fear"' in line)
    assert edits_between(written, written.replace(line, ""), BOOK) == (Retire(code="Fear"),)
    added = written.replace(line, line + '<Label value="Awe" hint="wonder"/>')
    assert edits_between(written, added, BOOK) == (Add(code=Code(path="Awe", definition="wonder")),)


def test_a_label_renamed_or_moved_with_another_hint_is_redefined_as_well() -> None:
    written = label_config_for(BOOK)
    both = written.replace('value="Trust" ', 'value="Faith" ').replace("in people", "in staff")
    redefine = Redefine(code="Trust", changes={"definition": "in staff"})
    assert edits_between(written, both, BOOK) == (redefine, Rename(code="Trust", to="Faith"))
    anew = written.replace('value="Trust" ', 'value="Faith" ').replace(' hint="in people"', "")
    assert edits_between(written, anew, BOOK) == (Rename(code="Trust", to="Faith"),)
    moved = written.replace('value="Trust" ', 'value="Fear &gt; Trust" ')
    assert edits_between(written, moved.replace("in people", "in staff"), BOOK) == (
        redefine,
        Move(code="Trust", under="Fear"),
    )


TREE = Codebook.of(
    [Code(path=path) for path in ("A > One", "A > Two", "A > Three", "B > Four", "C")],
    declared=True,
)


def edited(*changes: tuple[str, str]) -> str:
    xml = label_config_for(TREE)
    for old, new in changes:
        was = f'value="{old.replace(">", "&gt;")}"'
        assert was in xml
        xml = xml.replace(was, f'value="{new.replace(">", "&gt;")}"')
    return xml


@pytest.mark.parametrize(
    ("changes", "edits"),
    [
        ([("A > Two", "B > Two")], (Move(code="A > Two", under="B"),)),
        ([("A > Two", "Two")], (Move(code="A > Two", under=None),)),
        (
            [("A > One", "A > Uno"), ("A > Two", "A > Due")],
            (Rename(code="A > One", to="Uno"), Rename(code="A > Two", to="Due")),
        ),
        ([("B", "D"), ("B > Four", "D > Four")], (Rename(code="B", to="D"),)),
        (
            [
                ("A", "E"),
                ("A > One", "E > One"),
                ("A > Two", "E > Two"),
                ("A > Three", "E > Three"),
            ],
            (Rename(code="A", to="E"),),
        ),
    ],
)
def test_labels_elsewhere_are_moves_and_parents_renamed(changes: list, edits: tuple) -> None:
    assert edits_between(label_config_for(TREE), edited(*changes), TREE) == edits


def test_regions_keep_everything_but_their_label() -> None:
    result = [
        {
            "id": "a",
            "type": "paragraphlabels",
            "meta": {"text": ["m"]},
            "value": {"start": "0", "paragraphlabels": ["Fear", "Trust"]},
        },
        {"id": "b", "type": "textarea", "value": {"text": ["Fear"]}},
        {"id": "c", "type": "taxonomy", "value": {"taxonomy": [["Hope", "Of cure"]]}},
    ]
    now = {"Fear": ["Awe"], "Trust": ["Awe"], "Hope > Of cure": ["Hope > Rest"]}
    made = relabelled_result(result, lambda _item, path: now.get(path, [path]))
    assert made is not None
    assert made[0] == {**result[0], "value": {"start": "0", "paragraphlabels": ["Awe"]}}
    assert made[1] == result[1]
    assert made[2]["value"] == {"taxonomy": [["Hope", "Rest"]]}
    assert relabelled_result(result, lambda _item, path: [path]) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no list"),
        ("operations: []", "there is no list"),
        ("operation:\n  - retire: A", "found operation"),
        ("- retire A", "an operation is written like"),
        ("- delete: A", "one of add, rename"),
        ("- retire: A\n  to: B", "retire has no to"),
        ("- rename: A", "the name of a code"),
        ("- move: A", "move takes"),
        ("- merge: A\n  into: B", "takes a list"),
        ("- split: A\n  into: B", "split takes"),
        ("- split: A\n  into: [{code: B, colour of: red}, C]", "a code has no colour of"),
        ("- redefine: A", "at least one of"),
        ("- add: A\n  definition: [x]", "definition is a text"),
        ("- add: A\n  examples: {x: y}", "examples is a list"),
        ("- add: A\n  at: yesterday", "is a time like"),
        ("- add: A\n  author: [x]", "are texts"),
        ("- retire: [", "not valid YAML"),
        ("- !!python/object:os.system x", "not valid YAML"),
    ],
)
def test_a_list_that_cannot_be_read_says_where_and_why(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        read_operations(text, "edits.yaml")
    assert "edits.yaml" in str(refused.value)


def test_every_wrong_operation_is_told_at_once_and_a_list_is_read_back() -> None:
    with pytest.raises(InputError) as refused:
        operations_from([{"retire": 3}, {"retire": "A"}, {"move": "A"}], "f")
    assert [one.file for one in refused.value.problems] == ["f, operation 1", "f, operation 3"]
    operations = (Add(code=Code(path="Ä > 😀", examples=("a", "b"))), Retire(code="Ä > 😀"))
    written = write_operations(operations, "of\nward")
    assert written.startswith("# of ward\n")
    assert read_operations(written, "f").operations == operations
