"""Lists of edits that nobody writes by hand: refused at once, with the file's name."""

import pytest

from annotations.codebook_versions.operations import read_operation
from annotations.errors import InputError
from annotations.formats.codebook_yaml import read_operations

LONGEST = 400
"""Characters of a message about one edit."""

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        read_operations(text, "edits.yaml")
    message = str(caught.value)
    assert message.startswith("edits.yaml")
    assert len(message) < LONGEST
    return message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LAUGHS + "operations: [{retire: *i}]", "line 2: not valid YAML: *a is an alias"),
        ("- add: A\n  examples: &e [x]\n- add: B\n  examples: *e", "line 4"),
        ("&a [*a]", "*a is an alias"),
        ("[" * 20_000, "too deep"),
        ("- retire: " + "[" * 200 + "]" * 200, "the name of a code is expected, not [[[[[["),
        ("- retire: {" + ", ".join(f"k{n}: {n}" for n in range(9000)) + "}", "expected, not {'k0"),
        ("- {" + ", ".join(f"k{n}: {n}" for n in range(9000)) + "}", "found k0, k1"),
        (f"- retire: A\n  {'x' * 900}: 1", "retire has no xxx"),
        (f"- rename: A\n  to: 1{'0' * 9000}", "a number is too long"),
        (f"- rename: A\n  to: 1{':1' * 90_000}", "a number is too long"),
        (f"- rename: A\n  to: 0x{'f' * 9000}", "a number is too long"),
        ("- retire: A\n  at: 2026-13-45", "not valid YAML"),
        ("- retire: !!bool perhaps", "not valid YAML"),
        ("- retire: !!timestamp then", "not valid YAML"),
        ("- retire: !!python/object:os.system x", "not valid YAML"),
    ],
)
def test_no_edits_ask_for_more_than_they_hold(text: str, told: str) -> None:
    assert told in refusal(text)


def test_edits_from_elsewhere_are_told_as_shortly() -> None:
    with pytest.raises(InputError) as caught:
        read_operation({"retire": [["x" * 9000] * 9000] * 9000}, "operations")
    assert len(str(caught.value)) < 40 * LONGEST


def test_edits_are_read_as_before() -> None:
    found = read_operations(
        "- add: A\n  examples: [x, y]\n- move: A > B\n  under: null\n", "e.yaml"
    )
    assert [type(one).__name__ for one in found.operations] == ["Add", "Move"]
