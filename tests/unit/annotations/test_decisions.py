"""Promises about what a coder's annotation says of the suggestions they saw."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.decisions import Decision, DecisionKind, ShownSpan, decide
from annotations.formats.regions import Region


def shown(region: str, turn: int, start: int, end: int, code: str) -> ShownSpan:
    return ShownSpan(region=region, turn=turn, start=start, end=end, code=code)


def region(name: str, turn: int, start: int, end: int, *codes: str) -> Region:
    return Region(
        id=name, turn=turn, start=start, end=end, text="", codes=codes, origin="prediction"
    )


def told(decisions: tuple[Decision, ...]) -> list[tuple[str, str, int, int, int]]:
    return [(item.kind, item.code, item.turn, item.start, item.end) for item in decisions]


def test_the_four_decisions() -> None:
    suggestions = [
        shown("a", 0, 0, 10, "Cost"),
        shown("b", 1, 0, 10, "Trust"),
        shown("c", 2, 5, 25, "Fear"),
    ]
    regions = [
        region("a", 0, 0, 10, "Cost"),
        region("c", 2, 5, 18, "Fear"),
        region("x", 3, 0, 4, "Relief"),
    ]
    decisions = decide(suggestions, regions)
    assert told(decisions) == [
        ("accepted", "Cost", 0, 0, 10),
        ("rejected", "Trust", 1, 0, 10),
        ("changed", "Fear", 2, 5, 18),
        ("added", "Relief", 3, 0, 4),
    ]
    assert decisions[2].shown == suggestions[2]
    assert decisions[3].shown is None


def test_another_code_in_its_place_rejects_the_one_and_adds_the_other() -> None:
    assert told(decide([shown("a", 0, 0, 9, "Fear")], [region("a", 0, 0, 9, "Relief")])) == [
        ("rejected", "Fear", 0, 0, 9),
        ("added", "Relief", 0, 0, 9),
    ]


def test_a_second_code_on_a_kept_region_is_an_addition() -> None:
    assert told(decide([shown("a", 0, 0, 9, "Fear")], [region("a", 0, 0, 9, "Fear", "Cost")])) == [
        ("added", "Cost", 0, 0, 9),
        ("accepted", "Fear", 0, 0, 9),
    ]


def test_a_copied_region_with_an_id_of_its_own_is_accepted() -> None:
    assert told(decide([shown("a", 0, 0, 9, "Fear")], [region("new", 0, 0, 9, "Fear")])) == [
        ("accepted", "Fear", 0, 0, 9)
    ]


def test_a_region_drawn_again_a_little_differently_is_changed() -> None:
    assert told(decide([shown("a", 0, 0, 40, "Fear")], [region("new", 0, 10, 52, "Fear")])) == [
        ("changed", "Fear", 0, 10, 52)
    ]


def test_a_region_that_barely_touches_is_an_addition() -> None:
    assert told(decide([shown("a", 0, 0, 40, "Fear")], [region("new", 0, 35, 80, "Fear")])) == [
        ("rejected", "Fear", 0, 0, 40),
        ("added", "Fear", 0, 35, 80),
    ]


def test_a_region_moved_elsewhere_with_its_id_is_changed() -> None:
    assert told(decide([shown("a", 0, 0, 40, "Fear")], [region("a", 3, 50, 80, "Fear")])) == [
        ("changed", "Fear", 3, 50, 80)
    ]


def test_a_region_drawn_over_the_next_turn_changes_one_and_adds_the_rest() -> None:
    regions = [region("a", 4, 0, 12, "Fear"), region("a", 3, 10, 40, "Fear")]
    assert told(decide([shown("a", 3, 10, 30, "Fear")], regions)) == [
        ("changed", "Fear", 3, 10, 40),
        ("added", "Fear", 4, 0, 12),
    ]


def test_the_id_counts_before_nearness() -> None:
    suggestions = [shown("a", 0, 0, 20, "Fear"), shown("b", 0, 20, 40, "Fear")]
    regions = [region("b", 0, 12, 34, "Fear")]
    decisions = decide(suggestions, regions)
    assert told(decisions) == [
        ("rejected", "Fear", 0, 0, 20),
        ("changed", "Fear", 0, 12, 34),
    ]
    assert decisions[1].shown == suggestions[1]


def test_an_empty_annotation_rejects_everything_shown() -> None:
    assert told(decide([shown("a", 0, 0, 9, "Fear")], [])) == [("rejected", "Fear", 0, 0, 9)]


@pytest.mark.parametrize("copies", [2, 3])
def test_the_same_code_twice_on_a_span_counts_once(copies: int) -> None:
    regions = [region(f"r{number}", 0, 0, 9, "Fear") for number in range(copies)]
    assert told(decide([], regions)) == [("added", "Fear", 0, 0, 9)]


CODES = st.sampled_from(["Access > Cost", "Trust", "Fear"])
TURNS = st.integers(0, 2)
IDS = st.sampled_from(["", "a", "b", "c", "d"])
EDGES = st.tuples(st.integers(0, 12), st.integers(1, 12)).map(lambda pair: (pair[0], sum(pair)))
SHOWN = st.lists(
    st.builds(
        lambda name, turn, edges, code: shown(name, turn, *edges, code), IDS, TURNS, EDGES, CODES
    ),
    max_size=8,
)
REGIONS = st.lists(
    st.builds(
        lambda name, turn, edges, codes: region(name, turn, *edges, *codes),
        IDS,
        TURNS,
        EDGES,
        st.lists(CODES, min_size=1, max_size=3, unique=True),
    ),
    max_size=8,
)


@given(SHOWN, REGIONS)
def test_everything_is_accounted_for_exactly_once(
    suggestions: list[ShownSpan], regions: list[Region]
) -> None:
    decisions = decide(suggestions, regions)
    judged = Counter(
        (item.shown.turn, item.shown.start, item.shown.end, item.shown.code)
        for item in decisions
        if item.shown
    )
    assert judged == Counter({(s.turn, s.start, s.end, s.code) for s in suggestions})
    left = Counter(
        (item.turn, item.start, item.end, item.code)
        for item in decisions
        if item.kind is not DecisionKind.REJECTED
    )
    assert left == Counter({(r.turn, r.start, r.end, code) for r in regions for code in r.codes})


@given(SHOWN, REGIONS)
def test_each_kind_means_what_it_says(suggestions: list[ShownSpan], regions: list[Region]) -> None:
    for item in decide(suggestions, regions):
        place = (item.turn, item.start, item.end, item.code)
        if item.kind is DecisionKind.ADDED:
            assert item.shown is None
            continue
        assert item.shown is not None
        assert item.shown in suggestions
        assert item.code == item.shown.code
        was = (item.shown.turn, item.shown.start, item.shown.end, item.shown.code)
        assert (place == was) is (item.kind is not DecisionKind.CHANGED)


@given(SHOWN, REGIONS, st.randoms(use_true_random=False))
def test_the_order_does_not_matter(
    suggestions: list[ShownSpan], regions: list[Region], random: Random
) -> None:
    expected = decide(suggestions, regions)
    random.shuffle(suggestions)
    random.shuffle(regions)
    assert decide(suggestions, regions) == expected


@given(SHOWN)
def test_submitting_what_was_shown_accepts_all_of_it(suggestions: list[ShownSpan]) -> None:
    regions = [region("", s.turn, s.start, s.end, s.code) for s in suggestions]
    assert {item.kind for item in decide(suggestions, regions)} <= {DecisionKind.ACCEPTED}
