"""What of a study REFI-QDA has no place for: our own instruction at the end of a project.

Where the turns of a text are, and who read which of them, cannot be told from the text. A
processing instruction is ignored by every other tool, and makes our own reading exact.
"""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from annotations.codings import Reading
from annotations.formats.layout import Piece

TARGET = "second-coder"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceMarks:
    """The turns of a source whose text has this checksum, and the readings of them."""

    checksum: int
    pieces: tuple[Piece, ...]
    readings: tuple[Reading, ...]


def checksum(text: str) -> int:
    """A number that another text is unlikely to have."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def write_marks(
    guid: str, *, text: str, pieces: Sequence[Piece], readings: Iterable[Reading]
) -> str:
    """The instruction for one source, without the question marks around it."""
    content = {
        "source": guid,
        "checksum": checksum(text),
        "turns": [[one.start, one.end, one.speaker, one.interviewer] for one in pieces],
        "readings": _runs(readings),
    }
    # JSON in ASCII, in which '>' stands in strings only: '?>' would end the instruction.
    written = json.dumps(content, separators=(",", ":")).replace(">", "\\u003e")
    return f"{TARGET} {written}"


def read_marks(instructions: Iterable[str], names: Mapping[str, str]) -> dict[str, SourceMarks]:
    """What our own instructions say, by the identifier of the source.

    `names` are the transcripts by that identifier. An instruction that is not as we write it
    is as if it were not there: the text speaks for itself then.
    """
    found: dict[str, SourceMarks] = {}
    for instruction in instructions:
        target, _, text = instruction.partition(" ")
        if target != TARGET:
            continue
        try:
            content = json.loads(text)
            guid = content["source"]
            found[guid] = _marks(content, names[guid])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return found


def _marks(content: Mapping[str, Any], name: str) -> SourceMarks:
    pieces = tuple(
        Piece(
            start=_whole(start),
            end=_whole(end),
            speaker=str(speaker),
            interviewer=interviewer is True,
        )
        for start, end, speaker, interviewer in content["turns"]
    )
    at = 0
    for piece in pieces:
        if not at <= piece.start <= piece.end:
            raise ValueError("turns overlap")
        at = piece.end
    readings = tuple(
        Reading(transcript=name, turn=turn, coder=str(coder), assisted=assisted is True)
        for coder, runs in content["readings"].items()
        for first, last, assisted in runs
        for turn in range(_whole(first), min(_whole(last) + 1, len(pieces)))
    )
    return SourceMarks(checksum=_whole(content["checksum"]), pieces=pieces, readings=readings)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no whole number")
    return value


def _runs(readings: Iterable[Reading]) -> dict[str, list[list[int | bool]]]:
    """First and last turn of each run that a coder read in the same way."""
    runs: dict[str, list[list[int | bool]]] = {}
    ordered = sorted(readings, key=lambda one: (one.coder, one.turn))
    for coder, theirs in groupby(ordered, key=lambda one: one.coder):
        mine = runs.setdefault(coder, [])
        for one in theirs:
            if mine and mine[-1][1] == one.turn - 1 and mine[-1][2] == one.assisted:
                mine[-1][1] = one.turn
            else:
                mine.append([one.turn, one.turn, one.assisted])
    return runs
