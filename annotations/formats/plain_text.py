"""Plain text transcripts: `Speaker: words` lines."""

from annotations.formats.speech import Paragraph, Spoken, turns_of


def read(text: str) -> Spoken:
    """Turns of a text: one begins where a line begins with a speaker and a colon.

    Other lines go on with the turn, joined by a space. Where no line names a speaker, each
    paragraph (lines between blank ones) is a turn without one.
    """
    paragraphs: list[Paragraph] = []
    apart = True
    for line in text.splitlines():
        if line.strip():
            paragraphs.append(Paragraph(text=line, apart=apart))
        apart = not line.strip()
    return turns_of(paragraphs)
