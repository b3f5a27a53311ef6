"""Which transcripts people are to code, drawn so that each one's probability is known."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from annotations.errors import StateError
from annotations.numerals import many
from annotations.unequal import draw_unequal, in_order, probabilities_of

ALLOCATIONS = ("proportional", "equal")
"""How a sample is shared among strata: by their sizes, or the same to each."""

LEAST = 2
"""Transcripts drawn from a stratum at least: one alone says nothing of how they differ."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A transcript that a draw reckons with, drawn or not.

    `stratum` are the values of the attributes that it was drawn by; `probability` is that of
    being drawn. 1 means that nothing was left to chance: people had coded it before, or its
    stratum was taken whole.
    """

    transcript: str
    stratum: tuple[str, ...]
    probability: float
    drawn: bool


def draw(
    candidates: Mapping[str, tuple[str, ...]],
    *,
    size: int,
    seed: int,
    allocation: str = "proportional",
    coded: Mapping[str, tuple[str, ...]] | None = None,
    doubts: Mapping[str, float] | None = None,
) -> tuple[Member, ...]:
    """Draw `size` of the candidates, stratified; `coded` transcripts are members for certain.

    Both map a transcript to its stratum. In each stratum the transcripts with the lowest hash of
    seed and name are drawn: the same seed draws the same from the same candidates, and a larger
    size keeps what a smaller one drew. With `doubts`, of every candidate, those with more of it
    are likelier to be drawn in their stratum (see `unequal`; a larger size then draws anew).
    Raises StateError where the size does not give each stratum two.
    """
    strata: dict[tuple[str, ...], list[str]] = {}
    for name, stratum in candidates.items():
        strata.setdefault(stratum, []).append(name)
    sizes = allot({stratum: len(names) for stratum, names in strata.items()}, size, allocation)
    members = [
        Member(transcript=name, stratum=stratum, probability=1.0, drawn=True)
        for name, stratum in (coded or {}).items()
    ]
    for stratum, names in strata.items():
        count = sizes[stratum]
        if doubts is None:
            probabilities = dict.fromkeys(names, count / len(names))
            chosen = frozenset(in_order(names, seed)[:count])
        else:
            probabilities = probabilities_of({name: doubts[name] for name in sorted(names)}, count)
            chosen = draw_unequal(probabilities, seed=seed)
        members += [
            Member(
                transcript=name,
                stratum=stratum,
                probability=probabilities[name],
                drawn=name in chosen,
            )
            for name in names
        ]
    return tuple(sorted(members, key=lambda one: (one.stratum, one.transcript)))


def seed_after(seed: int, coded: Iterable[str]) -> int:
    """The seed with which to draw again, after these of an earlier draw were coded.

    With the same seed the ones that were left would all come back, though they are recorded as
    drawn by chance; and they are no random part of it: short ones are coded first. Where nothing
    was coded the seed stays, and a larger draw keeps a smaller one.
    """
    names = sorted(coded)
    if not names:
        return seed
    digest = hashlib.sha256("\n".join([str(seed), *names]).encode("utf-8", "surrogatepass"))
    return int.from_bytes(digest.digest()[:6], "big")


def allot(
    sizes: Mapping[tuple[str, ...], int], wanted: int, allocation: str
) -> dict[tuple[str, ...], int]:
    """How many to draw from each stratum of the given size: two at least, as far as it has two.

    What remains is shared one by one, to the stratum that has least for its size (or least).
    """
    if allocation not in ALLOCATIONS:
        raise StateError(f"{allocation!r} is no allocation; choose {' or '.join(ALLOCATIONS)}")
    there = sum(sizes.values())
    if wanted > there:
        raise StateError(
            f"{_asked(wanted)}, and {there} can be drawn: those that nobody "
            "coded yet and that were not shown with suggestions. Ask for fewer, or import more."
        )
    found = {stratum: min(LEAST, count) for stratum, count in sizes.items()}
    if wanted < sum(found.values()):
        raise StateError(
            f"{_asked(wanted)}, and {many(len(sizes), 'stratum needs', 'strata need')} "
            f"{sum(found.values())}: two of each, where it has two. Ask for more, or draw by "
            "fewer attributes."
        )

    def lacking(stratum: tuple[str, ...]) -> tuple[float, tuple[str, ...]]:
        # The next one's place by Sainte-Laguë, which rounds shares without favour to any size.
        weight = sizes[stratum] if allocation == "proportional" else 1
        return ((2 * found[stratum] + 1) / weight, stratum)

    for _ in range(wanted - sum(found.values())):
        stratum = min((one for one in sizes if found[one] < sizes[one]), key=lacking)
        found[stratum] += 1
    return found


def _asked(wanted: int) -> str:
    return many(wanted, "transcript was asked for", "transcripts were asked for")
