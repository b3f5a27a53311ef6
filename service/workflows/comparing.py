"""One transcript with what everybody coded in it, side by side: people, and the model."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from annotations.codings import MODEL_PREFIX, Coding, is_model
from annotations.errors import StateError
from annotations.numerals import many
from annotations.study import Study
from annotations.transcripts import Turn
from models.suggestions import SegmentCodes
from service.house import House
from service.storage.overviews import TranscriptSummary
from service.storage.records import DecisionRecord, StoredSuggestion
from service.storage.session import UnitOfWork
from service.workflows.modelling import folder_of
from service.workflows.showing import reason_of
from service.workflows.withholding import withheld

TURNS = 300
"""Turns on one page; a longer transcript has several."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A code on a span of a turn. `quote` is what it covers, empty where that is the turn.

    `score` is the model's, `reason` why it suggests the code, a line each; `decision` is what a
    coder did with the suggestion, and who; `memo` is what the coder noted beside it.
    """

    code: str
    start: int
    end: int
    quote: str
    score: float | None = None
    reason: str = ""
    decision: str = ""
    memo: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What one coder did with one turn; `read` False: nobody knows what they would have said."""

    coder: str
    read: bool
    marks: tuple[Mark, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A part of a turn's text that `coders` marked, all of it or none of it."""

    text: str
    coders: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnView:
    """A turn with everybody's codings."""

    turn: Turn
    pieces: tuple[Piece, ...]
    work: tuple[Work, ...]

    @property
    def coded(self) -> bool:
        """Whether anybody marked anything."""
        return any(one.marks for one in self.work)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelColumn:
    """Whose codings stand in the model's column and how they came about.

    `shown`: coders saw them; `stored`: no coder did; `held out`: of the fold that left the
    transcript out of its training, with no regard to gates.
    """

    version: str
    how: Literal["shown", "stored", "held out"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TranscriptView:
    """A transcript side by side; `codes` are those that somebody applied in it.

    `withheld`: what models suggest is not shown, since it is in the blind sample and no person
    has read it to the end. `first` is the index of the first of `turns` among the `chosen`
    turns, which are all, or those with a coding.
    """

    study: str
    transcript: TranscriptSummary
    coders: tuple[str, ...]
    codes: tuple[str, ...]
    model: ModelColumn | None
    withheld: bool
    turns: tuple[TurnView, ...]
    first: int
    chosen: int


def show_transcript(
    house: House,
    study: str,
    name: str,
    *,
    code: str | None = None,
    coded_only: bool = False,
    first: int = 0,
) -> TranscriptView:
    """Side by side what everybody coded; a `code` stands for itself and what is below it.

    Raises NotFound where there is no such transcript, StateError where `first` is past its end.
    """
    with house.database.reading() as work:
        whole = work.studies.load(study, only=name)
        summary = next(item for item in work.overviews.transcripts(study) if item.name == name)
        hidden = name in withheld(work, study, [summary])
        model, machine = (None, ()) if hidden else _model(house, work, study, name)
        decisions = work.label_studio.decisions(study, transcript=name)
    people = {*_names(whole, hidden=hidden)}
    coders = tuple(sorted(people, key=lambda coder: (is_model(coder), coder)))
    codings = [one for one in whole.codings if not (hidden and is_model(one.coder))]
    codes = {one.code for one in codings} | {one.code for one in machine}
    wanted = [path for path in whole.codebook.paths if path in codes]
    views = [
        _turn(
            turn,
            [one for one in codings if one.turn == turn.index and _is_wanted(one.code, code)],
            whole,
            coders,
            model,
            [one for one in machine if one.turn == turn.index and _is_wanted(one.code, code)],
            [one for one in decisions if one.shown_turn == turn.index],
        )
        for turn in whole.transcripts[0].turns
    ]
    chosen = [view for view in views if view.coded or not coded_only]
    if first and first >= len(chosen):
        raise StateError(
            f"{name} has {many(len(chosen), 'turn')} to show, so there is none from number {first} "
            "on"
        )
    return TranscriptView(
        study=study,
        transcript=summary,
        coders=coders,
        codes=tuple(wanted),
        model=model,
        withheld=hidden,
        turns=tuple(chosen[first : first + TURNS]),
        first=first,
        chosen=len(chosen),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    """What the model said of a span."""

    turn: int
    start: int
    end: int
    code: str
    score: float | None
    reason: str = ""


def _model(
    house: House, work: UnitOfWork, study: str, name: str
) -> tuple[ModelColumn | None, Sequence[_Said]]:
    """What coders saw suggested; else what the model in use says, stored or held out."""
    shown = work.suggestions.shown_versions(study).get(name)
    record = work.models.active(study)
    if shown is not None:
        stored = work.suggestions.of(study, version=shown, transcript=name)
        return ModelColumn(version=shown, how="shown"), _of_stored(stored)
    if record is None:
        return None, ()
    if name in work.suggestions.looked_at(study, version=record.version):
        stored = work.suggestions.of(study, version=record.version, transcript=name)
        return ModelColumn(version=record.version, how="stored"), _of_stored(stored)
    held = _held_out(house, record.version, name)
    return (ModelColumn(version=record.version, how="held out"), held) if held else (None, ())


def _of_stored(stored: Iterable[StoredSuggestion]) -> list[_Said]:
    return [
        _Said(
            turn=one.suggestion.turn,
            start=one.suggestion.start,
            end=one.suggestion.end,
            code=one.suggestion.code,
            score=one.suggestion.score,
            reason=reason_of(one.suggestion),
        )
        for one in stored
    ]


def _held_out(house: House, version: str, name: str) -> list[_Said]:
    from models.artifacts import out_of_fold

    found: list[SegmentCodes] = out_of_fold(folder_of(house, version))
    return [
        _Said(turn=one.turn, start=one.start, end=one.end, code=code, score=None)
        for one in found
        if one.transcript == name
        for code in one.codes
    ]


def _names(whole: Study, *, hidden: bool) -> Iterable[str]:
    named = {one.coder for one in whole.codings} | {one.coder for one in whole.readings}
    return (coder for coder in named if not (hidden and is_model(coder)))


def _is_wanted(code: str, chosen: str | None) -> bool:
    return chosen is None or code == chosen or code.startswith(f"{chosen} > ")


def _turn(
    turn: Turn,
    codings: Sequence[Coding],
    whole: Study,
    coders: Sequence[str],
    model: ModelColumn | None,
    machine: Sequence[_Said],
    decisions: Sequence[DecisionRecord],
) -> TurnView:
    read = {one.coder for one in whole.readings if one.turn == turn.index}
    done = [
        Work(
            coder=coder,
            read=coder in read,
            marks=tuple(
                Mark(
                    code=one.code,
                    start=one.start,
                    end=one.end,
                    quote=_quote(turn, one.start, one.end),
                    memo=one.memo,
                )
                for one in codings
                if one.coder == coder
            ),
        )
        for coder in coders
    ]
    if model is not None:
        done.append(
            Work(
                coder=f"{MODEL_PREFIX}{model.version}",
                read=True,
                marks=tuple(
                    Mark(
                        code=one.code,
                        start=one.start,
                        end=one.end,
                        quote=_quote(turn, one.start, one.end),
                        score=one.score,
                        reason=one.reason,
                        decision=_decision(one, decisions) if model.how == "shown" else "",
                    )
                    for one in machine
                ),
            )
        )
    return TurnView(turn=turn, pieces=_pieces(turn.text, done), work=tuple(done))


def _quote(turn: Turn, start: int, end: int) -> str:
    quoted = turn.text[start:end]
    return "" if quoted.strip() == turn.text.strip() else quoted


def _decision(said: _Said, decisions: Iterable[DecisionRecord]) -> str:
    return ", ".join(
        f"{one.kind} by {one.coder}"
        for one in decisions
        if (one.code, one.shown_start, one.shown_end) == (said.code, said.start, said.end)
    )


def _pieces(text: str, work: Collection[Work]) -> tuple[Piece, ...]:
    """Cut the text wherever a coding begins or ends."""
    cuts = {0, len(text)}
    spans = [[(mark.start, mark.end) for mark in one.marks] for one in work]
    for own in spans:
        for start, end in own:
            cuts |= {start, end}
    places = sorted(cuts)
    return tuple(
        Piece(
            text=text[start:end],
            coders=sum(any(one <= start and end <= other for one, other in own) for own in spans),
        )
        for start, end in pairwise(places)
    )
