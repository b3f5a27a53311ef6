"""What no code fits, and the groups that it falls into."""

from dataclasses import replace

import numpy as np
import pytest

from annotations.transcripts import Segment
from models.candidate_codes import group
from models.encoder import TransformersEncoder
from models.read_segments import ReadSegments
from models.unfitting import Unfitting, unfitting

CODED = (
    "We never have enough nurses on the night shift",
    "There were two nurses for thirty beds last night",
    "The agency sends nurses whom nobody knows on night shifts",
    "Half of our nursing posts have been empty since spring",
    "I cannot fill the rota without agency nurses",
    "Nurses leave and nobody replaces them on the wards",
)
NEW = (
    "There is never a space in the hospital car park",
    "I circle the hospital car park for half an hour each morning",
    "The car park costs me forty pounds a month",
    "My wife waits in the car park since no space was free",
)
SHORT = ("Yeah.", "Mm.", "Right, yeah.", "Mm, yeah.")
MISSED = "We were short of nurses again on the night shift"
ALONE = "The choir sings Bach cantatas in the chapel each Easter"


def read_of(encoder: TransformersEncoder) -> ReadSegments:
    """Each text in a transcript of its own; the first six carry the one code."""
    texts = (*CODED, *NEW, *SHORT * 5, MISSED, ALONE)
    carried = np.zeros((len(texts), 1), dtype=np.bool_)
    carried[: len(CODED)] = True
    return ReadSegments(
        segments=tuple(
            Segment(transcript=f"t{at:02}", turn=0, start=0, end=len(text), speaker="P", text=text)
            for at, text in enumerate(texts)
        ),
        vectors=encoder.encode(texts),
        clusters=np.arange(len(texts)),
        codes=("Staffing",),
        carried=carried,
        reach=np.where(carried[:, 0], 2.0, 0.2),
    )


@pytest.fixture(scope="module")
def read(encoder: TransformersEncoder) -> ReadSegments:
    return read_of(encoder)


def texts_of(read: ReadSegments, found: Unfitting) -> set[str]:
    return {read.segments[row].text for row in found.rows}


def test_what_is_short_and_what_is_like_a_coded_excerpt_is_no_candidate(
    read: ReadSegments,
) -> None:
    found = unfitting(read)
    assert texts_of(read, found) == {*NEW, ALONE}
    assert [step.left for step in found.steps] == [32, 26, 6, 6, 5]
    assert found.least_words >= 2


def test_what_a_score_claims_is_no_candidate(read: ReadSegments) -> None:
    reach = read.reach.copy()
    claimed = len(CODED)
    reach[claimed] = 1.0
    found = unfitting(replace(read, reach=reach))
    assert texts_of(read, found) == {*NEW[1:], ALONE}


def test_coded_excerpts_join_on_request_where_no_score_comes_near(read: ReadSegments) -> None:
    reach = read.reach.copy()
    reach[0] = 0.4
    lonely = replace(read, reach=reach)
    assert texts_of(read, unfitting(lonely)) == {*NEW, ALONE}
    # It is coded like others that it resembles, or it is not: nearness decides as for the rest.
    with_it = unfitting(lonely, coded_too=True)
    assert texts_of(read, with_it) - {CODED[0]} == {*NEW, ALONE}
    assert with_it.steps[2].left == 27


def test_like_excerpts_are_one_group_with_its_words_and_its_nearest_code(
    read: ReadSegments,
) -> None:
    found = group(read, unfitting(read))
    (one,) = found.groups
    assert {read.segments[row].text for row in one.rows} <= set(NEW)
    assert one.size >= 3
    assert one.transcripts == one.size
    assert set(one.words) & {"car", "parking", "park"}
    assert len(one.excerpts) == 3
    assert one.nearest is not None
    assert one.nearest.code == "Staffing"
    assert not one.nearest.within
    assert found.alone == 5 - one.size


def test_groups_do_not_depend_on_the_order_of_what_was_read(read: ReadSegments) -> None:
    order = np.random.default_rng(1).permutation(len(read.segments))
    other = ReadSegments(
        segments=tuple(read.segments[at] for at in order),
        vectors=read.vectors[order],
        clusters=read.clusters[order],
        codes=read.codes,
        carried=read.carried[order],
        reach=read.reach[order],
    )

    def told(of: ReadSegments) -> list[object]:
        return [
            ([of.segments[row].key for row in one.rows], one.words, one.excerpts)
            for one in group(of, unfitting(of)).groups
        ]

    assert told(other) == told(read)


def test_alike_texts_of_one_transcript_or_too_few_are_no_group(read: ReadSegments) -> None:
    one = replace(read, clusters=np.where(read.carried[:, 0], read.clusters, 99))
    assert group(one, unfitting(one)).groups == ()
    two = replace(unfitting(read), rows=unfitting(read).rows[:2])
    found = group(read, two)
    assert found.groups == ()
    assert found.alone == 2
    none = group(read, replace(two, rows=two.rows[:0]))
    assert (none.groups, none.alone) == ((), 0)


def test_where_no_code_is_in_two_transcripts_nothing_counts_as_near(read: ReadSegments) -> None:
    carried = np.zeros_like(read.carried)
    carried[0] = True
    found = unfitting(replace(read, carried=carried))
    assert found.near == float("inf")
    assert MISSED in texts_of(read, found)
    bare = replace(read, carried=np.zeros_like(read.carried), reach=np.zeros_like(read.reach))
    everything = unfitting(bare)
    assert {*CODED, *NEW} <= texts_of(read, everything)
    assert all(one.nearest is None for one in group(bare, everything).groups)
