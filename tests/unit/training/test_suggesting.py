"""A published model at work."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from annotations.errors import ArtifactError
from annotations.study import Study
from annotations.transcripts import Segmentation, Transcript, Turn
from models.suggester import Suggester
from training.options import TrainOptions
from training.train import train

FRESH = Transcript(
    name="fresh",
    turns=(
        Turn(index=0, speaker="Interviewer", text="What is hardest?"),
        Turn(index=1, speaker="Manager", text="There are never enough nurses at night. 😀"),
        Turn(index=2, speaker="Manager", text=""),
        Turn(index=3, speaker="Manager", text="The money runs out and the budget is cut."),
        Turn(index=4, speaker="Somebody new", text="I learned it from a mentor, by doing it."),
    ),
)


@pytest.fixture(scope="session")
def suggester(small_model, cache: Path) -> Suggester:
    return Suggester.load(small_model.folder, encoder_cache=cache)


def test_new_text_is_suggested_the_codes_that_fit_it(suggester: Suggester) -> None:
    found = suggester.suggest([FRESH])
    assert found.model_version == suggester.version
    assert found.scores is None
    by_turn = {one.turn: one.code for one in found.suggestions}
    assert by_turn[3] == "Work > Money"
    assert by_turn[4] == "Learning"
    assert 0 not in by_turn
    for one in found.suggestions:
        assert FRESH.turns[one.turn].text[one.start : one.end] == one.text
        assert one.threshold <= one.score <= 1


def test_nothing_is_suggested_where_nothing_is_said(suggester: Suggester, small_model) -> None:
    parts = suggester._parts
    eager = replace(
        parts, thresholds=np.zeros_like(parts.thresholds), open=(True,) * len(parts.codes)
    )
    bold = Suggester(small_model.folder, suggester.version, eager, None)
    silent = replace(FRESH, turns=(*FRESH.turns, Turn(index=5, speaker="Manager", text=" \n")))
    found = bold.suggest([silent], all_codes=True)
    assert {one.turn for one in found.suggestions} == {0, 1, 3, 4}
    assert {one.turn for one in found.scores or ()} == {0, 1, 2, 3, 4, 5}


def test_a_long_turn_is_suggested_once_with_the_sentence_that_carries_the_code(
    suggester: Suggester, small_model
) -> None:
    carrying = "The budget was cut and finance wants more savings, but there is no money."
    text = f"It was raining when I came in.  {carrying} Thank you for the coffee, it was good."
    long = Transcript(name="long", turns=(Turn(index=0, speaker="Manager", text=text),))
    parts = suggester._parts
    money = parts.codes.index("Work > Money")
    eager = replace(
        parts,
        thresholds=np.where(np.arange(len(parts.codes)) == money, 0.0, 1.0),
        open=(True,) * len(parts.codes),
        segmentation=Segmentation(max_words=8),
    )
    bold = Suggester(small_model.folder, suggester.version, eager, None)
    segments = list(eager.segmentation.segments(long))
    assert len(segments) == 3
    (found,) = bold.suggest([long]).suggestions
    assert (found.start, found.end, found.text) == (0, len(text), text)
    assert found.score == pytest.approx(bold.score(segments)[:, money].max())
    assert found.evidence is not None
    assert found.evidence.text == carrying == text[found.evidence.start : found.evidence.end]
    # Agreement stays on segments, each decided by itself.
    assert [one.codes for one in bold.decisions([long])] == [("Work > Money",)] * 3


def test_a_single_sentence_is_its_own_evidence(suggester: Suggester) -> None:
    by_turn = {one.turn: one for one in suggester.suggest([FRESH]).suggestions}
    assert by_turn[3].evidence is None


def test_a_transcript_full_of_doubt_is_less_certain(suggester: Suggester) -> None:
    plain = Transcript(name="plain", turns=(Turn(index=0, speaker="Interviewer", text="Yes."),))
    certainty = suggester.suggest([FRESH, plain]).certainty
    assert 0 < certainty["fresh"] < certainty["plain"] < 1


def test_the_reason_is_an_excerpt_that_a_coder_coded_so(suggester: Suggester, small_model) -> None:
    coded = {(c.transcript, c.turn, c.code, c.coder) for c in small_model.study.codings}
    texts = {(t.name, u.index): u.text for t in small_model.study.transcripts for u in t.turns}
    found = suggester.suggest([FRESH]).suggestions
    assert found
    for one in found:
        (reason,) = one.because
        assert (reason.transcript, reason.turn, one.code, reason.coder) in coded
        assert texts[reason.transcript, reason.turn][reason.start : reason.end] == reason.text


def test_a_segment_is_not_its_own_reason(suggester: Suggester, small_model) -> None:
    for one in suggester.suggest(small_model.study.transcripts).suggestions:
        for reason in one.because:
            assert (reason.transcript, reason.turn) != (one.transcript, one.turn)


def test_all_codes_are_scored_everywhere_when_asked_for(suggester: Suggester) -> None:
    found = suggester.suggest([FRESH], all_codes=True)
    assert found.scores is not None
    assert [one.turn for one in found.scores] == [0, 1, 2, 3, 4]
    assert {tuple(one.scores) for one in found.scores} == {suggester.codes}
    thresholds = dict(zip(suggester.codes, suggester.thresholds, strict=True))
    above = {
        (one.turn, code)
        for one in found.scores
        for code, score in one.scores.items()
        if score >= thresholds[code] and code in suggester.open_codes
    }
    assert {(one.turn, one.code) for one in found.suggestions} == above


def test_silent_codes_are_decided_on_and_never_suggested(
    small_study: Callable[..., Study], cache: Path, tmp_path: Path
) -> None:
    report = train(
        small_study(),
        options=TrainOptions(min_support=1000),
        store=tmp_path,
        cache=cache,
    )
    silent = Suggester.load(tmp_path / report.model_version, encoder_cache=cache)
    assert silent.open_codes == ()
    assert silent.suggest([FRESH]).suggestions == ()
    assert {code for one in silent.decisions([FRESH]) for code in one.codes} >= {"Learning"}


def test_scores_do_not_depend_on_what_else_is_scored(suggester: Suggester) -> None:
    segments = list(suggester.segmentation.segments(FRESH))
    together = suggester.score(segments)
    apart = np.vstack([suggester.score([segment]) for segment in segments])
    assert together.shape == (5, 3)
    assert apart == pytest.approx(together, abs=1e-6)
    assert ((together >= 0) & (together <= 1)).all()


def test_threads_may_share_a_suggester(small_model, cache: Path) -> None:
    shared = Suggester.load(small_model.folder, encoder_cache=cache)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: shared.suggest([FRESH]), range(8)))
    assert all(result == results[0] for result in results)


def test_nothing_to_look_at_is_nothing_suggested(suggester: Suggester) -> None:
    assert suggester.suggest([]).suggestions == ()
    assert suggester.decisions([]) == []
    assert suggester.suggest([replace(FRESH, turns=())], all_codes=True).scores == ()


def test_a_damaged_model_is_not_loaded(small_model, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / small_model.report.model_version
    shutil.copytree(small_model.folder, copy)
    content = bytearray((copy / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (copy / "model.safetensors").write_bytes(content)
    with pytest.raises(ArtifactError, match=re.escape(f"{copy.name} in {tmp_path} is damaged")):
        Suggester.load(copy)
