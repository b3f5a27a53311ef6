"""Which part of a split code the model proposes for an excerpt, and by what."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from annotations.study import Study
from annotations.transcripts import Transcript
from models.suggestions import SegmentScores
from service.house import House
from service.storage.records import ModelRecord, WaitingCoding
from service.storage.session import UnitOfWork
from service.workflows.model_codes import codes_of_model
from service.workflows.modelling import folder_of
from service.workflows.recommending import learned_codes
from service.workflows.training import Progress

SCORE = "score"
LIKENESS = "likeness"

LEAST_TAUGHT = 5
"""Segments that teach the model a part at least, before its probability is believed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposedPart:
    """The part that fits an excerpt best.

    `basis` is "score" where codings taught the model in use the parts: `score` is its probability,
    0 to 1. It is "likeness" where they did not: `score` is the cosine of the excerpt with what the
    codebook says of the part and what people coded with it so far, 0 to 1.
    """

    code: str
    score: float
    basis: str = SCORE


def propose_parts(
    house: House,
    study: str,
    waiting: Sequence[WaitingCoding],
    transcripts: Mapping[str, Transcript],
    progress: Progress,
) -> dict[int, ProposedPart]:
    """The best part for each coding, by its row id; nothing where the study has no model.

    `transcripts` are those that proposals may be made in, by name.
    """
    asked = [one for one in waiting if one.transcript in transcripts]
    with house.database.reading() as work:
        record = work.models.active(study)
        if record is None or not asked:
            return {}
        codes = codes_of_model(work, study, record)
        # A training before any choice was made knows the parts by name alone.
        taught = {one.code for one in learned_codes(record, codes) if one.support >= LEAST_TAUGHT}
        whole = work.studies.load(study)
    by_score: dict[int, ProposedPart] = {}
    if any(taught.intersection(one.options) for one in asked):
        from service.workflows.suggesting import suggest_transcripts

        named = list(dict.fromkeys(one.transcript for one in asked))
        batch = suggest_transcripts(
            house, study, [transcripts[name] for name in named], all_codes=True, progress=progress
        )
        by_score = _by_score(asked, batch.scores or (), taught)
    rest = [one for one in asked if one.coding not in by_score]
    return by_score | _by_likeness(house, record, whole, rest, transcripts)


def open_to_proposals(work: UnitOfWork, study: str, names: Iterable[str]) -> frozenset[str]:
    """The transcripts among `names` that are neither in the blind sample nor drawn.

    Those are people's own coding, which figures rest on: a choice there is theirs as well.
    """
    blind = {link.transcript for link in work.label_studio.tasks(study) if link.blind}
    return frozenset(names) - blind - work.draws.drawn(study)


def _by_score(
    waiting: Iterable[WaitingCoding], scores: Iterable[SegmentScores], taught: Collection[str]
) -> dict[int, ProposedPart]:
    by_turn: dict[tuple[str, int], list[SegmentScores]] = defaultdict(list)
    for segment in scores:
        by_turn[segment.transcript, segment.turn].append(segment)
    found: dict[int, ProposedPart] = {}
    for one in waiting:
        here = [
            segment
            for segment in by_turn[one.transcript, one.turn]
            if min(segment.end, one.end) > max(segment.start, one.start)
        ]
        own = {
            option: max(segment.scores[option] for segment in here)
            for option in one.options
            if here and option in taught and option in here[0].scores
        }
        if not own:
            continue
        best = max(own, key=lambda option: own[option])
        # Where it cannot score every part, a low score says only that it is another one.
        if len(own) == len(one.options) or own[best] >= 0.5:
            found[one.coding] = ProposedPart(code=best, score=own[best])
    return found


def _by_likeness(
    house: House,
    record: ModelRecord,
    study: Study,
    waiting: Sequence[WaitingCoding],
    transcripts: Mapping[str, Transcript],
) -> dict[int, ProposedPart]:
    if not waiting:
        return {}
    # Learning libraries take a second to import.
    from models.nearest_part import likeness_to_parts
    from models.suggester import Suggester

    known = _known_of(study, {option for one in waiting for option in one.options})
    said = [
        transcripts[one.transcript].turns[one.turn].text[one.start : one.end] for one in waiting
    ]
    texts = list(dict.fromkeys([*said, *(text for own in known.values() for text in own)]))
    suggester = Suggester.load(folder_of(house, record.version), encoder_cache=house.cache)
    rows = suggester.text_vectors(texts)
    place = {text: number for number, text in enumerate(texts)}
    likeness = likeness_to_parts(
        rows[[place[text] for text in said]], known, {text: rows[place[text]] for text in texts}
    )
    found: dict[int, ProposedPart] = {}
    for number, one in enumerate(waiting):
        best = max(one.options, key=lambda option: float(likeness[option][number]))
        score = max(0.0, min(1.0, float(likeness[best][number])))
        found[one.coding] = ProposedPart(code=best, score=score, basis=LIKENESS)
    return found


def _known_of(study: Study, parts: Collection[str]) -> dict[str, list[str]]:
    """What the codebook says of each part, its examples, and what people coded with it."""
    from training.knowledge import described

    known = {
        code.path: [described(code), *(text for text in code.examples if text.strip())]
        for code in study.codebook.codes
        if code.path in parts
    }
    names = {item.name: item for item in study.transcripts}
    for one in study.human_codings:
        if one.code in known:
            known[one.code].append(names[one.transcript].turns[one.turn].text[one.start : one.end])
    return known
