"""Whose codings are counted: people's, the majority's, one coder's, or a model's."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from annotations.codings import ADJUDICATED, Coding, Reading, is_model
from annotations.errors import NotFound, NothingCoded, StateError, command
from annotations.numerals import form, many
from annotations.study import Study

PEOPLE = "people"
MAJORITY = "majority"
MODEL = "model"


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """Codings to be counted, with the readings that they come from; `name` says whose."""

    name: str
    coders: tuple[str, ...]
    codings: tuple[Coding, ...]
    readings: tuple[Reading, ...]
    notes: tuple[str, ...] = ()


def work_of(study: Study, coded_by: str, *, model: Work | None = None) -> Work:
    """The work that `coded_by` names; `model` is what the model in use did, where there is one.

    `people`: what any person coded; where the team agreed on a turn (the adjudicated coder
    read it), that alone. `majority`: the segments that most of their readers coded so, each
    segment a coding. `model`: the model in use. Anything else is a coder's name. Raises
    NotFound for a coder who is not there, StateError where there is nothing to count, of it
    NothingCoded where nobody has coded.
    """
    if coded_by == MODEL:
        if model is None:
            raise StateError(
                f"no model has suggested anything that is kept for {study.name}. Push suggestions "
                "to Label Studio, or import the file that suggest --csv writes."
            )
        return model
    if coded_by not in (PEOPLE, MAJORITY):
        return _of_coder(study, coded_by)
    if not study.human_readings:
        raise NothingCoded(
            f"Nobody has coded {study.name} yet, so there is nothing to count. Import codings: "
            f"{command('import', study.name)} PATH..."
        )
    return _people(study) if coded_by == PEOPLE else _majority(study)


def _people(study: Study) -> Work:
    readings = study.human_readings
    settled = {(one.transcript, one.turn) for one in readings if one.coder == ADJUDICATED}

    def counts(one: Coding | Reading) -> bool:
        return one.coder == ADJUDICATED or (one.transcript, one.turn) not in settled

    return Work(
        name=PEOPLE,
        coders=study.coders,
        codings=tuple(one for one in study.human_codings if counts(one)),
        readings=tuple(one for one in readings if counts(one)),
        notes=_several(readings, settled),
    )


def _several(
    readings: Collection[Reading], settled: Collection[tuple[str, int]]
) -> tuple[str, ...]:
    """A warning where some transcripts were read by more coders than others."""
    coders: dict[tuple[str, int], set[str]] = {}
    for one in readings:
        coders.setdefault((one.transcript, one.turn), set()).add(one.coder)
    twice = {place[0] for place, who in coders.items() if len(who) > 1 and place not in settled}
    if not twice:
        return ()
    whole = {one.transcript for one in readings}
    return (
        f"{len(twice)} of {many(len(whole), 'transcript')} {form(len(twice), 'was', 'were')} read "
        "by more than one coder: what any of "
        "them coded counts, a passage that several coded once. Where some transcripts had more "
        "coders than others, compare the majority's (--coded-by majority).",
    )


def _majority(study: Study) -> Work:
    table = study.table()
    label = table.majority()
    return Work(
        name=MAJORITY,
        coders=(MAJORITY,),
        codings=tuple(
            Coding(
                transcript=table.units[unit].transcript,
                turn=table.units[unit].turn,
                start=table.units[unit].start,
                end=table.units[unit].end,
                code=table.codes[code],
                coder=MAJORITY,
            )
            for unit, code in np.argwhere(label == 1.0).tolist()
        ),
        readings=tuple(
            Reading(transcript=transcript, turn=turn, coder=MAJORITY)
            for transcript, turn in dict.fromkeys(
                (one.transcript, one.turn) for one in study.human_readings
            )
        ),
        notes=("A reference is a segment that most of its readers coded so; a tie is none.",),
    )


def _of_coder(study: Study, coder: str) -> Work:
    readings = tuple(one for one in study.readings if one.coder == coder)
    if not readings:
        there = [*study.coders, *sorted({r.coder for r in study.readings if is_model(r.coder)})]
        raise NotFound(
            f"no coder {coder!r} in {study.name}; choose {PEOPLE}, {MAJORITY}, {MODEL}"
            + "".join(f", {name}" for name in there)
        )
    return Work(
        name=coder,
        coders=(coder,),
        codings=tuple(one for one in study.codings if one.coder == coder),
        readings=readings,
    )
