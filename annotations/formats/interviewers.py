"""Who interviews: the speakers whose turns are context and not coded."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from difflib import get_close_matches

from annotations.errors import InputError, Problem
from annotations.study import Material
from annotations.transcripts import Transcript


def mark(material: Material, names: Sequence[str]) -> Material:
    """The same material with the turns of these speakers marked, and no others.

    A name counts whatever its case and whether or not a colon ends it. InputError where one
    speaks in none of the transcripts, with those who do.
    """
    wanted = {folded(name): name for name in names}
    speakers = {turn.speaker for item in material.transcripts for turn in item.turns} - {""}
    missing = sorted(wanted.keys() - {folded(speaker) for speaker in speakers})
    if missing:
        raise InputError(*(_unknown(wanted[one], sorted(speakers)) for one in missing))
    return replace(
        material,
        transcripts=tuple(marked(item, wanted.keys()) for item in material.transcripts),
        interviewers=tuple(sorted(speaker for speaker in speakers if folded(speaker) in wanted)),
    )


def marked(transcript: Transcript, wanted: Collection[str]) -> Transcript:
    """The same transcript with the turns of these speakers marked; names as `folded` has them."""
    return replace(
        transcript,
        turns=tuple(
            replace(turn, interviewer=folded(turn.speaker) in wanted) for turn in transcript.turns
        ),
    )


def _unknown(name: str, speakers: Sequence[str]) -> Problem:
    near = get_close_matches(name, speakers, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    listed = ", ".join(speakers[:20]) or "nobody is named in these files"
    message = f"{name!r} speaks in none of these transcripts{hint}; who does: {listed}"
    return Problem(file="--interviewer", line=None, message=message)


def folded(name: str) -> str:
    """A speaker's name as it is compared: without case, spaces beside it, or a colon."""
    return " ".join(name.split()).rstrip(":： ").casefold()
