"""What stands beside a plot."""

from hypothesis import given
from hypothesis import strategies as st

from service.web.charts import heat, labels, svg

LONG = "Experiences of organisational change and uncertainty"


def test_a_long_path_keeps_both_ends_so_that_siblings_differ() -> None:
    siblings = [f"{LONG} > {name}" for name in ("Trust in the board", "Time that is never there")]
    found = labels(["Short > Name", *siblings])
    assert list(found.values()) == [
        "Short > Name",
        "Experiences of organis… > Trust in the board",
        "Experiences of o… > Time that is never there",
    ]


@given(st.lists(st.text(alphabet="ab >", min_size=1, max_size=120), unique=True))
def test_no_two_paths_are_drawn_as_one(paths: list[str]) -> None:
    found = labels(paths)
    assert list(found) == paths
    assert len(set(found.values())) == len(paths)
    assert all(len(one) <= 44 + len(" (1000)") for one in found.values())


def test_a_plot_writes_the_short_names_and_keeps_every_row() -> None:
    names = [f"{LONG} > {LONG} {number}" for number in range(3)]
    cells = [{"row": name, "column": name, "value": 1.0, "text": "7"} for name in names]
    drawn = svg(heat(cells, names, names, most=1.0), "plot", "Title", "Words")
    assert drawn.count(">7</text>") == 3
    assert drawn.count("(3)</text>") == 2


def test_a_control_character_in_a_name_is_drawn_as_its_picture() -> None:
    names = ["Str\x01ain", "Str\x02ain", "Lost \ud800 half"]
    cells = [{"row": name, "column": name, "value": 1.0, "text": "7"} for name in names]
    drawn = svg(heat(cells, names, names, most=1.0), "plot", "Title", "Words")
    assert all(name in drawn for name in ("Str␁ain", "Str␂ain", "Lost \ufffd half"))
