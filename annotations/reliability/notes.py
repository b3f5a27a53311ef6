"""What a study's readings do not allow to be said, and why."""

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np

from annotations.codebook import ancestors
from annotations.codings import ADJUDICATED, CodingTable
from annotations.numerals import many
from annotations.reliability.agreement import Agreement, people_of
from annotations.reliability.ceiling import Ceiling
from annotations.reliability.comparison import MAX_PAIRS
from annotations.reliability.estimate import MIN_CLUSTERS, MIN_POSITIVES
from annotations.reliability.methods import Extent
from annotations.study import Study

_LISTED = 8


def notes_of(
    study: Study,
    table: CodingTable,
    found: Agreement,
    extent: Extent,
    ceiling: Sequence[Ceiling],
    *,
    anchored: bool,
) -> tuple[str, ...]:
    """The gaps of a report, the widest first."""
    people = people_of(table)
    return (
        *_company(people, extent, assisted=bool(table.assisted.any())),
        *_left_out(study, table, anchored=anchored),
        *_codes(study, people),
        *_model(found, extent),
        *_ceiling(ceiling),
        *_unit(people, extent),
    )


def _company(people: CodingTable, extent: Extent, *, assisted: bool) -> Iterable[str]:
    if not people.coders and not assisted:
        yield (
            "There are no codings by single coders, only the agreed one, so there is no agreement "
            "to report. Import what each coder coded, under their own name."
        )
        return
    if not people.coders:
        yield (
            "Nobody coded without a model's suggestions in sight, so there is no agreement to "
            "report. Code a blind sample: transcripts whose suggestions are withheld."
        )
        return
    if len(people.coders) == 1:
        yield (
            f"Only {people.coders[0]} coded this study, so nothing can be said about agreement "
            "between people. Have a second person code some of the same transcripts."
        )
        return
    if not extent.twice:
        yield (
            f"No {extent.unit} was read by two coders, so nothing can be said about agreement. "
            "Have some transcripts coded twice, independently."
        )
        return
    read = people.read.astype(np.float32)
    shared = read @ read.T
    apart = [
        f"{people.coders[one]} and {people.coders[other]}"
        for one, other in combinations(range(len(people.coders)), 2)
        if not shared[one, other]
    ]
    if apart:
        yield f"Without a {extent.unit} in common, so not compared: {_listed(apart, 'pair')}."
    both = people.read.sum(axis=0) > 1
    transcripts = len(np.unique(people.clusters[both]))
    if transcripts < MIN_CLUSTERS:
        yield (
            f"Two coders or more read {many(transcripts, 'transcript')} in common; below "
            f"{MIN_CLUSTERS} no interval is given, so the figures do not say how surely they hold."
        )


def _left_out(study: Study, table: CodingTable, *, anchored: bool) -> Iterable[str]:
    if assisted := int(np.unique(table.clusters[table.assisted.any(axis=0)]).size):
        elsewhere = " other than that of blind against shown transcripts" if anchored else ""
        yield (
            f"{many(assisted, 'transcript was', 'transcripts were')} coded with suggestions in "
            f"sight; those readings are left out of every figure here{elsewhere}."
        )
    if ADJUDICATED in study.coders:
        yield (
            "The adjudicated coding is the coders' common work, so it is no coder of its own here."
        )


def _codes(study: Study, people: CodingTable) -> Iterable[str]:
    used = set(study.codes_used)
    parents = {ancestor for path in used for ancestor in ancestors(path)}
    unused = [path for path in study.codebook.paths if path not in used | parents]
    if unused:
        yield f"Nobody applied these codes, so they have no figures: {_listed(unused, 'code')}."
    if not people.coders:
        return
    seen = people.read.sum(axis=1)
    applied = people.applied.sum(axis=1)
    for coder, name in enumerate(people.coders):
        always = [
            code
            for at, code in enumerate(people.codes)
            if seen[coder] > 1 and applied[coder, at] == seen[coder]
        ]
        if always:
            yield (
                f"{name} applied these codes to everything that they read, so their agreement "
                f"on them cannot be told from chance: {_listed(always, 'code')}."
            )


def _model(found: Agreement, extent: Extent) -> Iterable[str]:
    if found.model is None:
        yield "No model is in use, so nothing is said of how a model compares with the coders."
        return
    if not found.model.transcripts:
        yield (
            "The model coded nothing that a person read without its suggestions in sight, so it "
            "cannot be compared with the coders. Code a blind sample."
        )
    if extent.unit == "character":
        yield (
            "Ceiling, substitution, anchoring and planning are about decisions on units of "
            "meaning, not on characters: see the report by segment."
        )


def _ceiling(ceiling: Sequence[Ceiling]) -> Iterable[str]:
    left_out = ceiling[0].left_out if ceiling else ()
    if not left_out:
        return
    whom = [" with ".join(names) for names in left_out]
    yield (
        f"The ceiling leaves out {_listed(whom, 'pair')}: fewer than {MIN_CLUSTERS} "
        f"transcripts in common with another coder and the model, or fewer than {MIN_POSITIVES} "
        "codings there, and a mean over pairs would weigh that like all the rest."
    )


def _unit(people: CodingTable, extent: Extent) -> Iterable[str]:
    number = len(people.coders) * (len(people.coders) - 1) // 2
    if extent.unit == "character" and number > MAX_PAIRS:
        yield (
            f"The comparison of {many(number, 'pair')} of coders is given over all sources and not "
            "source by source."
        )


def _listed(names: Sequence[str], noun: str) -> str:
    shown = ", ".join(names[:_LISTED])
    rest = len(names) - _LISTED
    return shown if rest <= 0 else f"{shown} and {many(rest, f'more {noun}')}"
