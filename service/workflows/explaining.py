"""What each code means and how it fares: definition, excerpts, and the figures of the model."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotations.codebook import SEPARATOR
from annotations.codings import ADJUDICATED, Coding
from annotations.study import Study
from service.house import House
from service.storage.records import DecisionCounts
from service.workflows.studying import CodeLine, show_codebook

EXCERPTS = 3
EXCERPT = 280
"""Characters of an excerpt that are shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Excerpt:
    """Words that `coders` people coded so."""

    transcript: str
    turn: int
    text: str
    coders: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeCard:
    """A code with excerpts, its part of the training report, and decisions on it.

    `below` counts the codings of the codes below it, which are not its own.
    """

    line: CodeLine
    below: int
    excerpts: tuple[Excerpt, ...]
    model: Mapping[str, Any] | None
    decisions: DecisionCounts | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CodebookCards:
    """The codebook in the order of the tree."""

    study: str
    declared: bool
    model_version: str | None
    cards: tuple[CodeCard, ...]


def explain_codebook(house: House, study: str) -> CodebookCards:
    """Every code with the excerpts on which most coders agree; NotFound lists the studies."""
    book = show_codebook(house, study)
    with house.database.reading() as work:
        whole = work.studies.load(study)
        record = work.models.active(study)
        decisions = {one.code: one for one in work.label_studio.decision_counts(study)}
    known = {} if record is None else {one["code"]: one for one in record.figures.get("codes", ())}
    excerpts = _excerpts(whole)
    return CodebookCards(
        study=study,
        declared=book.declared,
        model_version=None if record is None else record.version,
        cards=tuple(
            CodeCard(
                line=line,
                below=sum(
                    one.codings
                    for one in book.codes
                    if one.code.startswith(f"{line.code}{SEPARATOR}")
                ),
                excerpts=excerpts.get(line.code, ()),
                model=known.get(line.code),
                decisions=decisions.get(line.code),
            )
            for line in book.codes
        ),
    )


def _excerpts(whole: Study) -> dict[str, tuple[Excerpt, ...]]:
    """For each code the turns that most coders coded so, each from another transcript."""
    texts = {
        (item.name, turn.index): turn.text for item in whole.transcripts for turn in item.turns
    }
    by_place: dict[str, dict[tuple[str, int], list[Coding]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for coding in whole.human_codings:
        by_place[coding.code][coding.transcript, coding.turn].append(coding)
    found = {}
    for code, places in by_place.items():
        ordered = sorted(places.items(), key=lambda item: (-_weight(item[1]), item[0]))
        chosen: dict[str, Excerpt] = {}
        for (transcript, turn), codings in ordered:
            if transcript not in chosen:
                first = min(codings, key=lambda one: (one.end - one.start, one.start))
                text = texts[transcript, turn][first.start : first.end]
                chosen[transcript] = Excerpt(
                    transcript=transcript,
                    turn=turn,
                    text=text if len(text) <= EXCERPT else f"{text[:EXCERPT].rstrip()} …",
                    coders=len({one.coder for one in codings if one.coder != ADJUDICATED}),
                )
            if len(chosen) == EXCERPTS:
                break
        found[code] = tuple(chosen.values())
    return found


def _weight(codings: Sequence[Coding]) -> int:
    """The team's agreed coding is worth more than any number of coders."""
    names = {one.coder for one in codings}
    return len(names) + (1000 if ADJUDICATED in names else 0)
