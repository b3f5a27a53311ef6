"""What moved, in plain words, with what to do about it and passages from before and after."""

import hashlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from annotations.codings import CodingTable
from annotations.errors import command
from annotations.numerals import decimals, listed, many, p_words
from annotations.reliability.drift.outcome import (
    AGREEMENT,
    CALIBRATION,
    CODERS,
    LEANING,
    MEANING,
    MODEL,
    USE,
    Comparison,
    Excerpt,
    Finding,
    Question,
    Ranking,
)
from annotations.reliability.drift.ratios import Change
from annotations.reliability.drift.waves import Waves
from annotations.transcripts import Segment

EXCERPTS = 3
_SMALL = 0.1
_NOTHING_TO_DO = "Nothing needs to be done."

Scores = Mapping[tuple[str, int, int, int], Mapping[str, float]]
"""A model's held-out probability of each code, by segment."""


def findings_of(
    study: str,
    questions: Sequence[Question],
    rankings: Sequence[Ranking],
    table: CodingTable,
    waves: Waves,
    scores: Scores,
) -> tuple[Finding, ...]:
    """A finding for each change that is one after correction, in the order of the questions."""
    ranked = {(one.code, one.before, one.after): one for one in rankings}
    used = {
        (change.subject, pair.before, pair.after)
        for question in questions
        if question.name == USE
        for pair in question.comparisons
        for change in pair.changes
        if change.moved
    }
    return tuple(
        _finding(
            study,
            question.name,
            pair,
            change,
            _sides(question.name, pair, change, table),
            ranked.get((change.subject, pair.before, pair.after)),
            (change.subject, pair.before, pair.after) in used,
            table,
            waves,
            scores,
        )
        for question in questions
        for pair in question.comparisons
        for change in pair.changes
        if change.moved
    )


def _sides(question: str, pair: Comparison, change: Change, table: CodingTable) -> tuple[str, ...]:
    """The coders who moved together in these waves, on the same code: none unless several did.

    Each is compared with the others, so that one who moves moves all.
    """
    moved = [one.subject for one in pair.changes if one.moved]
    if question == LEANING:
        code = change.subject.removeprefix(f"{_coder_in(change.subject, table)}: ")
        by_coder = [(_coder_in(subject, table), subject) for subject in moved]
        coders = [coder for coder, subject in by_coder if subject == f"{coder}: {code}"]
    else:
        coders = moved if question == CODERS else []
    return tuple(coders) if len(coders) > 1 else ()


def _coder_in(subject: str, table: CodingTable) -> str:
    """The coder that a subject "coder: code" names."""
    return max((name for name in table.coders if subject.startswith(f"{name}: ")), key=len)


def _finding(
    study: str,
    question: str,
    pair: Comparison,
    change: Change,
    sides: tuple[str, ...],
    ranking: Ranking | None,
    use_moved: bool,
    table: CodingTable,
    waves: Waves,
    scores: Scores,
) -> Finding:
    coder = _coder_in(change.subject, table) if question == LEANING else None
    code = change.subject if coder is None else change.subject.removeprefix(f"{coder}: ")
    if question == CODERS:
        before, after = (
            _apart(change.subject, name, table, waves) for name in (pair.before, pair.after)
        )
    else:
        before, after = (
            _excerpts(
                code, coder, name, table, waves, scores, unlikely=question == MEANING and late
            )
            for late, name in ((False, pair.before), (True, pair.after))
        )
    words = f"{_WORDS[question](change, pair)} {_surety(change)}"
    if question == MEANING and ranking is not None:
        words = f"{_WORDS[question](change, pair)} {_lookalikes(ranking)} {_both(change, ranking)}"
        if use_moved:
            words += (
                " Its use moved too, and a code that is given more freely to all text, or more "
                "sparingly, has another log loss by that alone: read the passages before you call "
                "it another meaning."
            )
    if sides:
        others = listed([name for name in sides if name != (coder or change.subject)])
        on_it = "" if coder is None else f" on {code}"
        words += (
            f" {others} moved{on_it} in the same waves: this is one finding, seen from "
            f"{len(sides)} sides, since each is compared with the others. It does not tell who "
            "moved; coding old excerpts again, blind, does."
        )
    return Finding(
        question=question,
        subject=change.subject,
        before=pair.before,
        after=pair.after,
        words=words,
        advice=(
            _advice_to_all(study, sides)
            if sides
            else _advice(study, question, pair, change, coder or change.subject)
        ),
        excerpts_before=before,
        excerpts_after=after,
    )


def _surety(change: Change) -> str:
    difference = change.difference
    return (
        f"The difference is {_figure(difference.value)} "
        f"(95% interval {_figure(difference.low)} to {_figure(difference.high)}; p "
        f"{_p(change.p)}, {_p(change.adjusted)} after correction for all that was looked at), on "
        f"{change.before.clusters} and {many(change.after.clusters, 'transcript')}."
    )


def _use(change: Change, pair: Comparison) -> str:
    verb = "more" if change.difference.value > 0 else "less"
    return (
        f"{change.subject} is used {verb} in {pair.after}: on {_percent(change.after.value)} of "
        f"segments, in {pair.before} on {_percent(change.before.value)}."
    )


def _meaning(change: Change, pair: Comparison) -> str:
    harder = change.difference.value > 0
    return (
        f"{change.subject} is applied to different text in {pair.after}: passages that people give "
        f"it {'are harder' if harder else 'are easier'} to tell from others by what the model "
        f"learned from all waves (mean log loss {_figure(change.after.value)}, in {pair.before} "
        f"{_figure(change.before.value)})."
    )


def _lookalikes(ranking: Ranking) -> str:
    """The sort of passages on which people and the model part, its figures by wave."""
    like = "its own" if ranking.like == ranking.code else f"those of {ranking.like}"
    return (
        f"It shows most on passages like {like}: beyond what the model expects of them, people "
        f"gave them the code {_points(ranking.beyond_after.value)} in {ranking.after}, "
        f"{_points(ranking.beyond_before.value)} in {ranking.before}."
    )


def _both(change: Change, ranking: Ranking) -> str:
    """The log loss and the look-alikes with their intervals, and the p that is theirs together."""
    loss, points = change.difference, ranking.beyond_difference
    return (
        f"The log loss differs by {_figure(loss.value)} (95% interval {_figure(loss.low)} to "
        f"{_figure(loss.high)}), these passages by {_points(points.value)}"
        + (
            ""
            if points.low is None or points.high is None
            else f" ({_points(points.low)} to {_points(points.high)})"
        )
        + f"; both together have p {_p(change.p)}, {_p(change.adjusted)} after correction for all "
        f"that was looked at, on {change.before.clusters} and "
        f"{many(change.after.clusters, 'transcript')}."
    )


def _coders(change: Change, pair: Comparison) -> str:
    verb = "more" if change.difference.value > 0 else "less"
    return (
        f"{change.subject} differs {verb} from the other coders in {pair.after}: on "
        f"{_percent(change.after.value)} of the segments that others read too, in {pair.before} on "
        f"{_percent(change.before.value)}."
    )


def _leaning(change: Change, pair: Comparison) -> str:
    verb = "more" if change.difference.value > 0 else "less"
    return (
        f"{change.subject} is applied {verb} in {pair.after}, beside the other coders on the same "
        f"segments: {_points(change.after.value)} apart from them, in {pair.before} "
        f"{_points(change.before.value)}."
    )


def _agreement(change: Change, pair: Comparison) -> str:
    verb = "better" if change.difference.value > 0 else "worse"
    return (
        f"Coders agree {verb} on {change.subject} in {pair.after}: alpha "
        f"{_figure(change.after.value)}, in {pair.before} {_figure(change.before.value)}."
    )


def _model(change: Change, pair: Comparison) -> str:
    verb = "better" if change.difference.value > 0 else "worse"
    return (
        f"The model agrees {verb} with people on {change.subject} in {pair.after}: alpha "
        f"{_figure(change.after.value)}, in {pair.before} {_figure(change.before.value)}."
    )


def _calibration(change: Change, pair: Comparison) -> str:
    return (
        f"The model's probabilities stand elsewhere in {pair.after}: on average "
        f"{_points(change.after.value)} from what people coded, in {pair.before} "
        f"{_points(change.before.value)}."
    )


_WORDS: Mapping[str, Callable[[Change, Comparison], str]] = {
    USE: _use,
    MEANING: _meaning,
    CODERS: _coders,
    LEANING: _leaning,
    AGREEMENT: _agreement,
    MODEL: _model,
    CALIBRATION: _calibration,
}


def _advice(study: str, question: str, pair: Comparison, change: Change, coder: str) -> str:
    rose = change.difference.value > 0
    if question == USE:
        return (
            "Nothing to recode for this alone. Read the passages: if they fit the definition, it "
            "is what people speak of that differs, and prevalence is to be reported for each."
        )
    if question == MEANING:
        return (
            "Read the passages of both beside the definition. If it no longer fits, redefine or "
            f"split the code and recode {pair.before}; then train again."
        )
    if question in (CODERS, LEANING):
        return (
            "Have them code old excerpts again, blind: "
            f"{command('recode-sample', study, '--coder', coder, '--push')}. Go through the "
            f"passages with this coder and the definition; recode {pair.after} for this coder if "
            "they strayed."
        )
    if question == AGREEMENT:
        return (
            _NOTHING_TO_DO
            if rose
            else f"Meet over the disputed segments, sharpen the definition, recode {pair.after}."
        )
    return (
        _NOTHING_TO_DO
        if rose and question == MODEL
        else f"Train again with the codings of {pair.after}."
    )


def _advice_to_all(study: str, sides: Sequence[str]) -> str:
    named = [part for name in sides for part in ("--coder", name)]
    return (
        f"Recode nothing for this yet. Have all of {listed(sides)} code old excerpts again, blind: "
        f"{command('recode-sample', study, *named, '--push')}. Who then differs from their own "
        "old coding has moved: go through the passages with them and the definition."
    )


def _excerpts(
    code: str,
    coder: str | None,
    wave: str,
    table: CodingTable,
    waves: Waves,
    scores: Scores,
    *,
    unlikely: bool,
) -> tuple[Excerpt, ...]:
    """Passages with the code, from different transcripts where there are.

    Where the meaning moved, those of the later wave which the model finds least likely, of the
    earlier one the likeliest; else in an order that a hash of their place makes.
    """
    if code not in table.codes:
        return ()
    at = table.codes.index(code)
    applied = table.applied[:, :, at]
    if coder is not None:
        applied = applied[[table.coders.index(coder)]]
    inside = waves.members(wave)[table.clusters]
    names = (coder,) if coder is not None else table.coders
    found = []
    for place in np.flatnonzero(applied.any(axis=0) & inside):
        unit = table.units[place]
        who = tuple(names[who] for who in np.flatnonzero(applied[:, place]))
        found.append(_excerpt(unit, who, scores.get(unit.key, {}).get(code)))

    def order(one: Excerpt) -> tuple[float, str]:
        likely = 0.0 if one.score is None else one.score
        return (likely if unlikely else 0.0, _lot(one))

    return _spread(sorted(found, key=order))


def _apart(coder: str, wave: str, table: CodingTable, waves: Waves) -> tuple[Excerpt, ...]:
    """Passages on which a coder's codes are not those of another who read them, likewise spread."""
    at = table.coders.index(coder)
    inside = waves.members(wave)[table.clusters] & table.read[at]
    found = []
    for place in np.flatnonzero(inside):
        others = np.flatnonzero(table.read[:, place])
        apart = [
            who for who in others if (table.applied[who, place] != table.applied[at, place]).any()
        ]
        if apart:
            who = (coder, *(table.coders[other] for other in apart))
            found.append(_excerpt(table.units[place], who, None))
    return _spread(sorted(found, key=_lot))


def _excerpt(unit: Segment, coders: tuple[str, ...], score: float | None) -> Excerpt:
    return Excerpt(
        transcript=unit.transcript,
        turn=unit.turn,
        start=unit.start,
        end=unit.end,
        text=unit.text,
        coders=coders,
        score=score,
    )


def _lot(one: Excerpt) -> str:
    return hashlib.sha256(f"{one.transcript} {one.turn} {one.start}".encode()).hexdigest()


def _spread(found: Sequence[Excerpt]) -> tuple[Excerpt, ...]:
    """The first few of different transcripts."""
    chosen: dict[str, Excerpt] = {}
    for one in found:
        chosen.setdefault(one.transcript, one)
    return tuple(chosen.values())[:EXCERPTS]


def _percent(value: float) -> str:
    return f"{decimals(100 * value, 1)}%"


def _points(value: float) -> str:
    return f"{decimals(100 * value, 1, signed=True)} points"


def _figure(value: float | None) -> str:
    if value is None:
        return "–"
    return decimals(value, 3 if abs(value) < _SMALL else 2)


def _p(value: float | None) -> str:
    return "–" if value is None else p_words(value)
