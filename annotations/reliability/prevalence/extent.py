"""From a study, a model's codings and a draw to sums over transcripts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from annotations.codings import Coding, CodingTable, Reading
from annotations.drawing import Member
from annotations.errors import StateError
from annotations.reliability.estimate import Bools, Floats
from annotations.reliability.prevalence.full_coding import FullCoding
from annotations.reliability.prevalence.sums import Sums
from annotations.study import Study
from annotations.transcripts import Transcript

UNITS = ("segments", "words", "transcripts")
"""Of what a share may be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """The transcripts that are estimated for, with their sums.

    *Shape:* `complete` (transcripts,), whether people have read all of it without suggestions in
    sight, and `undecided`, whether a choice after a split is all that this lacks. `members` are in
    the order of `transcripts`, as the rows of `sums` are. `ties` counts the decisions on a segment
    and a code on which the readers of what counts were divided in halves.
    """

    transcripts: tuple[Transcript, ...]
    members: tuple[Member, ...]
    sums: Sums
    complete: Bools
    undecided: Bools
    ties: int


def frame_of(
    study: Study,
    members: Iterable[Member],
    *,
    codes: Sequence[str],
    model: FullCoding,
    unit: str,
) -> Frame:
    """Sum up each member of the draw that the study still has.

    People's coding is the majority of those who read a segment without suggestions in sight, the
    adjudicated one above all, and a tie is a half; it counts where the transcript was drawn and is
    `complete`. `model` is the model's coding of every member. A unit is one of `UNITS`.
    """
    by_name = {one.transcript: one for one in members}
    transcripts = tuple(item for item in study.transcripts if item.name in by_name)
    kept = tuple(by_name[item.name] for item in transcripts)
    people = _table(study, transcripts, study.coders, study.codings, study.readings, codes)
    read = people.unassisted()
    read_all = _everything(transcripts, model.coder)
    looked = _table(study, transcripts, [model.coder], model.codings, read_all, codes)
    clusters, count = people.clusters, len(transcripts)
    unread = np.bincount(clusters, weights=~read.read.any(axis=0), minlength=count)
    complete = np.asarray(unread == 0)
    coded = coded_by_people(study)
    label = np.nan_to_num(read.majority())
    weights = _weights(people, unit)
    whole = unit == "transcripts"
    chances = model.chances_on(looked.units, codes)
    carried, *said = (
        _summed(part, weights, clusters, count, whole=whole)
        for part in (label, looked.applied[0].astype(np.float64), chances)
    )
    each = np.ones(len(clusters))
    found = carried if whole else _summed(label, each, clusters, count)
    segments = _summed(each[:, np.newaxis], each, clusters, count)[:, 0]
    sampled = np.array([one.drawn for one in kept], dtype=np.bool_) & complete
    strata = {stratum: at for at, stratum in enumerate(dict.fromkeys(one.stratum for one in kept))}
    return Frame(
        transcripts=transcripts,
        members=kept,
        complete=complete,
        undecided=np.array([item.name in coded for item in transcripts], np.bool_) & ~complete,
        ties=int((label[sampled[clusters]] == 0.5).sum()),
        sums=Sums(
            codes=tuple(codes),
            sizes=np.ones(count)
            if whole
            else _summed(weights[:, np.newaxis], np.ones(len(clusters)), clusters, count)[:, 0],
            said=np.stack(said, axis=-1),
            people=np.where(sampled[:, np.newaxis], carried, np.nan),
            segments=np.ones(count) if whole else segments,
            found=np.where(sampled[:, np.newaxis], found, 0.0),
            probability=np.array([one.probability for one in kept], dtype=np.float64),
            strata=np.array([strata[one.stratum] for one in kept], dtype=np.int64),
            counted="transcript" if whole else "segment",
        ),
    )


def read_by_people(study: Study) -> frozenset[str]:
    """The transcripts of which people have read every segment without suggestions in sight."""
    alone = {(one.transcript, one.turn) for one in study.human_readings if not one.assisted}
    found = set()
    for item in study.transcripts:
        turns = [turn for turn in item.turns if not turn.interviewer]
        if turns and all((item.name, turn.index) in alone for turn in turns):
            found.add(item.name)
    return frozenset(found)


def coded_by_people(study: Study) -> frozenset[str]:
    """The same, and the transcripts that a choice after a split keeps from it: they are coded."""
    return read_by_people(replace(study, readings=(*study.readings, *study.undecided)))


def stratum_of(transcript: Transcript, attributes: Sequence[str]) -> tuple[str, ...]:
    """The values of these attributes, empty where the transcript has none."""
    given: Mapping[str, str] = transcript.attributes
    return tuple(given.get(name, "") for name in attributes)


def check_attributes(transcripts: Sequence[Transcript], by: Sequence[str]) -> None:
    """StateError where no transcript has one of the attributes."""
    there = sorted({name for item in transcripts for name in item.attributes})
    for name in by:
        if name not in there:
            known = f"they have: {', '.join(there)}" if there else "they have none"
            raise StateError(
                f"no transcript has the attribute {name!r}; {known}. Import a file of attributes, "
                "or choose among them."
            )


def _table(
    study: Study,
    transcripts: Sequence[Transcript],
    coders: Sequence[str],
    codings: Iterable[Coding],
    readings: Iterable[Reading],
    codes: Sequence[str],
) -> CodingTable:
    return CodingTable.of(
        transcripts=transcripts,
        codings=codings,
        readings=readings,
        codes=codes,
        coders=coders,
        segmentation=study.segmentation,
    )


def _everything(transcripts: Iterable[Transcript], coder: str) -> Iterable[Reading]:
    for item in transcripts:
        for turn in item.turns:
            yield Reading(transcript=item.name, turn=turn.index, coder=coder)


def _weights(table: CodingTable, unit: str) -> Floats:
    if unit == "words":
        return np.array([len(one.text.split()) for one in table.units], dtype=np.float64)
    return np.ones(len(table.units))


def _summed(
    label: Floats, weights: Floats, clusters: NDArray[np.int64], count: int, *, whole: bool = False
) -> Floats:
    """Of units (units, codes) to transcripts (transcripts, codes): sums, or of `whole` the highest.

    So a transcript in which there are ties and nothing more is a half.
    """
    found = np.zeros((count, label.shape[1]))
    if whole:
        np.maximum.at(found, clusters, label)
    else:
        np.add.at(found, clusters, label * weights[:, np.newaxis])
    return found
