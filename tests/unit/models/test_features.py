"""Features: the words, the turns before, the speakers who recur."""

from collections.abc import Callable

import numpy as np
import pytest

from annotations.transcripts import Segment, Turn
from models.features import (
    CountedSegments,
    Setting,
    WordsView,
    embedding_view,
    recurring_speakers,
    texts_of,
)

Make = Callable[..., Segment]
ASKED = Turn(index=0, speaker="Interviewer", text="Who covers the nights?")
SAID = Turn(index=1, speaker="P01", text="Agency, mostly.")
PLAIN = Setting(context=False, speakers=())
READ = Setting(context=True, speakers=("Interviewer",))


@pytest.fixture
def vectors() -> dict[str, np.ndarray]:
    names = ["Yes.", "No.", ASKED.text, SAID.text]
    return dict(zip(names, np.eye(4, dtype=np.float32), strict=True))


def test_only_speakers_of_several_transcripts_are_features(segment: Make) -> None:
    segments = [
        segment("Yes.", transcript=name, speaker=speaker)
        for name in "abc"
        for speaker in ("Interviewer", f"P-{name}", "")
    ]
    assert recurring_speakers(segments) == ("Interviewer",)


def test_without_context_what_came_before_changes_nothing(
    segment: Make, vectors: dict[str, np.ndarray]
) -> None:
    alone, after = segment("Yes."), segment("Yes.", turn=1, before=(ASKED,))
    meaning = embedding_view([alone, after], vectors, PLAIN)
    assert np.array_equal(meaning[0], meaning[1])
    words = WordsView.fit([alone, after, segment("No.")], PLAIN)
    rows = words.transform([alone, after]).toarray()
    assert np.array_equal(rows[0], rows[1])


def test_with_context_the_same_answer_to_another_question_differs(
    segment: Make, vectors: dict[str, np.ndarray]
) -> None:
    one = segment("Yes.", turn=1, before=(ASKED,))
    two = segment("Yes.", turn=1, before=(SAID,))
    meaning = embedding_view([one, two], vectors, READ)
    assert not np.array_equal(meaning[0], meaning[1])
    rows = WordsView.fit([one, two], READ).transform([one, two]).toarray()
    assert not np.array_equal(rows[0], rows[1])


def test_the_nearest_turn_is_told_from_the_ones_before_it(
    segment: Make, vectors: dict[str, np.ndarray]
) -> None:
    one = segment("Yes.", turn=2, before=(ASKED, SAID))
    two = segment("Yes.", turn=2, before=(SAID, ASKED))
    meaning = embedding_view([one, two], vectors, READ)
    assert not np.array_equal(meaning[0], meaning[1])


def test_texts_of_earlier_turns_are_wanted_with_context_only(segment: Make) -> None:
    one = segment("Yes.", turn=2, before=(ASKED, SAID))
    assert texts_of([one, one], context=False) == ["Yes."]
    assert texts_of([one], context=True) == ["Yes.", ASKED.text, SAID.text]


def test_a_view_from_its_terms_gives_the_same_features(segment: Make) -> None:
    segments = [
        segment(f"{text} Is it?", turn=1, before=(ASKED,), speaker="Interviewer")
        for text in ("Yes.", "No.", "The ward was full.")
    ]
    learned = WordsView.fit(segments, READ)
    again = WordsView(setting=READ, blocks=learned.blocks)
    fresh = [*segments, segment("Full of words unseen 😀")]
    assert np.array_equal(learned.transform(fresh).toarray(), again.transform(fresh).toarray())


def test_terms_counted_once_for_all_give_the_same_features(segment: Make) -> None:
    said = ("Yes.", "No, agency.", "The ward was full, and full again.", "Yes.")
    segments = [
        segment(text, turn=2, before=(ASKED, SAID), speaker=who)
        for text, who in zip(said, ("P01", "Interviewer", "P02", "P01"), strict=True)
    ]
    asked = Setting(context=False, question=True, speakers=("Interviewer",))
    counted = CountedSegments(segments, ["What the night costs.", "Yes."])
    for setting in (PLAIN, READ, asked, READ):
        rows = np.array([0, 2, 3])
        learned = WordsView.fit_counted(counted, rows, setting)
        alone = WordsView.fit([segments[row] for row in rows], setting)
        assert [block.terms for block in learned.blocks] == [one.terms for one in alone.blocks]
        found = learned.transform_counted(counted, np.arange(4)).toarray()
        assert found == pytest.approx(learned.transform(segments).toarray(), abs=1e-6)
        beside = learned.transform_counted(counted, np.array([4, 5])).toarray()
        told = learned.transform([segment(text) for text in counted.extra]).toarray()
        assert beside == pytest.approx(told, abs=1e-6)


def test_texts_without_words_make_a_view_without_terms(segment: Make) -> None:
    words = WordsView.fit([segment(""), segment("  ")], PLAIN)
    assert words.transform([segment("Something")]).shape == (1, 0)
