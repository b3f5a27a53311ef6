"""One file that is one transcript, of whatever format, into an import."""

from collections.abc import Callable
from pathlib import Path

from annotations.errors import InputError
from annotations.formats import docx, odt, pdf, plain_text, subtitles
from annotations.formats.documents import Document, count_note
from annotations.formats.files import Content, read_text
from annotations.formats.intake import Intake, Place
from annotations.numerals import many
from annotations.transcripts import Transcript

MOST_BYTES = 16 * 2**20
"""The most that one transcript's text may hold: some three million words."""

_DOCUMENTS: dict[str, Callable[[Path], Document]] = {
    ".docx": docx.read,
    ".docm": docx.read,
    ".odt": odt.read,
    ".pdf": pdf.read,
}
_TEXTS = (".txt", ".txt.gz", ".vtt", ".srt")

ENDS = (*_TEXTS, *_DOCUMENTS)
"""The ends of the names of files that are transcripts."""


def read(path: Path, intake: Intake) -> None:
    """Put in the transcript of a file, named after it; what it holds besides is told."""
    place = Place(file=str(path))
    end = next(one for one in ENDS if path.name.lower().endswith(one))
    name = path.name[: -len(end)]
    if end in _DOCUMENTS:
        try:
            document = _DOCUMENTS[end](path)
        except InputError as error:
            intake.problems(error.problems)
            intake.lost_transcript(name)
            return
    else:
        content = read_text(path, any_encoding=True, most=MOST_BYTES)
        if content.problem is not None:
            intake.problems([content.problem])
            intake.lost_transcript(name)
            return
        document = _of_text(content, end)
        if content.encoding:
            intake.note(
                place,
                f"is not UTF-8 and was read as {content.encoding}; if letters look wrong in "
                "--dry-run, save it as UTF-8",
            )
    for what in document.left_out:
        intake.refuse(place, f"{what}, no part of the turns")
    spoken = document.spoken
    if not spoken.turns:
        intake.problem(place, "no words of speech in it; expected 'Speaker: words'")
        intake.lost_transcript(name)
        return
    if not spoken.named:
        intake.note(
            place,
            f"names no speaker, so each of {many(len(spoken.turns), 'paragraph')} is a turn of "
            "nobody; if people speak in it, begin their turns with 'Name: '",
        )
    intake.add_transcript(Transcript(name=name, turns=spoken.turns), place)


def _of_text(content: Content, end: str) -> Document:
    if end in (".vtt", ".srt"):
        found = subtitles.read(content.text)
        unread = count_note(
            found.unread, "cue whose times cannot be read", "cues whose times cannot be read"
        )
        return Document(spoken=found.spoken, left_out=tuple(unread))
    return Document(spoken=plain_text.read(content.text))
